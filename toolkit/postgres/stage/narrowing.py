"""Some businesses out of a wider backup: what their own backup would have been, by the rules of the backup itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec
from psycopg import sql

from toolkit.errors import RefusedError, none_or_some
from toolkit.model.catalog import Catalog
from toolkit.model.manifest import BusinessFilter, Manifest, RuleEntry
from toolkit.planning.business_names import listed, not_known
from toolkit.planning.candidates import OWNING
from toolkit.planning.links import OwnerLink
from toolkit.planning.picking import refuse_unspoken
from toolkit.postgres.compare.source import Source
from toolkit.postgres.schema.introspection import read_schema
from toolkit.postgres.schema.relation import Relation, Sql, row_text
from toolkit.postgres.schema.row_sources import Rows
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.selection.marks import Mark
from toolkit.postgres.selection.ownership import Owners
from toolkit.postgres.selection.references import ReferenceClosure
from toolkit.postgres.selection.tenants import find_named, of_type
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.stage.backup_owners import BackupOwners
from toolkit.postgres.stage.candidates import stage_candidates

T = TypeVar("T")


def narrowed(connection: Connection, catalog: Catalog, manifest: Manifest, businesses: Sequence[str]) -> Manifest:
    """Give a manifest that says it is of these businesses alone; its tables are still those of the wider backup.

    Businesses may be named by any text that the target finds equal to their key.

    Raises:
        InputError: the backup has none of them.
        RefusedError: it does not have them all, or lacks tables through which rows belong to them.
    """
    refuse_unspoken(manifest)
    tenants = manifest.selection.tenants
    meant: dict[str, tuple[str, ...]] = {name: (name,) for name in businesses if name in tenants}
    if len(meant) < len(businesses):
        meant = _equal_to(connection, catalog, tenants, businesses)
    if missing := [name for name in businesses if not meant.get(name)]:
        raise none_or_some(missing, businesses)(
            f"backup {manifest.metadata.label} does not have the businesses {', '.join(sorted(missing))}",
            hint=f"{not_known(sorted(missing), tenants, manifest.selection.left_out)}it has {listed(tenants)}",
        )
    named = tuple(sorted({key for keys in meant.values() for key in keys}))
    wanted = BusinessFilter(
        business_ids=named, business_id=named[0] if len(named) == 1 else None, include_demo_data=True, demo="include"
    )
    return msgspec.structs.replace(
        manifest,
        metadata=msgspec.structs.replace(manifest.metadata, business_filter=wanted),
        selection=msgspec.structs.replace(manifest.selection, tenants={name: tenants[name] for name in named}),
    )


def _equal_to(
    connection: Connection, catalog: Catalog, tenants: Collection[str], businesses: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    schema, tenant = read_schema(connection, catalog.schemas), catalog.tenant
    if tenant.table not in schema.tables or tenant.key not in schema.tables[tenant.table].column_names:
        return {}
    keys = of_type(schema, tenant, tenants)
    return find_named(connection, schema, tenant, keys, names=businesses, known=tenants)


def narrow(workspace: Workspace, source: Source, owners: BackupOwners, meanwhile: Callable[[], T]) -> T:
    """Leave on stage only what the backup of the owners' tenants alone would have taken of the staged rows.

    Args:
        meanwhile: what the server has to do, which is done while the backup is read; its result is given back.

    Raises:
        RefusedError: columns by which the rows hang together are not on stage, or limits cut rows from the backup that
            the same limits let into the tenants' own.
    """
    if missing := owners.missing_columns():
        raise RefusedError(
            "single businesses cannot be picked out of this backup for this target",
            (f"column {name}, by which rows of the backup hang together, does not come along" for name in missing),
            hint="restore the whole backup, or into a target of its own application version; nothing was changed",
        )
    done = stage_candidates(workspace, source, owners, meanwhile)
    _Narrowing(workspace, source, owners).run()
    return done


Kept = Mapping[str, Rows | None]
"""Per table the staged rows that stay: a table of ids with the reasons, None for all."""


class _Narrowing:
    def __init__(self, workspace: Workspace, source: Source, owners: BackupOwners) -> None:
        self._workspace = workspace
        self._source = source
        self._owners = owners
        self._picking = owners.picking
        self._relations: Mapping[str, Relation] = {
            name: source.whole(name).relation for name, entry in source.entries.items() if entry.rows
        }

    def run(self) -> None:
        always = any(rule.unowned == "always" for rule in self._picking.rules.values())
        found = self._owners.compute(only_mine=not always)
        kept = {name: self._by_itself(name, found.get(name)) for name in self._relations}
        if lost := [reason for name, ids in kept.items() for reason in self._settle_limit(name, ids)]:
            raise RefusedError(
                f"backup {self._source.manifest.metadata.label} lacks rows that a backup of"
                f" {', '.join(self._owners.tenants)} alone would have",
                lost,
                hint="restore the whole backup, or take them out of one that reads the table without a limit or not at"
                " all; nothing was changed",
            )
        closed = ReferenceClosure(
            self._workspace, relations=self._relations, links=self._owners.links().references, taken=kept
        ).close()
        self._note_gone(closed, found)
        for name, relation in self._relations.items():
            ids = closed[name]
            if ids is not None and ids.rows != relation.rows:
                self._source.keep(name, ids)

    def _by_itself(self, name: str, owners: Owners | None) -> Rows | None:
        """The rows that the rule of a table takes (reasons a to c); None where it takes all."""
        rule = self._picking.rules.get(name)
        marks = self._picking.referenced.get(name, ())
        if rule is not None and rule.kind == "shared" and not marks:
            return None
        relation = self._relations[name]
        if not marks and rule is not None and rule.kind in OWNING and rule.unowned != "always":
            return _lines_as_ids(relation, owners)
        condition, why = self._rule(relation, rule, owners)
        others = [
            sql.SQL(" AND NOT EXISTS (SELECT 1 FROM {} m WHERE m.value = {})").format(
                self._owners.values(support, tenants=False), row_text("t", support.names)
            )
            for support in marks
        ]
        query = sql.SQL('SELECT {ids}, ({why})::"char" AS why FROM {source} t WHERE {condition}{others}')
        return self._workspace.keep(
            "kept_ids",
            query.format(
                ids=relation.ids("t"),
                why=why,
                source=relation.source,
                condition=condition,
                others=sql.SQL("").join(others),
            ),
        )

    def _rule(self, relation: Relation, rule: RuleEntry | None, owners: Owners | None) -> tuple[Sql, sql.Composable]:
        """The condition under which a rule takes row `t`, as far as its owners go, and the reason."""
        always = rule is not None and rule.unowned == "always"
        if rule is None or not rule.kind or (rule.kind == "referenced" and not always):
            return sql.SQL("false"), sql.Literal(Mark.UNOWNED)
        if rule.kind == "shared":
            return sql.SQL("true"), sql.Literal(Mark.SHARED)
        if rule.kind == "referenced":
            return sql.SQL("true"), sql.Literal(Mark.UNOWNED)
        owned = _owned(relation, owners, sql.SQL("o.mine"))
        if not always:
            return owned, sql.Literal(Mark.OWNED)
        nobody = sql.SQL("({} OR NOT {})").format(owned, _owned(relation, owners, sql.SQL("true")))
        reason = sql.SQL("CASE WHEN {} THEN {} ELSE {} END")
        return nobody, reason.format(owned, sql.Literal(Mark.OWNED), sql.Literal(Mark.UNOWNED))

    def _settle_limit(self, name: str, ids: Rows | None) -> Iterator[str]:
        """Say of a table read with a limit where the businesses' own backup would have ended, or why nobody knows."""
        if name not in self._picking.limits or ids is None:
            return
        limit, newest = self._picking.limits[name]
        relation, entry = self._relations[name], self._source.entries[name]
        lost = [tenant or "nobody" for tenant in entry.cut if tenant is None or tenant in self._owners.tenants]
        found, cutoff = ids.rows or 0, None
        if found < limit and lost:
            yield f"{name}: of its newest {limit} rows {found} are theirs; the limit cut others of {', '.join(lost)}"
        if found >= limit:
            query = sql.SQL(
                "SELECT CASE WHEN count(t.{column}) = count(*) THEN concat(min(t.{column})) ELSE '' END"
                " FROM {source} t JOIN {ids} i ON {same}"
            ).format(column=sql.Identifier(newest), source=relation.source, ids=ids, same=relation.same("t", "i"))
            row = self._workspace.connection.execute(query).fetchone()
            cutoff = row[0] if row else None
        self._source.entries[name] = msgspec.structs.replace(entry, cutoff=cutoff)

    def _note_gone(self, kept: Kept, owners: Mapping[str, Owners]) -> None:
        """Keep in mind whose the rows are that are owned through rows which go."""
        noted: dict[OwnerLink, Sql] = {}
        for link in self._owners.links().owners:
            if link.source not in owners or link.table not in owners or not owners[link.source].mine:
                continue
            gone, there = kept[link.source], kept[link.table]
            if gone is None or gone.rows == self._relations[link.source].rows:
                continue
            relation, source = self._relations[link.table], self._relations[link.source]
            stays = sql.SQL("true") if there is None else _in(there, relation.same("t", "i"))
            query = sql.SQL(
                "SELECT DISTINCT {value} AS value, true AS mine FROM {own} t JOIN {owners} s ON {joined}"
                " WHERE s.mine AND NOT {gone} AND {stays}"
            ).format(
                value=row_text("t", link.columns),
                own=relation.source,
                owners=owners[link.source].source,
                joined=owners[link.source].joined("t", link, "s"),
                gone=_in(gone, source.same_ids("s", "i")),
                stays=stays,
            )
            noted[link] = query
        self._owners.note(noted)


def _lines_as_ids(relation: Relation, owners: Owners | None) -> Rows:
    """The rows that the tenants own: their lines say already which these are."""
    if owners is None or not owners.mine:
        nothing = sql.SQL('(SELECT {}, NULL::"char" AS why FROM {} t WHERE false)')
        return Rows(nothing.format(relation.ids("t"), relation.source), 0)
    lines = sql.SQL('(SELECT {}, {}::"char" AS why FROM {} o WHERE o.mine)')
    return Rows(lines.format(relation.id_columns("o"), sql.Literal(Mark.OWNED), owners.source), owners.mine)


def _owned(relation: Relation, owners: Owners | None, condition: Sql) -> Sql:
    if owners is None:
        return sql.SQL("false")
    return sql.SQL("EXISTS (SELECT 1 FROM {} o WHERE {} AND {})").format(
        owners.source, relation.same("t", "o"), condition
    )


def _in(ids: Sql, condition: Sql) -> Sql:
    return sql.SQL("EXISTS (SELECT 1 FROM {} i WHERE {})").format(ids, condition)
