"""The device decision of a restore: facts read from the target, then the backup and its scope made to fit them."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from toolkit.errors import InputError, RefusedError
from toolkit.model.catalog import Catalog
from toolkit.model.identity import CreatedRow, DeviceDecision, DeviceFacts, IdentityChoice, NodeFate
from toolkit.model.manifest import Manifest
from toolkit.model.scope import BackupType
from toolkit.planning.accounting import account
from toolkit.planning.identity import (
    business_only,
    contradiction,
    decide,
    identity_problems,
    untouched_device,
    with_node_id,
    without_device_data,
)
from toolkit.postgres.schema.device import find_node_id, knows_node
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection


class DeviceRequest(Struct, frozen=True, kw_only=True):
    """What is asked of devices, and what the inventory knows.

    Attributes:
        scratch: the target is a scratch database, which stands for the source.
        device_id: the inventory's `device.id` of the target, and `device_node` its `device.node`.
        hostname: name of the machine that restores.
        new_id: makes a new node id by the catalog's template.
        rows: gives the rows that the catalog declares for a node id, that of the node itself first.
    """

    choice: IdentityChoice
    scratch: bool
    device_id: str | None
    device_node: str | None
    hostname: str
    new_id: Callable[[], str]
    rows: Callable[[str], tuple[CreatedRow, ...]]


class Device(Struct, frozen=True, kw_only=True):
    """A device decision with all that carrying it out needs.

    Attributes:
        before: the target's node id until now; None without one.
        named: the inventory names the node, so `identity.node` need not find it.
        rows: what the catalog declares for the node id of the decision; empty where it has none.
    """

    decision: DeviceDecision
    before: str | None
    rows: tuple[CreatedRow, ...] = ()
    named: bool = False

    @property
    def own_row(self) -> CreatedRow | None:
        """The declared row of the node itself."""
        return next((row for row in self.rows if row.own_node), None)


def recognise(connection: Connection, survey: Survey, manifest: Manifest, request: DeviceRequest) -> Device:
    """Decide about a database that a backup is compared with; nothing is generated, initialised or refused."""
    facts = _facts(connection, survey, manifest, request)
    decision, before = decide(facts, request.choice), facts.target_node
    rows = request.rows(before) if before is not None and decision.node is NodeFate.KEPT else ()
    return Device(decision=decision, before=before, rows=rows)


def is_told_apart(device: Device, manifest: Manifest, request: DeviceRequest) -> bool:
    """Tell whether a database is surely another device's: it has another node id, or else another known device.id.

    A restore must not take two missing ids for equal; a comparison must not pass over rows because of them. A scratch
    database stands for the source: whatever node `identity.node` finds there, a peer's perhaps that came along because
    rows point at it, its device rows are compared.
    """
    if request.scratch:
        return False
    if device.decision.device_data or device.decision.node is NodeFate.KEPT:
        return not device.decision.device_data
    ids = (request.device_id, manifest.metadata.source_device_id)
    return None not in ids and ids[0] != ids[1]


def settle_device(
    connection: Connection,
    survey: Survey,
    manifest: Manifest,
    request: DeviceRequest,
    *,
    narrowed: bool = False,
    some: bool = False,
) -> tuple[Device, Manifest, Survey]:
    """Decide, in the restore's own snapshot, and give the backup and the survey that the decision leaves.

    Args:
        narrowed: only some businesses of the backup are restored, so no device data of its own.
        some: only some tables are restored: whose device it is stays as it is, and so does its sync state.

    Raises:
        InputError: the catalog's `identity` does not fit the schema, or its templates do not render.
        RefusedError: the role may not read what the decision rests on.
    """
    catalog, schema = survey.catalog, survey.schema
    if problems := identity_problems(catalog, schema):
        raise InputError(problems)
    _check_privileges(connection, catalog, survey)
    if narrowed:
        manifest = business_only(manifest)
    facts = _facts(connection, survey, manifest, request)
    decision = untouched_device(_of_device(facts, request), facts) if some else _decided(facts, request)
    if not facts.has_node and not any(entry.category == "device" for entry in manifest.tables):
        decision = replace(decision, facts=(), warnings=())  # an application that knows no devices
    if not decision.device_data:
        manifest = without_device_data(manifest)
    rows = request.rows(decision.node_id) if decision.node_id is not None and not (request.scratch or some) else ()
    device = Device(decision=decision, before=facts.target_node, rows=rows, named=facts.named_node is not None)
    return device, manifest, _rescoped(survey, manifest)


def _decided(facts: DeviceFacts, request: DeviceRequest) -> DeviceDecision:
    """The decision, with the node id that it makes.

    Raises:
        RefusedError: by one fact this is the device of the backup, by another it is not.
    """
    decision = _of_device(facts, request)
    if decision.node is not NodeFate.GENERATED:
        return decision
    named = facts.named_node if request.choice is IdentityChoice.AUTO else None
    return with_node_id(decision, facts, named or request.new_id())


def _of_device(facts: DeviceFacts, request: DeviceRequest) -> DeviceDecision:
    """The decision, without a node id that has still to be made.

    Raises:
        RefusedError: by one fact this is the device of the backup, by another it is not.
    """
    if request.choice is IdentityChoice.AUTO and (text := contradiction(facts)):
        raise RefusedError(
            "it cannot be told whether this is the device of the backup",
            [text],
            hint="name this device's own node in the inventory, `device: {node: NODE-ID}`,"
            " or decide with `identity: source` or `identity: new`",
        )
    return decide(facts, request.choice)


def _facts(connection: Connection, survey: Survey, manifest: Manifest, request: DeviceRequest) -> DeviceFacts:
    catalog, schema, metadata = survey.catalog, survey.schema, manifest.metadata
    node, source, named = catalog.identity.node, metadata.source_node_id, request.device_node
    found = find_node_id(connection, catalog, schema)
    has_node = node is not None and node.table in schema.tables

    def knows(node_id: str | None, *, own: bool) -> bool:
        return bool(has_node and node and node_id and knows_node(connection, node, schema, node_id, own=own))

    return DeviceFacts(
        target_node=found if named is None else named if knows(named, own=False) else None,
        found_node=found,
        named_node=named if has_node else None,
        source_may_be_own=knows(source, own=True),
        source_node=source,
        device_id=request.device_id,
        source_device_id=metadata.source_device_id,
        hostname=request.hostname,
        source_hostname=metadata.source_hostname,
        full_device=BackupType(metadata.backup_type) is BackupType.FULL_DEVICE,
        named=not survey.scope.whole,
        scratch=request.scratch,
        has_node=has_node,
        can_generate=has_node and node is not None and bool(node.generate),
    )


def _rescoped(survey: Survey, manifest: Manifest) -> Survey:
    """The survey for what is left of the backup: without device data no device table is taken whole."""
    kind = BackupType(manifest.metadata.backup_type)
    if kind is survey.scope.type:
        return survey
    scope = replace(survey.scope, type=kind)
    accounting = account(survey.catalog, survey.schema, scope, survey.links, unclassified="warn")
    return replace(survey, scope=scope, accounting=accounting)


def _check_privileges(connection: Connection, catalog: Catalog, survey: Survey) -> None:
    rules = catalog.identity
    named = {*rules.clear, *(row.table for row in rules.create), *([rules.node.table] if rules.node else [])}
    lacking = survey.workspace.lacking(("SELECT", name) for name in sorted(named))
    if lacking:
        raise RefusedError(
            f"role {connection.info.user} cannot read what says which device this is",
            map(str, lacking),
            hint=f"GRANT what is missing; the tables stand under identity in {catalog.file}",
        )
