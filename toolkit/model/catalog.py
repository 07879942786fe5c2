"""The catalog file as data: the category and rule of every table (docs/design.md#what-a-scope-takes)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase

from msgspec import Struct, field

from toolkit.model.identity import IdentityRules


class Category(StrEnum):
    """What a table's rows are: the same on every device, this device's own, or never backed up."""

    BUSINESS = "business"
    DEVICE = "device"
    TRANSIENT = "transient"


class RuleKind(StrEnum):
    """How the rows of a business table are chosen."""

    TENANT = "tenant"
    OWNED = "owned"
    SHARED = "shared"
    REFERENCED = "referenced"


class OnOtherDevice(StrEnum):
    """What becomes of a business row that points at a device row when it is restored on another device."""

    CURRENT_NODE = "current_node"
    NULL = "null"
    SKIP_ROW = "skip_row"


class OnRestore(StrEnum):
    """What becomes of a business row that points at a transient row which the target of a restore does not have."""

    NULL = "null"
    SKIP_ROW = "skip_row"
    REFUSE = "refuse"


class OwnerEdge(Struct, frozen=True, kw_only=True):
    """One way to an owner.

    Attributes:
        table: the table that carries `columns`; empty for a column of the rule's own table, which then points at the
            owner; otherwise another table whose owners own the rows that its `columns` point at.
        columns: one column, or several for a composite reference.
    """

    columns: tuple[str, ...]
    table: str = ""


class DeclaredReference(Struct, frozen=True, kw_only=True):
    """A reference the schema does not declare: `columns` of this table point at `parent_columns` of `parent`."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    on_other_device: OnOtherDevice | None = None
    on_restore: OnRestore | None = None


class TableRule(Struct, frozen=True, kw_only=True):
    """The rule of one table.

    Attributes:
        group: the heading it stands under, for people.
        where: an SQL condition on the table's own columns; empty for none.
        optional: read only where a task names it.
        newest_by: the column that says which rows are newest, for a limit.
        unowned: `always` or `never` to settle rows without an owner; empty for the default (whole scopes take them).
        cascade: a restore may let deletes cascade into this transient table.
        line: 1-based line in the catalog file, 0 when it was not read from one.
    """

    table: str
    category: Category
    group: str
    kind: RuleKind
    owned_by: tuple[OwnerEdge, ...] = ()
    references: tuple[DeclaredReference, ...] = ()
    where: str = ""
    optional: bool = False
    newest_by: str = ""
    unowned: str = ""
    cascade: bool = False
    line: int = 0


class TenantTable(Struct, frozen=True, kw_only=True):
    """The table whose rows are the tenants. `label` is shown to people; `demo` is a boolean column or empty."""

    table: str
    key: str
    label: str = ""
    demo: str = ""


class Catalog(Struct, frozen=True, kw_only=True):
    """A whole catalog file.

    Attributes:
        file: where it was read from, for messages.
        schemas: those that it covers; tables of the first are named without it.
        other_schemas: those that are left out, or glob patterns of them, each with the reason.
        rules: by table name.
        patterns: glob patterns (device and transient tables only) with the rule that each stands for.
        schema_version: (table, column) that hold the application's schema version, or None.
        identity: the `identity:` section, for restores on other devices.
        models: what models are called in JSON backups of the application, where not as their tables → the table.
    """

    name: str
    file: str
    schemas: tuple[str, ...]
    tenant: TenantTable
    rules: Mapping[str, TableRule]
    patterns: tuple[TableRule, ...] = ()
    schema_version: tuple[str, str] | None = None
    identity: IdentityRules = field(default_factory=IdentityRules)
    other_schemas: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)

    def leaves_out(self, schema: str) -> bool:
        """Tell whether a schema is among those that are left out."""
        return schema not in self.schemas and any(fnmatchcase(schema, pattern) for pattern in self.other_schemas)

    def is_left_out(self, table: str) -> bool:
        """Tell whether a table's name says that it is in a schema that is left out."""
        schema, dot, _ = table.partition(".")
        return bool(dot) and self.leaves_out(schema)
