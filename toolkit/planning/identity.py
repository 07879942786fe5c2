"""Decides whether the target is the device of the backup, and who it is afterwards (docs/design.md#devices)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from toolkit.errors import Problem
from toolkit.model.catalog import Catalog
from toolkit.model.identity import DeviceDecision, DeviceFacts, IdentityChoice, IdentityRules, NodeFate
from toolkit.model.manifest import Manifest
from toolkit.model.schema import DatabaseSchema, Table


def decide(facts: DeviceFacts, choice: IdentityChoice) -> DeviceDecision:
    """Decide what becomes of device data, node id and sync state, with the reasons as sentences."""
    same = is_same_device(facts)
    if choice is IdentityChoice.SOURCE:
        decision = _take_over(facts, same=same)
    elif choice is IdentityChoice.NEW:
        decision = _other_device(facts, IdentityChoice.NEW, same=same)
    else:
        decision = _same_device(facts) if same else _other_device(facts, IdentityChoice.AUTO, same=False)
    warnings: tuple[str, ...] = ()
    if decision.same_device and facts.hostname != facts.source_hostname and not facts.scratch:
        warnings = (f"the machine is named {facts.hostname}, in the backup {facts.source_hostname}",)
    if choice is IdentityChoice.AUTO and not same and facts.device_id and facts.device_id == facts.source_device_id:
        warnings = (
            "this is taken for another device, although the inventory's device.id is the backup's,"
            f" {facts.device_id}: if that is a mistake, name its node in the inventory, `device: {{node: NODE-ID}}`, or"
            " say `identity: source`; `--check --diff` shows what would be cleared",
        )
    if doubtful := choice is IdentityChoice.AUTO and same and _may_be_a_copy(facts):
        warnings = (
            *warnings,
            f"this is taken for the device of the backup by its node id, {facts.source_node}, although the inventory's"
            f" device.id is {facts.device_id}, and the backup's is {facts.source_device_id}: a database that was copied"
            " from another computer has its node id too; if this is another device, say `identity: new`",
        )
    return _said(facts, replace(decision, warnings=warnings, doubtful=doubtful))


def _may_be_a_copy(facts: DeviceFacts) -> bool:
    """Whether only a node id that nobody named speaks for the same device, and two known ids of devices against it."""
    ids = (facts.device_id, facts.source_device_id)
    return not facts.scratch and facts.named_node is None and None not in ids and ids[0] != ids[1]


def with_node_id(decision: DeviceDecision, facts: DeviceFacts, node_id: str) -> DeviceDecision:
    """Give the decision once the id that was to be generated is known."""
    return _said(facts, replace(decision, node_id=node_id))


def untouched_device(decision: DeviceDecision, facts: DeviceFacts) -> DeviceDecision:
    """Give the decision of a restore of some tables: the device stays who it is, with the sync state that it has."""
    same = "this is the device of the backup" if decision.same_device else "this is another device than the backup's"
    return replace(
        decision,
        node=NodeFate.NONE if facts.target_node is None else NodeFate.KEPT,
        node_id=facts.target_node,
        clear=False,
        create=False,
        facts=(() if facts.scratch else (f"{same}: {_compared(facts)}",))
        + ("node id and sync state stay as they are, because some tables are restored",),
        warnings=(),
    )


def _said(facts: DeviceFacts, decision: DeviceDecision) -> DeviceDecision:
    """The decision with its reasons, and a warning where the inventory names a node that it is no more."""
    warnings, named = decision.warnings, facts.named_node
    if named is not None and decision.node_id not in (None, named):
        text = f"the inventory names node {named} for this device, which is {decision.node_id} from now on"
        warnings = (*warnings, f"{text}: change `device.node`")
    return replace(decision, facts=tuple(_sentences(facts, decision)), warnings=warnings)


def device_facts(manifest: Manifest, decision: DeviceDecision, *, part: bool) -> dict[str, object]:
    """Give a decision beside what the backup says of its device, as JSON values.

    `tables` are the device's own of the backup, with their rows: `restored` says whether they come back.

    Args:
        part: only some businesses or tables are restored; then nothing comes back but what their rows point at.
    """
    metadata = manifest.metadata
    return {
        "same_device": decision.same_device,
        "doubtful": decision.doubtful,
        "known": bool(decision.facts),
        "restored": decision.device_data,
        "part": part,
        "node": str(decision.node),
        "node_id": decision.node_id,
        "cleared": decision.clear,
        "facts": list(decision.facts),
        "warnings": list(decision.warnings),
        "backup": {
            "host": metadata.host,
            "device_name": metadata.source_device_name,
            "device_id": metadata.source_device_id,
            "node_id": metadata.source_node_id,
            "hostname": metadata.source_hostname,
            "full_device": metadata.backup_type == "full-device",
        },
        "tables": {entry.name: entry.rows for entry in manifest.tables if entry.category == "device" and entry.rows},
    }


def is_same_device(facts: DeviceFacts) -> bool:
    """Say whether the target is the device that was backed up; two missing ids are not equal."""
    if facts.named_node is not None:
        return facts.named_node == facts.source_node
    if facts.target_node is not None:
        return facts.target_node == facts.source_node
    return facts.device_id is not None and facts.device_id == facts.source_device_id


def contradiction(facts: DeviceFacts) -> str | None:
    """Give what says that the target is the device of the backup, and what says that it is not; None where all agree.

    An application may take the node that was seen last for its own, and a peer's call makes that the peer's.
    """
    same_id = facts.device_id is not None and facts.device_id == facts.source_device_id
    if facts.named_node is not None or not same_id or is_same_device(facts) or not facts.source_may_be_own:
        return None
    return (
        f"the inventory's device.id, {facts.device_id}, is that of the backup; the node id found is"
        f" {facts.target_node}, and the backup's, {facts.source_node}, is known here as well"
    )


def _same_device(facts: DeviceFacts) -> DeviceDecision:
    """Everything comes back; a wiped node row too, with the device's data or, where the backup has none, by itself."""
    wiped = facts.target_node is None and facts.source_node is not None and facts.has_node
    return DeviceDecision(
        choice=IdentityChoice.AUTO,
        same_device=True,
        device_data=True,
        node=NodeFate.SOURCE if wiped else NodeFate.KEPT if facts.target_node is not None else NodeFate.NONE,
        node_id=facts.source_node if wiped else facts.target_node,
        create=wiped and not facts.full_device,
    )


def _take_over(facts: DeviceFacts, *, same: bool) -> DeviceDecision:
    """Become the source. Where the backup has no device data, the sync state of a former node goes."""
    node = facts.source_node if facts.has_node else None
    renewed = node is not None and facts.target_node not in (None, node) and not facts.full_device
    return DeviceDecision(
        choice=IdentityChoice.SOURCE,
        same_device=same,
        device_data=True,
        node=_fate_of_taken(facts, node),
        node_id=facts.target_node if node is None else node,
        clear=renewed,
        create=renewed,
    )


def _fate_of_taken(facts: DeviceFacts, node: str | None) -> NodeFate:
    if node is None or node == facts.target_node:
        return NodeFate.NONE if facts.target_node is None else NodeFate.KEPT
    return NodeFate.SOURCE


def _other_device(facts: DeviceFacts, choice: IdentityChoice, *, same: bool) -> DeviceDecision:
    """Nothing of the source's device comes along; the target has its own id, or gets one."""
    keep = choice is IdentityChoice.AUTO and facts.target_node is not None
    node = NodeFate.KEPT if keep else NodeFate.GENERATED if facts.can_generate else NodeFate.NONE
    # a few businesses among others: what those others have still to tell must not be thrown away unasked
    partial = facts.named and choice is IdentityChoice.AUTO
    return DeviceDecision(
        choice=choice,
        same_device=same,
        device_data=False,
        node=node,
        node_id=facts.target_node if keep else None,
        clear=not partial,
        create=node is not NodeFate.NONE and not (partial and keep),
    )


def _sentences(facts: DeviceFacts, decision: DeviceDecision) -> Iterator[str]:
    if facts.scratch and decision.choice is IdentityChoice.SOURCE:
        yield "a scratch database stands for the source: it has the device rows of the backup"
        return
    if facts.named_node is not None and facts.found_node not in (None, facts.named_node):
        yield (
            f"the inventory names node {facts.named_node} for this device; by the catalog file it would be"
            f" {facts.found_node}, which is taken for a peer"
        )
    same = "this is the device of the backup" if decision.same_device else "this is another device than the backup's"
    yield f"{same}: {_compared(facts)}"
    if decision.choice is not IdentityChoice.AUTO:
        yield f"identity: {decision.choice} was asked for"
    if not decision.device_data:
        yield "device data are skipped"
    elif facts.full_device:
        yield "device data are restored"
    else:
        yield "the backup has no device data beyond the rows that business rows point at; those come along"
    yield _node_sentence(facts, decision)
    if decision.clear and decision.create:
        yield "sync state is cleared and initialised as the catalog file declares"
    elif decision.clear:
        yield "sync state is cleared as the catalog file declares; without a node id nothing is initialised"
    elif decision.create:
        yield "sync state is initialised as the catalog file declares where it is missing; nothing is cleared"
    elif not decision.device_data:
        yield "sync state stays, because single businesses are restored"


def _compared(facts: DeviceFacts) -> str:
    if facts.named_node is not None:
        theirs = facts.source_node or "missing"
        same = "the same" if is_same_device(facts) else theirs
        return f"its node id is {facts.named_node} by the inventory, the backup's is {same}"
    if facts.target_node is not None:
        theirs = facts.source_node or "missing"
        return f"its node id is {facts.target_node}, the backup's is {'the same' if is_same_device(facts) else theirs}"
    ours, theirs = facts.device_id or "missing", facts.source_device_id or "missing"
    if is_same_device(facts):
        return f"it has no node id, and the inventory's device.id is that of the backup, {ours}"
    if facts.device_id is None and facts.source_device_id is None:
        return "it has no node id, and neither side has a device.id; two missing ids are not equal"
    return f"it has no node id, and the inventory's device.id is {ours}, the backup's is {theirs}"


def _node_sentence(facts: DeviceFacts, decision: DeviceDecision) -> str:
    if decision.node is NodeFate.KEPT:
        taken = decision.choice is IdentityChoice.SOURCE and facts.source_node is None
        return f"the node id stays {decision.node_id}" + (": the source has none to take over" if taken else "")
    if decision.node is NodeFate.SOURCE:
        before = f" in place of {facts.target_node}" if facts.target_node else ""
        return f"the node id {decision.node_id} is taken over from the backup{before}"
    if decision.node is NodeFate.GENERATED:
        before = f" in place of {facts.target_node}" if facts.target_node else ""
        return " ".join(filter(None, ("the node id", decision.node_id, f"is generated{before}")))
    if not facts.has_node:
        return "the catalog file declares no node that this database has, so there is no node id to settle"
    if decision.device_data:
        return "there is no node id: neither this device nor the backup has one"
    return "there is no node id, and the catalog file does not say how one is made (identity.node.generate)"


def without_device_data(manifest: Manifest) -> Manifest:
    """Give the backup as if only business data had been taken: no device table, no sequence that belongs to one."""
    tables = tuple(entry for entry in manifest.tables if entry.category != "device")
    names = {entry.name for entry in tables}
    gone = {entry.name for entry in manifest.tables} - names
    schema = msgspec.structs.replace(
        manifest.schema, tables={name: table for name, table in manifest.schema.tables.items() if name in names}
    )
    return msgspec.structs.replace(
        business_only(manifest),
        tables=tables,
        schema=schema,
        sequences=tuple(each for each in manifest.sequences if each.owned_by is None or each.owned_by[0] not in gone),
    )


def business_only(manifest: Manifest) -> Manifest:
    """Give the same backup, its device tables taken for what business rows point at and no more."""
    metadata = msgspec.structs.replace(manifest.metadata, backup_type="business")
    return msgspec.structs.replace(manifest, metadata=metadata)


def identity_problems(catalog: Catalog, schema: DatabaseSchema) -> list[Problem]:
    """Give what the `identity:` section of a catalog file says that the database does not bear out.

    Tables that the database lacks are passed over, as everywhere.
    """
    return [
        Problem(file=catalog.file, path=f"identity.{path}", message=message)
        for path, message in _identity_problems(catalog.identity, schema)
    ]


def _identity_problems(rules: IdentityRules, schema: DatabaseSchema) -> Iterator[tuple[str, str]]:
    if rules.node and (table := schema.tables.get(rules.node.table)):
        if rules.node.key not in table.column_names:
            yield "node.key", f"table {table.name} has no column {rules.node.key!r}"
        elif rules.node.generate and not any(rule.table == table.name for rule in rules.create):
            yield from (("node.generate", text) for text in _row_problems(table, {rules.node.key}))
    for number, rule in enumerate(rules.create):
        if found := schema.tables.get(rule.table):
            yield from ((f"create[{number}].row", text) for text in _row_problems(found, set(rule.row)))


def _row_problems(table: Table, given: set[str]) -> Iterator[str]:
    for name in sorted(given - set(table.column_names)):
        yield f"table {table.name} has no column {name!r}"
    for column in table.columns:
        if column.name in given and column.generated:
            yield f"column {table.name}.{column.name} is generated and takes no value"
        required = not (column.nullable or column.has_default or column.identity or column.generated)
        if required and column.name not in given:
            yield f"column {table.name}.{column.name} is NOT NULL, has no default and is not given"
