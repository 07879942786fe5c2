"""What `classify` proposes, as the text of a new catalog file; `catalog_update` adds it to one that is there."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from toolkit.config.catalog_draft import Draft
from toolkit.config.catalog_entry import comment, entry, scalar, tenant_section
from toolkit.model.catalog import Category, TenantTable
from toolkit.planning.classification.proposals import Classification, Proposal, Reason, Verdict
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
INDENT = 2
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
        *schema_lines(draft),
        *choice.lines(classification.tenant),
        *version_lines(classification),
    ]
    for category, proposals in by_section(classification.proposals).items():
        lines += ["", f"{category}:", *groups_lines(proposals)]
    return "\n".join(lines) + "\n"


def schema_lines(draft: Draft) -> list[str]:
    """Give the lines that say where the tables are."""
    if len(draft.schemas) == 1:
        lines = [f"schema: {scalar(draft.schemas[0])}  # where the tables are"]
    else:
        listed = ", ".join(map(scalar, draft.schemas))
        lines = [f"schemas: [{listed}]  # where the tables are; to leave one out: `other_schemas: {{NAME: why}}`"]
    if draft.other_schemas and "other_schemas" not in draft.written:
        left_out = ", ".join(f"{scalar(name)}: {scalar(why)}" for name, why in draft.other_schemas.items())
        lines.append(f"other_schemas: {{{left_out}}}  # no backup has their rows")
    return lines


def by_section(proposals: Iterable[Proposal]) -> Mapping[str, list[Proposal]]:
    """Give the proposals by the section they stand in: what is not decided is asked about under business."""
    sections: dict[str, list[Proposal]] = {Category.BUSINESS.value: []}
    for each in proposals:
        category = each.options[0].rule.category if each.verdict is Verdict.DECIDED else Category.BUSINESS
        sections.setdefault(category.value, []).append(each)
    return {section: members for section, members in sections.items() if members}


def version_lines(classification: Classification) -> list[str]:
    """Give the line that says where the schema's version stands."""
    if classification.schema_version is None:
        return []
    table, column = map(scalar, classification.schema_version)
    return [f"schema_version: {{table: {table}, column: {column}}}  # its greatest value is told with backups"]


def by_group(proposals: Iterable[Proposal]) -> Mapping[str, list[Proposal]]:
    """Give the proposals by group, in the order of both."""
    groups: dict[str, list[Proposal]] = defaultdict(list)
    for proposal in sorted(proposals, key=lambda each: (each.group, each.table)):
        groups[proposal.group].append(proposal)
    return groups


def groups_lines(proposals: Sequence[Proposal]) -> list[str]:
    """Give all groups of a new business section; that of the tenant table first."""
    groups = by_group(proposals)
    first = next((each.group for each in proposals if each.reason is Reason.TENANT), "")
    lines = []
    for group in sorted(groups, key=lambda name: (name != first, name in ("other", "reference"), name)):
        lines += [*group_lines(group, groups[group], INDENT, 2 * INDENT), ""]
    return lines[:-1]


def group_lines(name: str, proposals: Sequence[Proposal], outer: int, inner: int) -> list[str]:
    """Give a group with its heading, which is a comment as long as nothing in it is decided."""
    decided = any(each.verdict is Verdict.DECIDED for each in proposals)
    heading = f"{scalar(name)}:"
    return [" " * outer + (heading if decided else f"# {heading}"), *table_lines(proposals, inner)]


def table_lines(proposals: Iterable[Proposal], indent: int) -> Iterator[str]:
    """Give the lines of tables: rules, and comments about what is not decided."""
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
