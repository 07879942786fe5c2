"""What a row is about, where two columns say it together: a type and an id, which no foreign key can follow."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from toolkit.model.schema import Table
from toolkit.planning.classification import names

_ROWS = frozenset("record row object entity res resource".split())
_ANYTHING = _ROWS | frozenset("subject target item owner source reference ref related aggregate content model".split())
_KINDS = ("kind", "model", "class", "table", "tablename", "entity")


def polymorphic(table: Table) -> tuple[str, str] | None:
    """Give the columns of a table that say together what a row is about: its type and its id; None without such."""
    by_name = {names.plain(name): name for name in sorted(table.column_names)}
    # what points elsewhere can only tell the type; what was visited last, say, is no owner, whatever stands beside it
    keys = {name for key in table.foreign_keys for name in key.columns}
    keys |= {name for name in table.column_names if names.is_passing(name)}
    for said, kind in by_name.items():
        stem = said.removesuffix("id").removesuffix("type") if said.endswith(("type", "typeid")) else ""
        for ending in ("id", "uuid", "key"):
            target = by_name.get(stem + ending) if stem else None
            if target is not None and target not in keys:
                return kind, target
    found = _about_anything(by_name, keys)
    if found:
        return found
    about = by_name.get("objectid") or by_name.get("objectpk")
    kind_of = by_name.get("contenttypeid") or by_name.get("contenttype")
    return (kind_of, about) if kind_of and about and about not in keys else None


def _about_anything(columns: Mapping[str, str], keys: Collection[str]) -> tuple[str, str] | None:
    """A pair such as `entity` and `entity_id`, `res_model` and `res_id`, `table_name` and `record_id`.

    Such words stand for anything. Others, say in `vehicle_model` beside `vehicle_id`, speak of the same thing.
    """
    for said, target in columns.items():
        stem = said.removesuffix("uuid").removesuffix("id").removesuffix("key")
        if stem == said or not (stem in _ANYTHING or stem.endswith("able")) or target in keys:
            continue
        kinds = (f"{stem}{ending}" for ending in ("", *_KINDS))
        loose = ("tablename", "table", "modelname", "model", "entityname", "entity") if stem in _ROWS else ()
        kind = next((columns[each] for each in (*kinds, *loose) if each in columns), "")
        if kind and kind not in keys:
            return kind, target
    return None
