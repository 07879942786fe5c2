"""Tables of which nothing says whose a row is: lists for all, parts of what has no owner, and what a person decides."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.model.schema import DatabaseSchema
from toolkit.planning.classification import names
from toolkit.planning.classification.edges import Edge, Edges
from toolkit.planning.classification.findings import Finding, Kind, listed
from toolkit.planning.classification.knowledge import Knowledge
from toolkit.planning.classification.polymorphic import polymorphic
from toolkit.planning.classification.proposals import Reason


class Unowned:
    """Judges them; PendingError where one that a table points at is not judged yet."""

    def __init__(self, schema: DatabaseSchema, edges: Edges, known: Knowledge) -> None:
        self._schema = schema
        self._edges = edges
        self._known = known

    def finding(self, table: str) -> Finding:
        """Give what is found of a table where nothing says whose a row is, or only a mention does."""
        hanging = [(edge, self._known.kind(edge)) for edge in self._known.hanging(table)]
        as_list = self._listed(table, [edge for edge, kind in hanging if kind is Kind.LISTED])
        found = self._of_no_owner(table, hanging) or as_list
        if found is not None:
            return found
        read = tuple(edge for edge in self._edges.undeclared(table) if self._known.kind(edge) is Kind.OWNED)
        if read:
            why = f"{read[0].text} reads like a reference to {read[0].parent}, without a foreign key"
            return Finding(kind=Kind.OPEN, why=why, edges=read)
        return Finding(kind=Kind.PATHLESS) if self._edges.to(table) else self._leaf(table)

    def _of_no_owner(self, table: str, hanging: Sequence[tuple[Edge, Kind]]) -> Finding | None:
        """A part of a row that is outside the business data, or that the catalog file says has no owner."""
        outside = [e for e, kind in hanging if kind is Kind.OUTSIDE and (e.cascade or not self._edges.to(table))]
        if outside:
            parent = self._known.state(outside[0].parent)
            why = f"it is a part of {outside[0].parent}, which is {parent.category}"
            return Finding(kind=Kind.STATE, why=why, category=parent.category)
        lost = sorted({edge.parent for edge, kind in hanging if kind is Kind.POINTED_AT})
        if not lost:
            return None
        why = f"a part of {', '.join(lost)}, which has no owner"
        if any(map(self._serves_tenants, lost)) and not self._serves_tenants(table):
            why += ": the backup of a tenant whose rows lead there has that row without these"
            return Finding(kind=Kind.OPEN, reason=Reason.PART_OF_NONE, why=why)
        return Finding(kind=Kind.POINTED_AT, reason=Reason.PART_OF_NONE, why=why)

    def _leaf(self, table: str) -> Finding:
        """Nothing points at it either."""
        mentions = [edge for edge in self._edges.of(table) if self._known.kind(edge) is Kind.OWNED]
        parents = ", ".join(sorted({edge.parent for edge in self._edges.of(table)}))
        if mentions:
            why = f"{' and '.join(edge.text for edge in mentions)} only mentions somebody or something"
            return Finding(kind=Kind.STATE, why=why)
        if parents:
            return Finding(kind=Kind.STATE, why=f"it points only at {parents}, and nothing points at it")
        why = "no foreign key from or to it, and no name by which it is a list"
        return Finding(kind=Kind.STATE, reason=Reason.ALONE, why=why)

    def _listed(self, table: str, parents: Sequence[Edge]) -> Finding | None:
        """A list for all, or a part of one; what it points at would come along for everybody, so that must be lists."""
        edges = self._edges.of(table)
        if any(map(self._known.joined.upward, edges)) or any(
            not edge.mention and self._known.kind(edge) is not Kind.LISTED for edge in edges
        ):
            return None
        mentions = " and ".join(edge.text for edge in edges if edge.mention)
        whole = next((edge for edge in parents if edge.cascade or self._edges.within_key(edge)), None)
        if whole is not None and not mentions:
            return listed(f"a part of {whole.parent}, which is a list for all")
        key = self._list_key(table)
        if key and not names.reads_like_lookup(table) and self._serves_tenants(table):
            # names of domains or repositories are unique too, and some tenant's
            return None
        if key and not mentions:
            return listed(f"{key} is unique over all tenants")
        if key and self._edges.to(table):
            why = f"{key} is unique over all tenants, but {mentions} would bring others' rows along"
            return Finding(kind=Kind.POINTED_AT, reason=Reason.POINTED_AT, why=why)
        alone = not edges and not self._edges.to(table) and names.reads_like_lookup(table)
        return listed("it reads like a list for all, and has no link to any table") if alone else None

    def _serves_tenants(self, table: str) -> bool:
        """Whether a row that points at it is in some way a tenant's."""
        pointing = (edge.child for edge in self._edges.to(table) if not edge.mention)
        return any(self._known.joined.reaches(child, frozenset()) for child in pointing)

    def _list_key(self, table: str) -> str:
        """A key by which people know the entries of a list, unique without any owner; empty if there is none."""
        of = self._schema.tables[table]
        if names.reads_like_people(table) or polymorphic(of):
            return ""
        for key in (of.primary_key, *(each.columns for each in of.unique_keys if not each.partial)):
            if any(names.reads_like_list_key(column, table) for column in key):
                return ", ".join(key)
        return ""
