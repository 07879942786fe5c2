"""What `classify` proposes, as data: a rule for every new table and why, or what a person has to decide."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from toolkit.model.catalog import TableRule, TenantTable


class Verdict(StrEnum):
    """How sure a proposal is."""

    DECIDED = "decided"
    OPEN = "open"
    """The schema does not say; a person has to."""
    FOLLOWS = "follows"
    """Nothing to decide here: the rule holds as soon as another table is decided."""


class Reason(StrEnum):
    """Why, in the words of the summary."""

    TENANT = "the tenant table"
    COLUMN = "a column points at the tenant"
    UNDECLARED = "a column names the tenant, without a foreign key"
    PART = "part of an owned table"
    LINKED = "tied to tenants by another table"
    ONLY_LINK = "only one link leads to a tenant"
    LISTED = "a list for all tenants"
    POINTED_AT = "taken where owned rows point at it"
    PART_OF_NONE = "part of a table without an owner"
    ALONE = "no link to any other table"
    MIGRATIONS = "the record of a migration tool"
    NAME = "reads like a device's own or passing state"
    SEVERAL = "several possible owners"
    UNWRITABLE = "its name cannot stand in a rule"
    POLYMORPHIC = "its owner stands in a pair of type and id"
    UNCLEAR = "nothing says whose the rows are"
    RENAMED = "looks like a renamed table"
    WAITING = "hangs on a table to be decided"


class Option(Struct, frozen=True, kw_only=True):
    """One way to settle an open table: a rule, and what it means in a few words."""

    rule: TableRule
    meaning: str


class Proposal(Struct, frozen=True, kw_only=True):
    """What is proposed for one table that the catalog file does not classify.

    Attributes:
        why: the reason with the names that matter, one line.
        options: the proposed rule; of an open table, every sensible rule, the one that neither loses nor leaks first
            (none where the table's name cannot stand in a catalog file).
        follows: the tables on whose decision it waits.
        renamed_from: a table of the catalog file that the database lost, and that this one looks like.
    """

    table: str
    group: str
    verdict: Verdict
    reason: Reason
    why: str
    options: tuple[Option, ...]
    follows: tuple[str, ...] = ()
    renamed_from: str = ""


class Dropped(Struct, frozen=True, kw_only=True):
    """A table of the catalog file that the database does not have.

    Attributes:
        needed: something else in the file still names it, so its entry has to stay.
    """

    table: str
    needed: bool


class Difference(Struct, frozen=True, kw_only=True):
    """A table whose rule in the catalog file is not what a fresh look at the schema says.

    Attributes:
        rule: what a fresh look would decide; None where the file's rule cannot be followed at all.
    """

    table: str
    rule: TableRule | None
    why: str


class Classification(Struct, frozen=True, kw_only=True):
    """A schema against a catalog file.

    Attributes:
        written: what the file says, by table.
        differences: tables that the file classifies and a fresh look would classify otherwise.
        schema_version: table and column that tell the schema's version, where the table is proposed here.
        proposals: one for each table that the file does not classify, by name.
        dropped: tables of the file that the schema lacks, by name.
        kept: how many tables of the schema the file classifies already.
    """

    tenant: TenantTable
    proposals: tuple[Proposal, ...]
    dropped: tuple[Dropped, ...]
    kept: int
    written: Mapping[str, TableRule]
    differences: tuple[Difference, ...]
    schema_version: tuple[str, str] | None

    def by_verdict(self, verdict: Verdict) -> tuple[Proposal, ...]:
        """Give the proposals of that verdict."""
        return tuple(proposal for proposal in self.proposals if proposal.verdict is verdict)

    def counts(self) -> Mapping[tuple[Verdict, Reason], int]:
        """Say how many proposals there are of each verdict and reason, in the order of the enums."""
        pairs = [(proposal.verdict, proposal.reason) for proposal in self.proposals]
        return {
            (verdict, reason): pairs.count((verdict, reason))
            for verdict in Verdict
            for reason in Reason
            if (verdict, reason) in pairs
        }
