"""Schemas for tests of `classify`, written in one line per table, and random ones."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import TypeVar

from hypothesis import strategies as st

from toolkit.model.catalog import Catalog, TableRule, TenantTable
from toolkit.model.schema import Column, DatabaseSchema, ForeignKey, Table, UniqueKey
from toolkit.model.schemas import Schemas
from toolkit.planning.classification.proposals import Classification, Proposal, Verdict
from toolkit.planning.classification.proposing import classify

_Item = TypeVar("_Item")
TENANT = TenantTable(table="shops", key="id")
_COLUMN = re.compile(
    r"(?P<name>[^\s]+?)(?P<null>\?)?(?::(?P<type>\w+))?(?: -> (?P<parent>[^\s]+)(?: (?P<action>cascade|set null))?)?"
)


def table(name: str, text: str = "", *, unique: tuple[str, ...] = ()) -> Table:
    """A table with the key `id` and the columns of a text such as `shopId -> shops cascade, note?:integer`.

    `?` makes a column nullable; `unique` gives keys as `a,b`.
    """
    columns, keys = [Column(name="id", type="text", nullable=False)], []
    for number, each in enumerate(filter(None, text.split(", "))):
        match = _COLUMN.fullmatch(each)
        assert match is not None, each
        columns.append(Column(name=match["name"], type=match["type"] or "text", nullable=bool(match["null"])))
        if match["parent"]:
            keys.append(
                ForeignKey(
                    name=f"{name}_{number}",
                    columns=(match["name"],),
                    parent=match["parent"],
                    parent_columns=("id",),
                    on_delete=match["action"] or "no action",  # type: ignore[arg-type]  # one of its literals
                )
            )
    return Table(
        name=name,
        columns=tuple(columns),
        primary_key=("id",),
        foreign_keys=tuple(keys),
        unique_keys=tuple(UniqueKey(name=f"{name} {key}", columns=tuple(key.split(","))) for key in unique),
    )


def schema(*tables: Table) -> DatabaseSchema:
    """A schema with these tables and the tenant table `shops`."""
    return DatabaseSchema(
        schemas=Schemas(covered=("public",)), tables={each.name: each for each in (table("shops", "name"), *tables)}
    )


def catalog(rules: Mapping[str, TableRule] | None = None) -> Catalog:
    """A catalog with these rules."""
    return Catalog(name="app", file="app.yml", schemas=("public",), tenant=TENANT, rules=rules or {})


def proposals(*tables: Table, rules: Mapping[str, TableRule] | None = None) -> dict[str, Proposal]:
    """What is proposed for these tables, by name."""
    return {each.table: each for each in classify(catalog(rules), schema(*tables)).proposals}


def ways(proposal: Proposal) -> list[str]:
    """The ways to owners of a proposal's first rule, as the catalog file writes them."""
    return sorted(
        (f"{edge.table}." if edge.table else "") + ",".join(edge.columns) for edge in proposal.options[0].rule.owned_by
    )


def decided(found: Classification) -> dict[str, TableRule]:
    """The decided rules, by table."""
    return {each.table: each.options[0].rule for each in found.by_verdict(Verdict.DECIDED)}


_NAMES = (
    "users members orders order_items notes lists list_entries sessions sync_log device_things Drivers trips"
    ' loans select "odd" naïve_rows'
).split()


@st.composite
def schemas(draw: st.DrawFn) -> DatabaseSchema:
    """Random schemas: any table may point at any other, by columns called after it or in a role, or only by name."""
    names = draw(st.lists(st.sampled_from(_NAMES), unique=True, max_size=8))
    tables = []
    for name in names:
        parents = draw(st.lists(st.sampled_from(["shops", *names]), unique=True, max_size=4))
        texts = []
        for parent in parents:
            stem = parent.strip('"').removesuffix("s")
            column = draw(st.sampled_from([f"{stem}Id", f"{stem}_id", f"other_{stem}", "createdBy" + stem]))
            null, bond = draw(st.sampled_from(["", "?"])), draw(st.sampled_from(["", " cascade", " set null", "none"]))
            texts.append(f"{column}{null}" + ("" if bond == "none" else f" -> {parent}{bond}"))
        columns = [text.split(" ")[0].rstrip("?") for text in texts]
        keys = draw(st.sampled_from([(), ("name",), tuple(columns[:1]), (",".join(columns[:2]),) if columns else ()]))
        tables.append(table(name, ", ".join([*texts, "name"]), unique=keys))
    return schema(*tables)


def shuffled(of: DatabaseSchema, seed: int) -> DatabaseSchema:
    """The same schema with everything in another order."""
    chance = random.Random(seed)

    def mixed(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
        return tuple(chance.sample(items, len(items)))

    return DatabaseSchema(
        schemas=of.schemas,
        tables={
            each.name: Table(
                name=each.name,
                columns=mixed(each.columns),
                primary_key=each.primary_key,
                unique_keys=mixed(each.unique_keys),
                foreign_keys=mixed(each.foreign_keys),
            )
            for each in mixed(tuple(of.tables.values()))
        },
    )
