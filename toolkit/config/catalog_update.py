"""What `classify` proposes, added to a person's own catalog file.

The file is edited by whole lines, never written anew, so every byte of it stays but for what is said here: the entries
of tables that the database lost become comments, and a FOLLOWS comment gives way to the rule it announced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.config import catalog as catalogs
from toolkit.config import document as documents
from toolkit.config.catalog_draft import Draft
from toolkit.config.catalog_entry import comment, scalar
from toolkit.config.catalog_layout import Span, layout
from toolkit.config.catalog_proposal import (
    INDENT,
    LEGEND,
    Choice,
    by_group,
    by_section,
    group_lines,
    groups_lines,
    new_file,
    schema_lines,
    table_lines,
    version_lines,
)
from toolkit.errors import InputError, Problem
from toolkit.model.catalog import Category, TableRule
from toolkit.planning.classification.proposals import Classification, Dropped, Proposal, Verdict


def updated_file(
    draft: Draft, classification: Classification, choice: Choice, *, answered: Collection[str] = ()
) -> str:
    """Give the text of a catalog file with what is new added to it; the same text when nothing is.

    Args:
        classification: of the schema against the catalog of this file.
        answered: tables about which the file may ask, and of which nothing is left to ask.

    Raises:
        InputError: the file is written in a way that lines cannot be added to.
    """
    if not draft.written:
        return draft.text + new_file(draft, classification, choice)
    newline = "\r\n" if "\r\n" in draft.text else "\n"
    lines = draft.text.split("\n")
    if lines[-1]:
        lines[-1] += newline.removesuffix("\n")
        lines.append("")
    editor = _Editor(draft=draft, lines=[line.removesuffix("\r") for line in lines], ending=newline)
    whole = layout(draft.text)
    if whole is None or not whole.block:
        raise _cannot(draft, "the file is not written as one entry per line")
    written = [key for key, section in whole.entries.items() if not section.empty]
    editor.head(whole, classification, choice)
    editor.forget(classification.dropped, whole, keep={proposal.group for proposal in classification.proposals})
    proposals = [_told(each, whole) for each in classification.proposals]
    # what goes into the last section stands before a section that is new
    sections = sorted(by_section(editor.fresh(proposals, answered)).items(), key=lambda each: each[0] not in written)
    for section, fresh in sections:
        editor.add(section, fresh, whole)
    text = editor.text(lines)
    _check(draft, classification, text)
    return text


def _told(proposal: Proposal, whole: Span) -> Proposal:
    """A proposal; asked about instead of decided where lines cannot be added to the section it belongs to."""
    if proposal.verdict is not Verdict.DECIDED:
        return proposal
    category = proposal.options[0].rule.category
    section = whole.entries.get(category.value)
    if category is Category.BUSINESS or section is None or section.empty or section.block:
        return proposal
    return replace(proposal, verdict=Verdict.OPEN, group=proposal.group)


class _Editor(Struct, kw_only=True):
    """Collects insertions before lines and replacements of lines, and applies them all at the end.

    Attributes:
        notes: what stands right above a line, after what else is inserted there.
        replaced: None for a line that is taken out.
    """

    draft: Draft
    lines: Sequence[str]
    ending: str
    inserted: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    notes: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    replaced: dict[int, str | None] = field(default_factory=dict)

    def text(self, originals: Sequence[str]) -> str:
        """Give the edited text; lines that were not touched keep their own endings."""
        parts: list[str] = []
        for number, original in enumerate(originals):
            parts += [f"{line}{self.ending}" for line in (*self.inserted.get(number, ()), *self.notes.get(number, ()))]
            last = number == len(originals) - 1
            if number not in self.replaced:
                parts.append(original if last else f"{original}\n")
            elif (line := self.replaced[number]) is not None:
                parts.append(f"{line}{self.ending}")
        return "".join(parts)

    def head(self, whole: Span, classification: Classification, choice: Choice) -> None:
        """Add what must be at the top and is not."""
        missing = []
        if "catalog" not in whole.entries:
            missing.append(f"catalog: {scalar(self.draft.name)}  # the name of this file")
        if self.draft.tenant is None:
            missing += choice.lines(classification.tenant)
        missing += version_lines(classification)
        if self.draft.schemas != ("public",) and not whole.entries.keys() & {"schema", "schemas"}:
            missing += schema_lines(self.draft)
        before = [whole.entries[key] for key in ("catalog", "schema", "schemas", "tenant") if key in whole.entries]
        place = max((span.last + 1 for span in before), default=whole.first)
        self.inserted[place] += [" " * whole.indent + line for line in missing]

    def fresh(self, proposals: Iterable[Proposal], answered: Collection[str]) -> list[Proposal]:
        """Give the proposals that the file does not show yet; comments that are overtaken are taken out."""
        shown = {number: line.strip().removeprefix("# ") for number, line in enumerate(self.lines) if "# " in line}
        found = []
        for proposal in proposals:
            name = f"{scalar(proposal.table)}: "
            asked = [number for number, text in shown.items() if text.startswith(f"DECIDE {name}")]
            if asked and proposal.table not in answered:
                continue
            for number in asked:
                last = number
                while shown.get(last + 1, "").startswith(name):
                    last += 1
                self.replaced |= dict.fromkeys(range(number, last + 1))
            follows = [number for number, text in shown.items() if text.startswith(f"FOLLOWS {name}")]
            if follows and proposal.verdict is Verdict.FOLLOWS:
                continue
            self.replaced |= dict.fromkeys(follows)
            found.append(proposal)
        return found

    def add(self, key: str, proposals: Sequence[Proposal], whole: Span) -> None:
        """Add proposals to the groups of a section that they belong to, new groups at the end of it."""
        section = whole.entries.get(key)
        if section is None or section.empty:
            self._begin(key, section, proposals)
            return
        if not section.block:
            raise _cannot(self.draft, f"the {key} section is not written as one entry per line")
        outer = min(span.indent for span in section.entries.values())
        # what goes into the last group stands before a group that is new
        groups = sorted(by_group(proposals).items(), key=lambda each: each[0] not in section.entries)
        for name, members in groups:
            written = section.entries.get(name)
            called = f"{name}_added" if written is not None and not written.block else name
            group = section.entries.get(called)
            if group is not None and group.block:
                indent = min(span.indent for span in group.entries.values())
                self.inserted[self._after(group, indent)] += table_lines(members, indent)
            else:
                place = self._after(section, outer)
                self.inserted[place] += ["", *group_lines(called, members, outer, outer + INDENT)]

    def forget(self, dropped: Iterable[Dropped], whole: Span, *, keep: set[str]) -> None:
        """Turn the entries of lost tables into comments, or, where they must stay, say so above them."""
        lost = {each.table: each for each in dropped}
        for category in Category:
            section = whole.entries.get(category.value)
            for name, group in section.entries.items() if section else ():
                gone = [table for table in group.entries if table in lost]
                for table in gone:
                    self._forget(group.entries[table], lost[table], group, section)
                stay = [table for table in group.entries if table not in gone or lost[table].needed]
                if gone and group.block and not stay and name not in keep:
                    self._comment_out(group.first)
            groups = section.entries.values() if section and section.block else ()
            if groups and all(self._is_comment(group.first) for group in groups):
                self._comment_out(section.first if section else 0)

    def _forget(self, span: Span, dropped: Dropped, group: Span, section: Span | None) -> None:
        note = comment(f"DROPPED {scalar(dropped.table)}: the database has no such table")
        if any(line.strip() == note for line in self.lines):
            return
        self.notes[span.first].append(" " * self._indent(span.first) + note)
        if group.block and section is not None and section.block and not dropped.needed:
            for number in range(span.first, span.last + 1):
                self._comment_out(number)

    def _comment_out(self, number: int) -> None:
        line, indent = self.lines[number], self._indent(number)
        if not line.strip():
            return
        self.replaced[number] = f"{line[:indent]}# {line[indent:]}"

    def _is_comment(self, number: int) -> bool:
        return (self.replaced.get(number) or self.lines[number]).lstrip().startswith("#")

    def _indent(self, number: int) -> int:
        return len(self.lines[number]) - len(self.lines[number].lstrip())

    def _after(self, span: Span, indent: int) -> int:
        """The line before which text is added to a mapping: after its last entry and the comments that belong to it."""
        place = span.last + 1
        for number in range(place, len(self.lines)):
            line = self.lines[number].strip()
            if line and (not line.startswith("#") or self._indent(number) < indent):
                break
            if line:
                place = number + 1
        return place

    def _begin(self, key: str, section: Span | None, proposals: Sequence[Proposal]) -> None:
        lines = groups_lines(proposals)
        legend = LEGEND.splitlines() if key == Category.BUSINESS.value else []
        if section is None:
            self.inserted[len(self.lines) - 1] += ["", *legend, f"{key}:", *lines]
            return
        if section.braces:
            line = self.lines[section.first]
            self.replaced[section.first] = line[: section.braces[0]].rstrip() + line[section.braces[1] :]
        self.inserted[section.first] += legend
        self.inserted[self._after(section, 1)] += lines


def _check(draft: Draft, classification: Classification, text: str) -> None:
    """Read the result back: every rule of the file must be as it was, and every new one as proposed."""
    expected = {
        each.table: each.options[0].rule for each in classification.proposals if each.verdict is Verdict.DECIDED
    }
    try:
        document = documents.parse(text, file=draft.file)
        before = draft.catalog(classification.tenant).rules
        after = catalogs.of_document(document, draft.name).rules
    except InputError as error:
        reasons = "; ".join(problem.message for problem in error.problems)
        raise _cannot(draft, f"with the new lines it would not be valid ({reasons})") from error
    for table, rule in after.items():
        if _bare(rule) != _bare(before.get(table) or expected[table]):
            raise _cannot(draft, f"the new lines would change the rule of {table}")


def _bare(rule: TableRule) -> TableRule:
    return replace(rule, line=0, group="")


def _cannot(draft: Draft, reason: str) -> InputError:
    problem = Problem(file=draft.file, message=f"cannot be added to: {reason}")
    return InputError([problem], hint="leave --update out to see every rule proposed afresh, and copy what is new")
