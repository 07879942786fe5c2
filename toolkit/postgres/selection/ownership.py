"""Who owns which rows: O(r) of the design, reduced to what one needs to know of the owners.

For every table this makes a table of ids with one line per row and mark. A mark is worked out of the tenant's row: a
scope asks for `mine`, true when a selected tenant reaches the row along owner links, false when another one does; a
report asks for `tenant`, the tenant's key. A row without a line is owned by nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace
from psycopg import sql

from toolkit.model.catalog import TenantTable
from toolkit.planning.cycles import levels
from toolkit.planning.links import OwnerLink
from toolkit.postgres.schema.relation import Relation, Sql, equal, row_text, scalar
from toolkit.postgres.schema.row_sources import Rows, Temporary
from toolkit.postgres.schema.workspace import SMALL_BYTES, Workspace
from toolkit.postgres.session.qualifying import type_name

NOTHING = sql.SQL("")
MOST = 64
"""Tables whose lines are counted by one statement, at most."""


class Mark(Struct, frozen=True):
    """What a line says of an owner: a column's name and type, and its value worked out of the tenant's row `t`."""

    name: str
    type: Sql
    value: Sql


class Owners(Struct, frozen=True):
    """The owners of one table's rows.

    Attributes:
        source: a table of ids with the mark (`mine` or `tenant`) and the columns in `keys`.
        keys: column of the table → its name in `source`.
        all_mine: True when every row is owned, and by selected tenants only.
        mine: how many lines say that a selected tenant owns the row; None where nobody has counted.
        others: how many say that another one does; the same.
        alone: no row has more than one line, because no row can have several owners.
    """

    source: Rows
    keys: Mapping[str, str]
    all_mine: bool = False
    mine: int | None = None
    others: int | None = None
    alone: bool = False

    def joined(self, alias: str, link: OwnerLink, owners: str) -> Sql:
        """Give the condition that a link leads to row `alias` of its table from the row of a line `owners` of these."""
        names = [self.keys[name] for name in link.source_columns]
        return equal(owners, names, alias, link.columns, link.equalities)


class AbsentOwners(Struct, frozen=True, kw_only=True):
    """What rows that cannot be read give the rows of a table, as it was noted when they could.

    Attributes:
        columns: columns of the table.
        source: something to select from: `value`, the text of a ROW of these columns, and the mark of an owner of the
            rows that have it.
    """

    table: str
    columns: tuple[str, ...]
    source: Sql


class Ownership:
    """Computes owners table by table; groups of tables on a common cycle together, until nothing is added."""

    def __init__(
        self,
        workspace: Workspace,
        relations: Mapping[str, Relation],
        links: Sequence[OwnerLink],
        tenant: TenantTable,
        *,
        absent: Sequence[AbsentOwners] = (),
    ) -> None:
        self._workspace = workspace
        self._relations = relations
        self._links = [link for link in links if link.table in relations and link.source in relations]
        self._into, self._from = defaultdict[str, list[OwnerLink]](list), defaultdict[str, list[OwnerLink]](list)
        for link in self._links:
            self._into[link.table].append(link)
            self._from[link.source].append(link)
        self._tenant = tenant
        self._absent = [each for each in absent if each.table in relations]
        self._owners: dict[str, Owners] = {}
        self._mark: Mark
        self._both = False

    def compute(self, selected: Sql, *, only_selected: bool, all_selected: bool) -> dict[str, Owners]:
        """Owners of every table that owner links reach, as `mine`: whether they are selected.

        Args:
            selected: a condition on the tenant table (alias `t`) that is true for selected tenants.
            only_selected: follow selected tenants only; no line with `mine` false is made.
            all_selected: every tenant is selected.
        """
        mark = Mark("mine", type_name("boolean"), sql.SQL("({})").format(selected))
        self._both = not (only_selected or all_selected)
        owners = self._compute(mark, selected if only_selected else None, all_alike=all_selected)
        return self._counted(owners, alike=only_selected or all_selected)

    def compute_tenants(
        self, followed: Sql | None = None, *, wanted: Collection[str] | None = None
    ) -> dict[str, Owners]:
        """Owners of every table that owner links reach, as `tenant`: the text of each owner's key.

        Args:
            followed: a condition on the tenant table (alias `t`) for the tenants to follow; None for all.
            wanted: only of these tables, from which every table that owns their rows can be reached; None for all.
        """
        key = sql.SQL("t.{}::text").format(sql.Identifier(self._tenant.key))
        return self._compute(Mark("tenant", type_name("text"), key), followed, all_alike=False, wanted=wanted)

    def _compute(
        self, mark: Mark, followed: Sql | None, *, all_alike: bool, wanted: Collection[str] | None = None
    ) -> dict[str, Owners]:
        """Owners with this mark.

        Args:
            followed: a condition on the tenant table (alias `t`) for the tenants to follow; None for all.
            all_alike: the mark is true for every tenant.
        """
        self._mark = mark
        edges = [(link.source, link.table) for link in self._links]
        nodes = {self._tenant.table, *(each.table for each in self._absent), *(name for edge in edges for name in edge)}
        nodes &= self._relations.keys() if wanted is None else set(wanted)
        among = defaultdict[str, list[OwnerLink]](list)
        for link in self._links:
            among[link.table].append(link)
        for level in levels(nodes, edges):
            for group in level:
                inner = [link for table in group for link in among[table] if link.source in group]
                if inner:
                    self._cycle(group, inner, followed)
                else:
                    self._single(group[0], followed, all_alike=all_alike)
            self._workspace.analyze()
        return self._owners

    def _counted(self, owners: Mapping[str, Owners], *, alike: bool) -> dict[str, Owners]:
        """The owners with the numbers of their lines.

        Args:
            alike: no line is of tenants that are not selected.
        """
        counts = {name: (each.source.rows, 0) for name, each in owners.items() if alike or each.source.empty}
        counting = [name for name, each in owners.items() if name not in counts and isinstance(each.source, Temporary)]
        for names in (counting[first : first + MOST] for first in range(0, len(counting), MOST)):
            query = sql.SQL(" UNION ALL ").join(
                sql.SQL("SELECT {}, count(*) FILTER (WHERE o.mine), count(*) FROM {} o").format(
                    sql.Literal(name), owners[name].source
                )
                for name in names
            )
            for name, mine, lines in self._workspace.connection.execute(query):
                counts[name] = mine, lines - mine
        return {
            name: replace(each, mine=counts[name][0], others=counts[name][1]) if name in counts else each
            for name, each in owners.items()
        }

    def _single(self, table: str, followed: Sql | None, *, all_alike: bool) -> None:
        incoming = self._into[table]
        is_tenant = table == self._tenant.table
        total = any(link.total and self._owners[link.source].all_mine for link in incoming)
        if all_alike and (is_tenant or total):
            relation, names = self._relations[table], self._key_names(table)
            query = sql.SQL("(SELECT {ids}, true AS {mark}{keys} FROM {source} t)").format(
                ids=relation.ids("t"), mark=self._name, keys=self._select_keys(names), source=relation.source
            )
            self._owners[table] = Owners(Rows(query, None), names, all_mine=True, alone=True)
            return
        parts = [self._from_link(link) for link in incoming if self._gives(link)]
        parts.extend(self._given(table, followed))
        absent = any(each.table == table for each in self._absent)
        distinct = len(parts) > 1 or absent or any(not link.single for link in incoming)
        alone = not distinct and all(self._owners[link.source].alone for link in incoming if self._gives(link))
        if alone and len(parts) == 1 and incoming and self._is_told_apart and self._is_last(table):
            self._owners[table] = self._apart(table, next(link for link in incoming if self._gives(link)))
            return
        self._owners[table] = replace(self._create(table, parts, distinct=distinct), alone=alone)

    def _gives(self, link: OwnerLink) -> bool:
        """Whether a link may lead from owned rows, as far as they are known by now."""
        return link.source in self._owners and not self._owners[link.source].source.empty

    @property
    def _name(self) -> sql.Identifier:
        return sql.Identifier(self._mark.name)

    def _given(self, table: str, followed: Sql | None) -> Iterator[Sql]:
        """The lines of a table that come from no other table: of tenants, and of rows that cannot be read."""
        if table == self._tenant.table:
            yield self._seed(followed)
        relation = self._relations[table]
        for absent in self._absent:
            if absent.table == table:
                yield sql.SQL("SELECT {ids}, s.{mark}{keys} FROM {own} t JOIN {source} s ON {same}").format(
                    ids=relation.ids("t"),
                    mark=self._name,
                    keys=self._select_keys(self._key_names(table)),
                    own=relation.source,
                    source=absent.source,
                    same=sql.SQL("{} = s.value").format(row_text("t", absent.columns)),
                )

    def _seed(self, followed: Sql | None) -> Sql:
        table = self._tenant.table
        relation = self._relations[table]
        where = NOTHING if followed is None else sql.SQL(" WHERE {}").format(followed)
        return sql.SQL("SELECT {ids}, {value} AS {mark}{keys} FROM {source} t{where}").format(
            ids=relation.ids("t"),
            value=self._mark.value,
            mark=self._name,
            keys=self._select_keys(self._key_names(table)),
            source=relation.source,
            where=where,
        )

    def _from_link(self, link: OwnerLink, *, condition: Sql = NOTHING) -> Sql:
        """The lines that a link gives its table from the owners of its source (alias `s`)."""
        source, relation = self._owners[link.source], self._relations[link.table]
        return sql.SQL("SELECT {ids}, s.{mark}{keys} FROM {own} t JOIN {source} s ON {joined}{condition}").format(
            ids=relation.ids("t"),
            mark=self._name,
            keys=self._select_keys(self._key_names(link.table)),
            own=relation.source,
            source=source.source,
            joined=source.joined("t", link, "s"),
            condition=condition,
        )

    def _create(self, table: str, parts: Sequence[Sql], *, distinct: bool) -> Owners:
        names = self._key_names(table)
        if not parts:
            return Owners(Rows(sql.SQL("({})").format(self._nobody(table)), 0), names)
        return Owners(self._workspace.hold("own", self._union(table, parts, distinct=distinct)), names)

    @property
    def _is_told_apart(self) -> bool:
        """Whether lines say whether a selected tenant is the owner, and tenants of both kinds are followed."""
        return self._mark.name == "mine" and self._both

    def _is_last(self, table: str) -> bool:
        """Whether the rows of a large table own no others."""
        size = self._relations[table].bytes
        return (size is None or size > SMALL_BYTES) and not self._from[table]

    def _apart(self, table: str, link: OwnerLink) -> Owners:
        """The owners of the rows of a table, of which only the lines of selected tenants are held.

        Others own most of them, and few are asked about.
        """
        mine = self._workspace.hold("own", self._from_link(link, condition=sql.SQL(" AND s.mine")))
        others = self._from_link(link, condition=sql.SQL(" AND NOT s.mine"))
        listed = self._relations[table].id_columns("m")
        query = sql.SQL(
            "(SELECT {listed}, true AS mine FROM {mine} m UNION ALL SELECT {listed}, false FROM ({others}) m)"
        )
        source = Rows(query.format(listed=listed, mine=mine, others=others), None)
        return Owners(source, {}, mine=mine.rows, alone=True)

    def _nobody(self, table: str) -> Sql:
        """No lines."""
        relation = self._relations[table]
        return sql.SQL("SELECT {ids}, NULL::{type} AS {mark}{keys} FROM {source} t WHERE false").format(
            ids=relation.ids("t"),
            type=self._mark.type,
            mark=self._name,
            keys=self._select_keys(self._key_names(table)),
            source=relation.source,
        )

    def _union(self, table: str, parts: Sequence[Sql], *, distinct: bool) -> Sql:
        union = sql.SQL(" UNION ALL ").join(parts)
        if not distinct:
            return union
        return sql.SQL("SELECT DISTINCT ON ({ids}, u.{mark}) * FROM ({union}) u").format(
            ids=self._relations[table].id_columns("u"), mark=self._name, union=union
        )

    def _cycle(self, group: Sequence[str], inner: Sequence[OwnerLink], followed: Sql | None) -> None:
        """Rounds: each looks only at the lines that the round before added (column `round`)."""
        tables: dict[str, Temporary] = {}
        last: dict[str, int] = {}
        for table in group:
            incoming = [link for link in self._into[table] if link.source not in group]
            parts = [self._from_link(link) for link in incoming if self._gives(link)]
            parts.extend(self._given(table, followed))
            lines = self._union(table, parts, distinct=True) if parts else self._nobody(table)
            held = self._workspace.keep("own", sql.SQL("SELECT q.*, 0 AS round FROM ({}) q").format(lines))
            tables[table], self._owners[table] = held, Owners(held, self._key_names(table))
            last[table] = 0 if held.rows else -1
        number = 0
        while number in last.values():
            number += 1
            self._workspace.analyze()
            for link in inner:
                if last[link.source] >= number - 1 and self._round(link, tables[link.table], number):
                    last[link.table] = number

    def _round(self, link: OwnerLink, lines: Temporary, number: int) -> int:
        """Add what `link` gives from lines of the round before, or of this one; gives how many lines were new."""
        relation = self._relations[link.table]
        fresh = sql.SQL(" AND s.round = ANY (ARRAY[{}, {}])").format(sql.Literal(number - 1), sql.Literal(number))
        names = self._key_names(link.table)
        listed = sql.SQL(", ").join(
            [relation.id_columns("n"), *(sql.Identifier("n", name) for name in (self._mark.name, *names.values()))]
        )
        query = sql.SQL(
            "SELECT DISTINCT ON ({ids}, n.{mark}) {listed}, {number} FROM ({new}) n"
            " WHERE NOT EXISTS (SELECT 1 FROM {target} o WHERE {same} AND o.{mark} = n.{mark})"
        ).format(
            target=lines,
            mark=self._name,
            ids=relation.id_columns("n"),
            listed=listed,
            number=sql.Literal(number),
            new=self._from_link(link, condition=fresh),
            same=relation.same_ids("o", "n"),
        )
        return self._workspace.insert(lines, query)

    def _key_names(self, table: str) -> dict[str, str]:
        """The columns of a table that links need from its owners, with their names there."""
        needed = sorted({name for link in self._from[table] for name in link.source_columns})
        return {name: f"k{number}" for number, name in enumerate(needed)}

    def _select_keys(self, names: Mapping[str, str]) -> Sql:
        return sql.SQL("").join(
            sql.SQL(", {} AS {}").format(sql.Identifier("t", column), sql.Identifier(name))
            for column, name in names.items()
        )


def count_owned(workspace: Workspace, owners: Owners) -> int:
    """Say how many rows have at least one owner among the selected tenants."""
    if owners.mine is not None:
        return owners.mine
    return scalar(workspace.connection, sql.SQL("SELECT count(*) FROM {} o WHERE o.mine").format(owners.source))
