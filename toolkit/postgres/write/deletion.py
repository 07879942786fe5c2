"""What a mirror deletes: rows of the scope that the backup lacks, less those that staying rows still point at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from psycopg import sql

from toolkit.model.catalog import Category, TableRule
from toolkit.model.plan import Conflict
from toolkit.model.schema import ForeignKey
from toolkit.planning.cycles import components
from toolkit.planning.references import ReferenceLink
from toolkit.postgres.compare.comparison import Action, Differences
from toolkit.postgres.schema.relation import Sql, assigned, points_at, scalar
from toolkit.postgres.schema.row_sources import Temporary
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.write import emptying


class Release(Struct, frozen=True):
    """Rows of a table outside the scope whose references to deleted rows become NULL.

    Attributes:
        columns: those that become NULL, each with the condition on row `t` under which it does.
        condition: that any of them does.
    """

    table: str
    columns: Mapping[str, Sql]
    condition: Sql
    rows: int

    @property
    def assignments(self) -> Sql:
        """What stands behind SET."""
        template = sql.SQL("CASE WHEN {} THEN NULL ELSE t.{} END")
        return sql.SQL(", ").join(
            assigned(name, template.format(condition, sql.Identifier(name))) for name, condition in self.columns.items()
        )


class Deletions(Struct):
    """The rows to delete.

    Attributes:
        ids: per table with rows that may go, a table of their ids.
        kept: per table, rows that stay because of the rows that point at them, by reason.
        staying: the same rows as tables of ids, with the reason in `why`.
        releases: references from device and transient rows that are set to NULL first.
        moving: rows that point at deleted ones until they are updated; in the way of deletes that have to come first.
    """

    ids: dict[str, Temporary] = field(default_factory=dict)
    kept: dict[str, dict[str, int]] = field(default_factory=dict)
    staying: dict[str, Temporary] = field(default_factory=dict)
    releases: list[Release] = field(default_factory=list)
    moving: list[Conflict] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows go, per table."""
        return {name: ids.rows for name, ids in self.ids.items()}


class DeletionPlanner:
    """Settles which candidates are deleted.

    Args:
        candidates: per table of the scope, a query of row ids.
        differences: per staged table; rows that will be updated point elsewhere afterwards.
        arriving: per table with rows to be written, a subquery of these: what points at the values of a row that goes
            may find them in a row that comes.
        within: the tables whose rows may go or change with those that are deleted; None for all.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        rules: Mapping[str, TableRule],
        links: Sequence[ReferenceLink],
        differences: Mapping[str, Differences],
        arriving: Mapping[str, Sql],
        within: Collection[str] | None = None,
    ) -> None:
        self._workspace = workspace
        self._connection = workspace.connection
        self._rules = rules
        self._links = links
        self._relations = workspace.relations
        self._differences = differences
        self._arriving = arriving
        self._within = within
        self._schema = workspace.schema
        self._foreign_keys = {
            (table.name, key.name): key for table in workspace.schema.tables.values() for key in table.foreign_keys
        }
        self._result = Deletions()
        self._candidates: frozenset[str] = frozenset()

    def plan(self, candidates: Mapping[str, Sql]) -> Deletions:
        """Start from all candidates and what may go with them, then keep what staying rows point at."""
        self._result.ids.update(
            self._workspace.keep_found("delete", candidates, lambda name: self._relations[name].bytes)
        )
        self._workspace.analyze()
        self._candidates = frozenset(candidates)
        self._cascade()
        self._keep()
        self._cascade()
        while self._hold_what_cannot_be_emptied():
            self._keep()
            self._cascade()
        self._release()
        self._find_moving()
        return self._result

    def _keep(self) -> None:
        """Take out what staying rows point at: children before parents, on a cycle until nothing changes."""
        blocking = [link for link in self._links if link.parent in self._result.ids and not self._sets_null(link)]
        for group in components(self._result.ids, [(link.child, link.parent) for link in blocking]):
            inner = [link for link in blocking if link.parent in group and link.child in group]
            for link in blocking:
                if link.parent in group and link.child not in group:
                    self._keep_referenced(link)
            while any(self._keep_referenced(link) for link in inner):
                pass

    def _sets_null(self, link: ReferenceLink) -> bool:
        """Whether the references of rows outside the scope become NULL; a column that cannot be NULL holds its row."""
        rule, key = self._rules.get(link.child), self._key(link)
        outside = rule is not None and rule.category is not Category.BUSINESS and self._may_change(link.child)
        if not outside or key is None or key.on_delete != "set null":
            return False
        emptied, table = set(_emptied(key)), self._schema.tables[link.child]
        return (
            all(table.column(name).nullable for name in emptied)
            and not any(_is_halved(each, emptied) for each in table.foreign_keys)
            and not any(each.parent == table.name and emptied & set(each.parent_columns) for each in self._enforced())
        )

    def _enforced(self) -> Iterator[ForeignKey]:
        return (key for key in self._foreign_keys.values() if key.enforced)

    def _cascades(self, link: ReferenceLink) -> bool:
        rule, key = self._rules.get(link.child), self._key(link)
        allowed = rule is not None and rule.category is Category.TRANSIENT and rule.cascade
        allowed = allowed and self._may_change(link.child)
        return allowed and key is not None and key.on_delete == "cascade"

    def _may_change(self, name: str) -> bool:
        return self._within is None or name in self._within

    def _key(self, link: ReferenceLink) -> ForeignKey | None:
        return self._foreign_keys.get((link.child, link.constraint))

    def _keep_referenced(self, link: ReferenceLink, among: Temporary | None = None) -> int:
        """Take out of the deletions the parents that a staying child row points at; gives how many.

        Args:
            among: a table of the ids of rows that count; None for all.
        """
        if self._result.ids[link.parent].empty:
            return 0
        child, parent = self._relations[link.child], self._relations[link.parent]
        staying: list[Sql] = [sql.SQL("true")]
        if among is not None:
            staying.append(sql.SQL("EXISTS (SELECT 1 FROM {} x WHERE {})").format(among, child.same("c", "x")))
        deleted = self._result.ids.get(link.child)
        if deleted is not None:
            staying.append(sql.SQL("NOT EXISTS (SELECT 1 FROM {} x WHERE {})").format(deleted, child.same("c", "x")))
        staying.append(sql.SQL("NOT {}").format(self._is_updated(link.child, "c")))
        if link.parent in self._arriving:
            staying.append(
                sql.SQL("NOT EXISTS (SELECT 1 FROM {} a WHERE {})").format(
                    self._arriving[link.parent], points_at(link, "c", "a")
                )
            )
        reason = f"rows of {link.child} still point at them"
        if not self._may_change(link.child):
            reason = f"{reason}, and {self._not_named(link.child)}"
        query = sql.SQL(
            "WITH gone AS (DELETE FROM {ids} d WHERE EXISTS (SELECT 1 FROM {parent} p JOIN {child} c ON {joined}"
            " WHERE {same} AND {staying}) RETURNING {id_columns})"
            " INSERT INTO {kept} SELECT gone.*, {reason} FROM gone"
        ).format(
            id_columns=parent.id_columns("d"),
            kept=self._kept_ids(link.parent),
            reason=sql.Literal(reason),
            ids=self._result.ids[link.parent],
            parent=parent.source,
            child=child.source,
            joined=points_at(link, "c", "p"),
            same=parent.same("p", "d"),
            staying=sql.SQL(" AND ").join(staying),
        )
        rows = self._connection.execute(query).rowcount
        self._workspace.grew(self._result.ids[link.parent], -rows)
        if rows and link.parent in self._candidates:
            kept = self._result.kept.setdefault(link.parent, {})
            kept[reason] = kept.get(reason, 0) + rows
        return rows

    def _not_named(self, name: str) -> str:
        """Why rows of a table stay, and what to do about it."""
        rule = self._rules.get(name)
        if rule is not None and rule.category is Category.BUSINESS:
            return f"{name} is not restored: name it under `tables` too"
        return f"{name} is not restored: a mirror without `tables` settles them"

    def _kept_ids(self, name: str) -> Temporary:
        """A table of the rows that were taken out of the deletions, each with the reason in `why`."""
        if name not in self._result.staying:
            relation = self._relations[name]
            none = sql.SQL("SELECT {}, ''::text AS why FROM {} t WHERE false").format(
                relation.ids("t"), relation.source
            )
            self._result.staying[name] = self._workspace.keep("staying", none)
        return self._result.staying[name]

    def kept_for(self, name: str, reason: str) -> Sql:
        """Give a query of the ids of candidates that stay for a reason."""
        return sql.SQL("SELECT {} FROM {} k WHERE k.why = {}").format(
            self._relations[name].id_columns("k"), self._kept_ids(name), sql.Literal(reason)
        )

    def _cascade(self) -> None:
        """Find the transient rows that go with the rows they point at, parents before children, anew each time."""
        links = [link for link in self._links if self._cascades(link)]
        edges = [(link.parent, link.child) for link in links]
        for group in components({name for edge in edges for name in edge}, edges):
            reaching = [link for link in links if link.child in group]
            reached = any(self._result.counts.get(link.parent) for link in reaching)
            for name in sorted({link.child for link in reaching}):
                if reached or name in self._result.ids:
                    self._start_empty(name)
            added = int(reached)
            while added:
                added = sum(self._follow(link) for link in reaching if link.parent in self._result.ids)

    def _start_empty(self, name: str) -> None:
        if name in self._result.ids:
            self._workspace.delete(self._result.ids[name], sql.SQL(""))
            return
        relation = self._relations[name]
        none = sql.SQL("SELECT {} FROM {} t WHERE false").format(relation.ids("t"), relation.source)
        self._result.ids[name] = self._workspace.keep("delete", none)

    def _follow(self, link: ReferenceLink) -> int:
        """Add the child rows that point at deleted parents; gives how many were new."""
        ids, relation = self._result.ids[link.child], self._relations[link.child]
        query = sql.SQL("SELECT {} FROM {} t WHERE {} AND NOT EXISTS (SELECT 1 FROM {} x WHERE {})")
        return self._workspace.insert(
            ids,
            query.format(relation.ids("t"), relation.source, self._pointing(link, "t"), ids, relation.same("t", "x")),
        )

    def _pointing(self, link: ReferenceLink, alias: str) -> Sql:
        """The condition that row `alias` of the child points at a deleted row."""
        parent = self._relations[link.parent]
        return sql.SQL("EXISTS (SELECT 1 FROM {} p JOIN {} d ON {} WHERE {})").format(
            parent.source,
            self._result.ids[link.parent],
            parent.same("p", "d"),
            points_at(link, alias, "p"),
        )

    def _is_updated(self, name: str, alias: str) -> Sql:
        """The condition that a row gets other values by this restore."""
        if (differences := self._differences.get(name)) is None:
            return sql.SQL("false")
        return sql.SQL('EXISTS (SELECT 1 FROM {} u WHERE {} AND u.action = {}::"char")').format(
            differences.lines, self._relations[name].same(alias, "u"), sql.Literal(Action.CHANGED)
        )

    def _hold_what_cannot_be_emptied(self) -> int:
        """Take out the parents of rows that no constraint of their table lets be without them; gives how many."""
        refused = {
            name: self._workspace.keep("refused", sql.SQL(" UNION ").join(queries))
            for name, (columns, condition) in self._emptying().items()
            if (queries := emptying.refused(self._workspace, name, columns, condition))
        }
        holding = [link for link in self._releasing() if link.child in refused]
        return sum(self._keep_referenced(link, refused[link.child]) for link in holding)

    def _releasing(self) -> list[ReferenceLink]:
        return [link for link in self._links if self._sets_null(link) and self._result.counts.get(link.parent)]

    def _emptying(self) -> Mapping[str, tuple[Mapping[str, Sql], Sql]]:
        """By table the columns that become NULL, each with the condition on its row `t`, and that of any of them."""
        found = dict[str, tuple[Mapping[str, Sql], Sql]]()
        releasing = self._releasing()
        for name in dict.fromkeys(link.child for link in releasing):
            relation, staying = self._relations[name], sql.SQL("NOT {}").format(self._is_updated(name, "t"))
            if (deleted := self._result.ids.get(name)) is not None:
                gone = sql.SQL("{} AND NOT EXISTS (SELECT 1 FROM {} x WHERE {})")
                staying = gone.format(staying, deleted, relation.same("t", "x"))
            pointing: dict[str, list[Sql]] = {}
            for link in (each for each in releasing if each.child == name):
                key = self._key(link)
                assert key is not None
                for column in _emptied(key):
                    pointing.setdefault(column, []).append(self._pointing(link, "t"))
            columns = {column: _any(conditions) for column, conditions in pointing.items()}
            found[name] = columns, sql.SQL("{} AND {}").format(_any(columns.values()), staying)
        return found

    def _release(self) -> None:
        """Find the references that become NULL: of a row all at once, whichever of its parents goes first."""
        for name, (columns, condition) in self._emptying().items():
            count = sql.SQL("SELECT count(*) FROM {} t WHERE {}").format(self._relations[name].source, condition)
            if rows := scalar(self._connection, count):
                self._result.releases.append(Release(name, columns, condition, rows))

    def _find_moving(self) -> None:
        """Note what stays and points, by a foreign key, at rows that go: it is updated, or finds another row there."""
        for link in self._links:
            if not link.constraint or not self._result.counts.get(link.parent):
                continue
            relation = self._relations[link.child]
            staying: list[Sql] = [self._pointing(link, "t")]
            if self._sets_null(link):
                staying.append(self._is_updated(link.child, "t"))
            if (deleted := self._result.ids.get(link.child)) is not None:
                gone = sql.SQL("NOT EXISTS (SELECT 1 FROM {} x WHERE {})")
                staying.append(gone.format(deleted, relation.same("t", "x")))
            query = sql.SQL("SELECT count(*) FROM {} t WHERE {}").format(
                relation.source, sql.SQL(" AND ").join(staying)
            )
            if rows := scalar(self._connection, query):
                reason = f"rows point at rows of {link.parent} that have to be deleted first, to free values"
                self._result.moving.append(Conflict(table=link.child, reason=reason, rows=rows))


def _emptied(key: ForeignKey) -> tuple[str, ...]:
    """The columns that become NULL when the parent goes."""
    return key.set_columns or key.columns


def _is_halved(key: ForeignKey, emptied: Collection[str]) -> bool:
    """Whether MATCH FULL forbids that these columns alone are NULL."""
    return (
        key.enforced
        and key.match_full
        and not set(key.columns).isdisjoint(emptied)
        and not set(key.columns) <= set(emptied)
    )


def _any(conditions: Iterable[Sql]) -> Sql:
    return sql.SQL("({})").format(sql.SQL(" OR ").join(conditions))
