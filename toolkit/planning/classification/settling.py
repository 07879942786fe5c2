"""What a person answers about the tables that a schema leaves open, and what then follows of the others."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.model.catalog import Catalog, Category
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.classification import changes
from toolkit.planning.classification.edges import Edges
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
    """The classification by what was answered before `_touched`; None where it has to be made anew."""
    _touched: set[str] = field(default_factory=set)
    """The parts of the schema of which something was answered since then: only of others it still holds."""
    _parts: Mapping[str, str] = field(default_factory=dict)

    def next(self) -> Proposal | None:
        """Give the next open table that has not been asked about; None when there is none.

        Tables that hang together with none that was answered are asked about first: what is proposed of them still
        holds, so that the schema is not looked at anew after each answer.
        """
        for each in self._found().by_verdict(Verdict.OPEN):
            if each.table not in self._passed and self._part(each.table) not in self._touched:
                return each
        if not self._touched:
            return None
        self._known = None
        return self.next()

    def settle(self, proposal: Proposal, option: Option | None) -> None:
        """Note what was answered about an open table; None where it stays open."""
        self._passed.add(proposal.table)
        if option is not None:
            self._touched.add(self._part(proposal.table))
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
        catalog = self._catalog()
        found = classify(catalog, self.schema)
        edges = Edges(self.schema, catalog)
        proposals = held_back([*found.proposals, *self.settled.values()], self.catalog, edges)
        return replace(
            found,
            proposals=tuple(sorted(proposals, key=lambda each: each.table)),
            kept=found.kept - len(self.settled),
            differences=tuple(each for each in found.differences if each.table not in self.settled),
            written=self.catalog.rules,
        )

    def _found(self) -> Classification:
        if self._known is None:
            self._known = classify(self._catalog(), self.schema, compared=False)
            self._touched.clear()
        return self._known

    def _catalog(self) -> Catalog:
        rules = {table: each.options[0].rule for table, each in self.settled.items()}
        return replace(self.catalog, rules={**self.catalog.rules, **rules})

    def _part(self, table: str) -> str:
        if changes.dropped(self.catalog, self.schema):
            # which of the others one is the new name of is weighed between all of them
            return ""
        if not self._parts:
            self._parts = Edges(self.schema, self.catalog).parts()
        return self._parts[table]


def _without(proposal: Proposal, parent: str) -> Proposal:
    """The same without the references to a table that no backup has, but for those by which its rows are owned."""
    (option,) = proposal.options
    owning = {edge.columns for edge in option.rule.owned_by}
    left = tuple(each for each in option.rule.references if each.parent != parent or each.columns in owning)
    return replace(proposal, options=(replace(option, rule=replace(option.rule, references=left)),))
