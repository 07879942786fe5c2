"""What a person answers about the tables that a schema leaves open, and what then follows of the others."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.model.catalog import Catalog, Category
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.classification.proposals import Classification, Option, Proposal, Verdict
from toolkit.planning.classification.proposing import classify, held_back


class Settling(Struct, kw_only=True):
    """A classification whose open tables are settled one after the other; each answer may decide others.

    Attributes:
        catalog: what is decided from the start.
        settled: by table, what was answered.
    """

    catalog: Catalog
    schema: DatabaseSchema
    settled: dict[str, Proposal] = field(default_factory=dict)
    _passed: set[str] = field(default_factory=set)
    _known: Classification | None = None
    """The classification by all that was answered; None where it has to be made anew."""

    def next(self) -> Proposal | None:
        """Give the next open table that has not been asked about; None when there is none."""
        return next((each for each in self._found().by_verdict(Verdict.OPEN) if each.table not in self._passed), None)

    def settle(self, proposal: Proposal, option: Option | None) -> None:
        """Note what was answered about an open table; None where it stays open."""
        self._passed.add(proposal.table)
        if option is not None:
            self._known = None
            where = "" if option.rule.category is Category.BUSINESS else f"under {option.rule.category}: "
            why = f"as answered: {option.meaning.removeprefix(where)}"
            self.settled[proposal.table] = replace(proposal, verdict=Verdict.DECIDED, options=(option,), why=why)
            if option.rule.category is Category.TRANSIENT:
                self.settled = {table: _without(each, proposal.table) for table, each in self.settled.items()}

    @property
    def decided(self) -> frozenset[str]:
        """Give the tables of which nothing is left to ask: those that were answered, and what follows from answers."""
        return frozenset(each.table for each in self.result().by_verdict(Verdict.DECIDED))

    def result(self) -> Classification:
        """Give the classification with all that was answered in it."""
        found = self._found()
        proposals = held_back([*found.proposals, *self.settled.values()], self.catalog)
        return replace(
            found,
            proposals=tuple(sorted(proposals, key=lambda each: each.table)),
            kept=found.kept - len(self.settled),
            differences=tuple(each for each in found.differences if each.table not in self.settled),
            written=self.catalog.rules,
        )

    def _found(self) -> Classification:
        if self._known is None:
            rules = {table: each.options[0].rule for table, each in self.settled.items()}
            self._known = classify(replace(self.catalog, rules={**self.catalog.rules, **rules}), self.schema)
        return self._known


def _without(proposal: Proposal, parent: str) -> Proposal:
    """The same without the references to a table that no backup has, but for those by which its rows are owned."""
    (option,) = proposal.options
    owning = {edge.columns for edge in option.rule.owned_by}
    left = tuple(each for each in option.rule.references if each.parent != parent or each.columns in owning)
    return replace(proposal, options=(replace(option, rule=replace(option.rule, references=left)),))
