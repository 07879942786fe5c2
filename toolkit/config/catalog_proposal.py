"""What `classify` proposes, as the text of a catalog file: a new one, or a person's own with additions.

A person's file is edited by whole lines, never written anew, so every byte of it stays but for what is said here: the
entries of tables that the database lost become comments, and a FOLLOWS comment gives way to the rule it announced.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.config import catalog as catalogs
from toolkit.config import document as documents
from toolkit.config.catalog_draft import Draft
from toolkit.config.catalog_entry import comment, entry, scalar, tenant_section
from toolkit.config.catalog_layout import Span, layout
from toolkit.errors import InputError, Problem
from toolkit.model.catalog import Category, TableRule, TenantTable
from toolkit.planning.classification.proposals import Classification, Dropped, Proposal, Reason, Verdict
from toolkit.planning.classification.tenants import Candidate

INTRODUCTION = """\
# Proposed by `playback classify` from the tables, keys and references of the database. Each line says why; read it all
# before you rely on it.
"""
LEGEND = """\
# DECIDE: the schema does not tell. Of the lines below, uncomment the one that is right and delete the others; the first
#   is the safe one: it hands no tenant's row to another and loses none that the schema ties to one. One "under device"
#   or "under transient" goes into that section. Until then no backup runs.
# FOLLOWS: nothing to decide; `playback classify --update` adds the line when the table before it is decided.
"""
_INDENT = 2
_GUESS = re.compile(r"# DECIDE: a guess, (.*); say which table's rows are the tenants(?=\r?$)", re.MULTILINE)
_OTHERS = re.compile(
    r"^# or tenant: .*\n|^#   to choose another, put it in place of the line above, .*\n", re.MULTILINE
)


class Choice(Struct, frozen=True, kw_only=True):
    """Why the tenant table is the tenant table, and what else it might be.

    Attributes:
        others: the other candidates; empty where a person has chosen.
    """

    why: str
    others: tuple[Candidate, ...] = ()

    def lines(self, tenant: TenantTable) -> Iterator[str]:
        """Give the tenant section, and comments on how to choose another one."""
        yield f"{tenant_section(tenant)}  {comment(self.why)}"
        for other in self.others:
            yield comment(f"or {tenant_section(other.tenant)}: {other.why}")
        if self.others:
            yield "#   to choose another, put it in place of the line above, delete all below it, and run with --update"


def guessed(why: str) -> str:
    """Say of a tenant table that nobody has confirmed it."""
    return f"DECIDE: a guess, {why}; say which table's rows are the tenants"


def is_guessed(text: str) -> bool:
    """Whether a catalog file still says that its tenant table is a guess."""
    return _GUESS.search(text) is not None


def confirmed(text: str) -> str:
    """Give the text of a catalog file whose guess was right: what asked about it is gone."""
    return _OTHERS.sub("", _GUESS.sub(r"# \1", text))


def new_file(draft: Draft, classification: Classification, choice: Choice) -> str:
    """Write a proposed catalog file; `classification` is of the schema against a catalog without rules."""
    lines = [
        *INTRODUCTION.splitlines(),
        *(LEGEND.splitlines() if any(each.verdict is not Verdict.DECIDED for each in classification.proposals) else ()),
        f"catalog: {scalar(draft.name)}  # the name of this file",
        *_schemas(draft),
        *choice.lines(classification.tenant),
        *_version(classification),
    ]
    for category, proposals in _by_section(classification.proposals).items():
        lines += ["", f"{category}:", *_groups(proposals)]
    return "\n".join(lines) + "\n"


def _schemas(draft: Draft) -> list[str]:
    """The lines that say where the tables are."""
    if len(draft.schemas) == 1:
        lines = [f"schema: {scalar(draft.schemas[0])}  # where the tables are"]
    else:
        listed = ", ".join(map(scalar, draft.schemas))
        lines = [f"schemas: [{listed}]  # where the tables are; to leave one out: `other_schemas: {{NAME: why}}`"]
    if draft.other_schemas and "other_schemas" not in draft.written:
        left_out = ", ".join(f"{scalar(name)}: {scalar(why)}" for name, why in draft.other_schemas.items())
        lines.append(f"other_schemas: {{{left_out}}}  # no backup has their rows")
    return lines


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
    sections = sorted(_by_section(editor.fresh(proposals, answered)).items(), key=lambda each: each[0] not in written)
    for section, fresh in sections:
        editor.add(section, fresh, whole)
    text = editor.text(lines)
    _check(draft, classification, text)
    return text


def _by_section(proposals: Iterable[Proposal]) -> Mapping[str, list[Proposal]]:
    """The proposals by the section they stand in: what is not decided is asked about under business."""
    sections: dict[str, list[Proposal]] = {Category.BUSINESS.value: []}
    for each in proposals:
        category = each.options[0].rule.category if each.verdict is Verdict.DECIDED else Category.BUSINESS
        sections.setdefault(category.value, []).append(each)
    return {section: members for section, members in sections.items() if members}


def _told(proposal: Proposal, whole: Span) -> Proposal:
    """A proposal; asked about instead of decided where lines cannot be added to the section it belongs to."""
    if proposal.verdict is not Verdict.DECIDED:
        return proposal
    category = proposal.options[0].rule.category
    section = whole.entries.get(category.value)
    if category is Category.BUSINESS or section is None or section.empty or section.block:
        return proposal
    return replace(proposal, verdict=Verdict.OPEN, group=proposal.group)


def _version(classification: Classification) -> list[str]:
    """The line that says where the schema's version stands."""
    if classification.schema_version is None:
        return []
    table, column = map(scalar, classification.schema_version)
    return [f"schema_version: {{table: {table}, column: {column}}}  # its greatest value is told with backups"]


def _by_group(proposals: Iterable[Proposal]) -> Mapping[str, list[Proposal]]:
    groups: dict[str, list[Proposal]] = defaultdict(list)
    for proposal in sorted(proposals, key=lambda each: (each.group, each.table)):
        groups[proposal.group].append(proposal)
    return groups


def _groups(proposals: Sequence[Proposal]) -> list[str]:
    """All groups of a new business section; that of the tenant table first."""
    groups = _by_group(proposals)
    first = next((each.group for each in proposals if each.reason is Reason.TENANT), "")
    lines = []
    for group in sorted(groups, key=lambda name: (name != first, name in ("other", "reference"), name)):
        lines += [*_group(group, groups[group], _INDENT, 2 * _INDENT), ""]
    return lines[:-1]


def _group(name: str, proposals: Sequence[Proposal], outer: int, inner: int) -> list[str]:
    """A group with its heading, which is a comment as long as nothing in it is decided."""
    decided = any(each.verdict is Verdict.DECIDED for each in proposals)
    heading = f"{scalar(name)}:"
    return [" " * outer + (heading if decided else f"# {heading}"), *_lines(proposals, inner)]


def _lines(proposals: Iterable[Proposal], indent: int) -> Iterator[str]:
    for proposal in proposals:
        for line in _of(proposal):
            yield " " * indent + line


def _of(proposal: Proposal) -> Iterator[str]:
    rules = [entry(option.rule) for option in proposal.options]
    if proposal.verdict is Verdict.DECIDED:
        yield f"{rules[0]}  {comment(proposal.why)}"
    elif proposal.verdict is Verdict.FOLLOWS:
        yield f"# {_mark(proposal)}{rules[0].partition(': ')[2]}  {comment(proposal.why)}"
    else:
        yield comment(f"{_mark(proposal)}{proposal.why}")
        for rule, option in zip(rules, proposal.options, strict=True):
            yield f"# {rule}  {comment(option.meaning)}"


def _mark(proposal: Proposal) -> str:
    """What a comment about an undecided table begins with, by which it is known again."""
    word = "FOLLOWS" if proposal.verdict is Verdict.FOLLOWS else "DECIDE"
    return f"{word} {scalar(proposal.table)}: "


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
        missing += _version(classification)
        if self.draft.schemas != ("public",) and not whole.entries.keys() & {"schema", "schemas"}:
            missing += _schemas(self.draft)
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
        groups = sorted(_by_group(proposals).items(), key=lambda each: each[0] not in section.entries)
        for name, members in groups:
            written = section.entries.get(name)
            called = f"{name}_added" if written is not None and not written.block else name
            group = section.entries.get(called)
            if group is not None and group.block:
                indent = min(span.indent for span in group.entries.values())
                self.inserted[self._after(group, indent)] += _lines(members, indent)
            else:
                place = self._after(section, outer)
                self.inserted[place] += ["", *_group(called, members, outer, outer + _INDENT)]

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
        lines = _groups(proposals)
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
