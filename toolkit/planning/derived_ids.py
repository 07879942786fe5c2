"""Ids that follow from what a row is: the same on every machine, so that rows seeded apart are one row."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

from toolkit.model.seeding import NAMESPACE


def derived_id(table: str, key: Mapping[str, str]) -> str:
    """Give the UUIDv5 of a row: of NAMESPACE and the JSON array of the table's name and its natural key.

    Args:
        table: as the catalog file names it.
        key: the columns with their values as PostgreSQL prints them; their order does not matter.
    """
    name = json.dumps([table, dict(key)], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return str(uuid.uuid5(NAMESPACE, name))
