"""Which device a restore is for, and by which id that device takes part in sync (docs/design.md#devices)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

Value = str | int | float | bool | None
"""What a column of a created row is given, before the database makes it a value of the column's type."""


class IdentityChoice(StrEnum):
    """What a task says about the target's identity: decided by the facts, the source's, or a new one."""

    AUTO = "auto"
    SOURCE = "source"
    NEW = "new"


class NodeFate(StrEnum):
    """Where the node id comes from that the target has after a restore."""

    KEPT = "kept"
    SOURCE = "source"
    GENERATED = "generated"
    NONE = "none"
    """It has none: nobody has given it one, or the catalog file declares no node."""


class Following(StrEnum):
    """What became of rows of a backup that belong to another device, or point at transient rows."""

    CURRENT_NODE = "current_node"
    NULL = "null"
    SKIP_ROW = "skip_row"
    DETACHED = "detached"
    """They pointed at skipped rows, and their reference became NULL."""
    DRAGGED = "dragged"
    """They pointed at skipped rows, cannot be without them, and are skipped too."""
    FORGOT = "forgot"
    """They pointed at transient rows that are gone, and their reference became NULL."""
    LEFT_OUT = "left_out"
    """They point at transient rows that are gone, and are skipped."""


class NodeRule(Struct, frozen=True, kw_only=True):
    """Where a database keeps the id of its own node.

    Attributes:
        where: an SQL condition that picks out this device's own row; empty for any row.
        order_by: a column or SQL expression; of several rows the first is taken.
        generate: a template that makes a new id; empty when only the application makes them.
    """

    table: str
    key: str
    where: str = ""
    order_by: str = ""
    generate: str = ""


class CreateRule(Struct, frozen=True, kw_only=True):
    """A row to be made when sync state is initialised; texts are templates."""

    table: str
    row: Mapping[str, Value]


class IdentityRules(Struct, frozen=True, kw_only=True):
    """The `identity:` section of a catalog file; the default is that of a file without one."""

    node: NodeRule | None = None
    clear: tuple[str, ...] = ()
    create: tuple[CreateRule, ...] = ()


class CreatedRow(Struct, frozen=True, kw_only=True):
    """A row to be made, its templates rendered.

    Attributes:
        number: which entry of `identity.create` it comes from, counted from 0; -1 for the node's own row where the
            file lists none.
        volatile: columns that a later run would fill otherwise (from `now`); they make no difference.
        own_node: it is the row of this device's own node.
    """

    number: int
    table: str
    values: Mapping[str, Value]
    volatile: frozenset[str] = frozenset()
    own_node: bool = False


class DeviceFacts(Struct, frozen=True, kw_only=True):
    """All that a device decision rests on.

    Attributes:
        target_node: the target's own node id; None without a node row.
        found_node: the node id that the catalog's `identity.node` finds there; it is the own one, unless the inventory
            names another.
        named_node: the inventory's `device.node` of the target.
        source_may_be_own: the target has a row of the backup's node, and by `identity.node` it could be its own.
        source_node: the backup's `sourceNodeId`.
        device_id: the inventory's `device.id` of the target.
        source_device_id: the backup's `sourceDeviceId`.
        hostname: name of the machine that restores; `source_hostname` of the one that backed up.
        full_device: the backup has the device's own data, not only the device rows that business rows point at.
        named: single businesses are restored, into a database that has others.
        scratch: the target is a scratch database, which stands for the source.
        has_node: the catalog file declares a node, and the target has its table.
        can_generate: and says how an id is made.
    """

    target_node: str | None
    source_node: str | None
    device_id: str | None
    source_device_id: str | None
    found_node: str | None = None
    named_node: str | None = None
    source_may_be_own: bool = False
    hostname: str = ""
    source_hostname: str = ""
    full_device: bool = False
    named: bool = False
    scratch: bool = False
    has_node: bool = True
    can_generate: bool = True


class DeviceDecision(Struct, frozen=True, kw_only=True):
    """What is decided about devices.

    Attributes:
        device_data: device rows of the backup are restored; otherwise they are skipped.
        node_id: the id the target has afterwards; None while it is still to be generated, and where it has none.
        clear: sync state is cleared as the catalog file declares.
        create: the rows that it declares are made where they are missing.
        doubtful: taken for the device of the backup by its node id, which a copied database has as well, while the
            inventory's device.id is another one.
        facts: what was decided and why, as sentences.
    """

    choice: IdentityChoice
    same_device: bool
    device_data: bool
    node: NodeFate
    node_id: str | None = None
    clear: bool = False
    create: bool = False
    doubtful: bool = False
    facts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Followed(Struct, frozen=True, kw_only=True):
    """Rows of the backup that are restored otherwise than they were stored, or not at all.

    Attributes:
        columns: the reference that says why.
        samples: keys of a few of them, as text.
    """

    table: str
    columns: tuple[str, ...]
    what: Following
    rows: int
    samples: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = {
            Following.CURRENT_NODE: "rows now point at this device's node",
            Following.NULL: "rows pointed at another device's rows; now NULL",
            Following.SKIP_ROW: "rows belong to another device and are not restored",
            Following.DETACHED: "rows pointed at rows that are not restored; now NULL",
            Following.DRAGGED: "rows need rows that are not restored, and are not either",
            Following.FORGOT: "rows pointed at transient rows that are not there; now NULL",
            Following.LEFT_OUT: "rows point at transient rows that are not there, and are not restored",
        }[self.what]
        examples = f", e.g. {'; '.join(self.samples)}" if self.samples else ""
        return f"{self.table} ({', '.join(self.columns)}): {self.rows} {said}{examples}"


class IdentityPlan(Struct, frozen=True, kw_only=True):
    """The device decision of one restore with everything that follows from it, in rows.

    Attributes:
        followed: rows of the backup that were rewritten or skipped.
        cleared: rows deleted from tables of sync state, and node rows that give way, by table.
        created: rows made, by table.
        moved: rows of the target that now point at its new node, by table.
    """

    decision: DeviceDecision
    followed: tuple[Followed, ...] = ()
    cleared: Mapping[str, int] = field(default_factory=dict)
    created: Mapping[str, int] = field(default_factory=dict)
    moved: Mapping[str, int] = field(default_factory=dict)

    def sentences(self) -> tuple[str, ...]:
        """Give the decision with its reasons in one line, then what follows from it, for people."""
        decided = "; ".join(self.decision.facts)
        return (*([decided] if decided else []), *self._counted(), *map(str, self.followed))

    def as_facts(self) -> dict[str, object]:
        """Give the same as JSON values, for `register` and the report."""
        decision = self.decision
        return {
            "choice": decision.choice.value,
            "same_device": decision.same_device,
            "device_data": "restored" if decision.device_data else "skipped",
            "node": decision.node.value,
            "node_id": decision.node_id,
            "facts": list(decision.facts),
            "cleared": dict(self.cleared),
            "created": dict(self.created),
            "moved": dict(self.moved),
            "followed": [
                {
                    "table": each.table,
                    "columns": list(each.columns),
                    "what": each.what.value,
                    "rows": each.rows,
                    "samples": list(each.samples),
                }
                for each in self.followed
            ],
        }

    def _counted(self) -> list[str]:
        said = {
            "rows of sync state cleared": self.cleared,
            "rows created for this device": self.created,
            "rows of this database moved to its new node": self.moved,
        }
        return [
            f"{sum(rows.values())} {what}: {', '.join(f'{table} {count}' for table, count in sorted(rows.items()))}"
            for what, rows in said.items()
            if rows
        ]
