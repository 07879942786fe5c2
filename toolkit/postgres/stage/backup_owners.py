"""Who owns the rows of a backup: worked out on stage, and from what the backup notes of rows that it does not have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace
from psycopg import sql

from toolkit.planning.links import Links, OwnerLink
from toolkit.planning.picking import Picking, SupportRows
from toolkit.planning.references import ReferenceLink
from toolkit.postgres.compare.same_rows import same_key
from toolkit.postgres.compare.source import RowsOf, Source
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.schema.rows import write_rows
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.selection.ownership import AbsentOwners, Owners, Ownership
from toolkit.postgres.stage.conversion import converted


class BackupOwners:
    """The owners of staged rows, by the rules of the backup.

    Args:
        rows_of: gives the supporting rows of the backup as it does those of its tables.
        wider: gives all rows of the backup anew, where those on stage were picked out of it.

    Attributes:
        rows_of: the same.
        picking: the rules of the backup.
        tenants: the keys of those whose rows are `mine`.
    """

    def __init__(
        self,
        workspace: Workspace,
        source: Source,
        *,
        rows_of: RowsOf,
        picking: Picking,
        tenants: Iterable[str],
        wider: Callable[[], Source] | None = None,
    ) -> None:
        self._workspace = workspace
        self._source = source
        self._wider = wider
        self._schema = workspace.schema
        self.rows_of = rows_of
        self.tenants = sorted(tenants)
        self._absent: list[AbsentOwners] | None = None
        self.picking = picking

    def compute(self, *, only_mine: bool) -> dict[str, Owners]:
        """Owners of all rows on stage.

        Args:
            only_mine: follow these tenants only.
        """
        return self._compute(set(self._source.held), only_mine=only_mine)

    def shown(self, tables: Iterable[str]) -> dict[str, Owners]:
        """Owners of the rows of some tables, as far as a backup of these tenants alone shows owners that are others."""
        return self._compute(self._leading(tables), only_mine=False, others=False)

    def of_others(self, tables: Collection[str]) -> dict[str, Sql]:
        """Give, per table, a query of `row_id` of the staged rows that other tenants owned too.

        It is asked of all rows of the backup. Tables of which no rows are on stage are left out.
        """
        source, owners = self._source, self
        if self._wider is not None:
            source = self._wider()
            owners = BackupOwners(
                self._workspace, source, rows_of=self.rows_of, picking=self.picking, tenants=self.tenants
            )
        found: dict[str, Sql] = {}
        for name, each in owners._everybody(tables).items():
            if name not in tables:
                continue
            query = sql.SQL("SELECT DISTINCT o.row_id FROM {} o WHERE NOT o.mine").format(each.source)
            if source is not self._source:  # the same rows stand elsewhere there
                query = sql.SQL(
                    "SELECT s.ctid AS row_id FROM {} s JOIN {} w ON {} JOIN ({}) o ON w.ctid = o.row_id"
                ).format(
                    self._source.staged(name).table,
                    source.staged(name).table,
                    same_key(self._schema.tables[name], "s", "w"),
                    query,
                )
            found[name] = query
        return found

    def _everybody(self, tables: Iterable[str]) -> dict[str, Owners]:
        """Owners of the rows of some tables, by all rows of the backup and all that it notes."""
        return self._compute(self._leading(tables), only_mine=False)

    def _leading(self, tables: Iterable[str]) -> set[str]:
        """Some tables with all that lead to them."""
        wanted = set(tables)
        while more := {link.source for link in self.picking.links.owners if link.table in wanted} - wanted:
            wanted |= more
        return wanted

    def _compute(self, tables: Collection[str], *, only_mine: bool, others: bool = True) -> dict[str, Owners]:
        """Owners of rows of tables together with which all are named that lead to them.

        Args:
            others: take note of other owners that only rows show which the backup does not have.
        """
        relations = {
            name: self._source.whole(name).relation
            for name, entry in self._source.held.items()
            if name in tables and entry.rows
        }
        tenant, mine = self.picking.tenant, sql.SQL("")
        if only_mine or not others:
            mine = sql.SQL(" WHERE a.mine")
        absent = [
            replace(each, source=sql.SQL("(SELECT * FROM {} a{})").format(each.source, mine))
            for each in self._absent_owners()
            if each.table in tables
        ]
        ownership = Ownership(self._workspace, relations, self.links().owners, tenant, absent=absent)
        selected = sql.SQL("t.{}::text = ANY ({}::text[])").format(
            sql.Identifier(tenant.key), sql.Literal(self.tenants)
        )
        return ownership.compute(selected, only_selected=only_mine, all_selected=False)

    def note(self, values: Mapping[OwnerLink, Sql]) -> None:
        """Note that rows which go from the stage are these tenants'.

        Args:
            values: by the link that leads from them to rows that stay, a query of `value`, the text of a ROW of the
                link's columns in the rows that stay, and `mine`.
        """
        found = self._workspace.keep_found("gone_owners", values, lambda link: self._bytes(link.table, link.source))
        self._absent_owners().extend(
            AbsentOwners(table=link.table, columns=link.columns, source=source) for link, source in found.items()
        )

    def _bytes(self, *names: str) -> int:
        return sum(self._source.whole(name).bytes for name in names)

    def links(self) -> Links:
        """Give the links between staged tables that have their columns."""
        links = self.picking.links
        return Links(
            owners=tuple(link for link in links.owners if not self._lacking(_ends(link))),
            references=tuple(link for link in links.references if not self._lacking(_ends(link))),
        )

    def missing_columns(self) -> list[str]:
        """Give the columns, as `table.column`, without which nobody can tell what hangs together in the backup."""
        links: tuple[OwnerLink | ReferenceLink, ...] = (*self.picking.links.owners, *self.picking.links.references)
        found = {name for link in links for name in self._lacking(_ends(link))}
        for name, supports in (*self.picking.owners.items(), *self.picking.referenced.items()):
            for support in supports:
                if name in self._source.held and not support.columns:
                    found.update(f"{name}.{column}" for column in support.names)
        return sorted(found)

    def _lacking(self, ends: Sequence[tuple[str, tuple[str, ...]]]) -> list[str]:
        """The columns that a link between rows of two tables needs and the stage does not have."""
        entries = self._source.held
        if any(table not in entries or not entries[table].rows for table, _ in ends):
            return []
        found: list[str] = []
        for table, names in ends:
            there = {column.name for column in entries[table].columns}
            there |= {column.name for column in self._schema.tables[table].columns if column.generated}
            found.extend(f"{table}.{name}" for name in names if name not in there)
        return found

    def values(self, support: SupportRows, *, tenants: bool) -> Sql:
        """Give a temporary table of supporting rows: `value`, the text of a ROW, and, with tenants, `mine`."""
        names = [f"v{place}" for place in range(len(support.columns))]
        loaded = [*names, "tenant"] if tenants else names
        texts = self._workspace.texts("support_texts", loaded)
        write_rows(self._workspace.connection, texts, loaded, self.rows_of(support.entry))
        typed = sql.SQL(", ").join(
            converted(sql.Identifier("r", name), carried) for name, carried in zip(names, support.columns, strict=True)
        )
        query = sql.SQL('SELECT ROW({typed})::text COLLATE "C" AS value{mine} FROM {texts} r').format(
            typed=typed,
            mine=sql.SQL(", r.tenant = ANY ({}::text[]) AS mine").format(sql.Literal(self.tenants))
            if tenants
            else sql.SQL(""),
            texts=texts,
        )
        made = self._workspace.keep("support", query)
        self._workspace.drop(texts)
        return made

    def _absent_owners(self) -> list[AbsentOwners]:
        if self._absent is None:
            self._absent = [
                AbsentOwners(
                    table=name,
                    columns=support.names,
                    source=self.values(support, tenants=True),
                )
                for name, supports in self.picking.owners.items()
                if name in self._source.held
                for support in supports
                if support.columns
            ]
        return self._absent


def _ends(link: OwnerLink | ReferenceLink) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if isinstance(link, OwnerLink):
        return (link.table, link.columns), (link.source, link.source_columns)
    return (link.child, link.columns), (link.parent, link.parent_columns)
