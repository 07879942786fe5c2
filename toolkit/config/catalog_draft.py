"""Catalog files that need not be finished: any section may be missing, and so may the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from toolkit.config import catalog as catalogs
from toolkit.config import document as documents
from toolkit.config import validation
from toolkit.config.document import Document
from toolkit.errors import InputError
from toolkit.model.catalog import Catalog, TenantTable

_HEAD = ("catalog", "schema", "schemas", "other_schemas", "tenant")
"""The sections that say what the file is about."""

_BYTE_ORDER_MARK = "\ufeff"


class Draft(Struct, frozen=True, kw_only=True):
    """A catalog file as it stands.

    Attributes:
        file: its name as the user would type it.
        text: all of it, without a byte order mark; empty when there is no file.
        name: what the catalog must be called.
        schemas: the schemas of the database that it is about; empty where it does not say.
        other_schemas: those that are left out, with the reasons.
        tenant: None when the file does not say.
        exists: whether there is a file.
        written: its sections by key.
    """

    file: str
    text: str
    name: str
    schemas: tuple[str, ...]
    tenant: TenantTable | None
    other_schemas: Mapping[str, str]
    exists: bool
    written: Mapping[str, Any]

    @property
    def is_begun(self) -> bool:
        """Whether the file says more than its head, so that a person's work is in it."""
        return any(self.written.get(key) for key in self.written.keys() - set(_HEAD))

    def head(self, tenant: TenantTable) -> Catalog:
        """Give the catalog without its rules."""
        return Catalog(
            name=self.name,
            file=self.file,
            schemas=self.schemas,
            tenant=tenant,
            other_schemas=self.other_schemas,
            rules={},
        )

    def catalog(self, tenant: TenantTable) -> Catalog:
        """Give the whole catalog; what is missing counts as empty.

        Args:
            tenant: the tenant table, where the file does not name it.

        Raises:
            InputError: every problem the file has.
        """
        if not self.written:
            return self.head(tenant)
        document = documents.parse(self.text, file=self.file)
        groups = document.value.get("business") or {}
        value = {"catalog": self.name, "tenant": {"table": tenant.table, "key": tenant.key}, **document.value}
        # the tenant table may be among those still to be classified; the empty name is no group of the file
        own = (
            {} if any(tenant.table in (tables or {}) for tables in groups.values()) else {"": {tenant.table: "tenant"}}
        )
        value["business"] = {**groups, **own}
        read = catalogs.of_document(Document(file=self.file, value=value, lines=document.lines), self.name)
        rules = {table: rule for table, rule in read.rules.items() if rule.group}
        return replace(read, tenant=tenant, rules=rules, schemas=self.schemas)


def read(path: Path, *, control: Path | None = None) -> Draft:
    """Read a catalog file as far as it goes; `control` is the control directory, for file names in problems.

    Raises:
        InputError: it cannot be read, is not YAML, or its head (name, schema, tenant) is not right.
    """
    file = documents.show_file(path, control)
    if not path.exists():
        return Draft(
            file=file, text="", name=path.stem, schemas=(), tenant=None, other_schemas={}, exists=False, written={}
        )
    document = documents.read(path, control=control)
    written = {} if document.value is None else document.value
    if not isinstance(written, dict):
        raise InputError([document.problem((), "a catalog file is a mapping of catalog, schema, tenant and so on")])
    head = {key: written[key] for key in _HEAD if key in written}
    complete = {"catalog": path.stem, "tenant": {"table": "table", "key": "key"}, **head, "business": {}}
    problems = validation.check_document(Document(file=file, value=complete, lines=document.lines), "catalog")
    if problems:
        raise InputError(problems)
    return Draft(
        file=file,
        text=path.read_bytes().decode("utf-8").removeprefix(_BYTE_ORDER_MARK),
        name=path.stem,
        schemas=tuple(written.get("schemas", [written["schema"]] if "schema" in written else [])),
        other_schemas=written.get("other_schemas", {}),
        tenant=TenantTable(**written["tenant"]) if "tenant" in written else None,
        exists=True,
        written=written,
    )
