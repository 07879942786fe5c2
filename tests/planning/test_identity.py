"""Who is the same device, and what follows: every combination of facts that the design names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from toolkit.model.identity import DeviceFacts, IdentityChoice, NodeFate
from toolkit.planning.identity import decide

AUTO, SOURCE, NEW = IdentityChoice.AUTO, IdentityChoice.SOURCE, IdentityChoice.NEW
A_ON_A = DeviceFacts(target_node="a", source_node="a", device_id="till", source_device_id="till")
A_ON_B = replace(A_ON_A, target_node="b")
A_ON_WIPED_A = replace(A_ON_A, target_node=None)
A_ON_EMPTY_B = replace(A_ON_WIPED_A, device_id="other")
NEVER_ON_B = replace(A_ON_B, source_node=None)
NEVER_ON_NEVER = replace(A_ON_WIPED_A, source_node=None)
NOBODY = DeviceFacts(target_node=None, source_node=None, device_id=None, source_device_id=None)


@pytest.mark.parametrize(
    ("facts", "same"),
    [
        (A_ON_A, True),
        (A_ON_B, False),
        (A_ON_WIPED_A, True),
        (A_ON_EMPTY_B, False),
        (replace(A_ON_A, device_id="renamed"), True),
        (NEVER_ON_B, False),
        (NEVER_ON_NEVER, True),
        (NOBODY, False),
        (replace(NOBODY, source_node="a"), False),
        (replace(NOBODY, device_id="till"), False),
    ],
)
def test_the_same_device(facts: DeviceFacts, *, same: bool) -> None:
    """The node id decides; without a node row the inventory's device.id; two missing ids are not equal."""
    assert decide(facts, AUTO).same_device is same
    assert decide(facts, AUTO).device_data is same


@pytest.mark.parametrize(
    ("facts", "choice", "node", "node_id", "clear", "create"),
    [
        (A_ON_A, AUTO, NodeFate.KEPT, "a", False, False),
        (A_ON_B, AUTO, NodeFate.KEPT, "b", True, True),
        (A_ON_WIPED_A, AUTO, NodeFate.SOURCE, "a", False, True),
        (replace(A_ON_WIPED_A, full_device=True), AUTO, NodeFate.SOURCE, "a", False, False),
        (A_ON_EMPTY_B, AUTO, NodeFate.GENERATED, None, True, True),
        (replace(A_ON_EMPTY_B, can_generate=False), AUTO, NodeFate.NONE, None, True, False),
        (NEVER_ON_B, AUTO, NodeFate.KEPT, "b", True, True),
        (NEVER_ON_NEVER, AUTO, NodeFate.NONE, None, False, False),
        (NOBODY, AUTO, NodeFate.GENERATED, None, True, True),
        (replace(A_ON_B, named=True), AUTO, NodeFate.KEPT, "b", False, False),
        (replace(A_ON_EMPTY_B, named=True), AUTO, NodeFate.GENERATED, None, False, True),
        (A_ON_A, SOURCE, NodeFate.KEPT, "a", False, False),
        (A_ON_B, SOURCE, NodeFate.SOURCE, "a", True, True),
        (replace(A_ON_B, full_device=True), SOURCE, NodeFate.SOURCE, "a", False, False),
        (replace(A_ON_EMPTY_B, scratch=True), SOURCE, NodeFate.SOURCE, "a", False, False),
        (A_ON_EMPTY_B, SOURCE, NodeFate.SOURCE, "a", False, False),
        (NEVER_ON_B, SOURCE, NodeFate.KEPT, "b", False, False),
        (NOBODY, SOURCE, NodeFate.NONE, None, False, False),
        (A_ON_A, NEW, NodeFate.GENERATED, None, True, True),
        (A_ON_B, NEW, NodeFate.GENERATED, None, True, True),
        (replace(A_ON_B, named=True), NEW, NodeFate.GENERATED, None, True, True),
        (replace(A_ON_B, has_node=False, can_generate=False), NEW, NodeFate.NONE, None, True, False),
    ],
)
def test_node_and_sync_state(
    *, facts: DeviceFacts, choice: IdentityChoice, node: NodeFate, node_id: str | None, clear: bool, create: bool
) -> None:
    """Where the node id comes from, and whether sync state is cleared and initialised."""
    decision = decide(facts, choice)
    assert (decision.node, decision.node_id) == (node, node_id)
    assert (decision.clear, decision.create) == (clear, create)


@pytest.mark.parametrize(("choice", "data"), [(AUTO, False), (SOURCE, True), (NEW, False)])
def test_device_data_of_another_device(choice: IdentityChoice, *, data: bool) -> None:
    """Another device's own data are skipped, unless its identity is taken over."""
    assert decide(replace(A_ON_B, full_device=True), choice).device_data is data
    assert decide(replace(A_ON_A, full_device=True), NEW).device_data is False


def test_a_host_name_is_only_a_warning() -> None:
    """The same device on a machine of another name is the same device, with a warning; another device needs none.

    But one with the backup's `device.id` and another node may be taken for it by mistake, and that is said.
    """
    renamed = replace(A_ON_A, hostname="new", source_hostname="old")
    assert decide(renamed, AUTO).same_device
    assert decide(renamed, AUTO).warnings == ("the machine is named new, in the backup old",)
    assert decide(replace(renamed, target_node="b", device_id="other"), AUTO).warnings == ()
    (said,) = decide(replace(renamed, target_node="b"), AUTO).warnings
    assert said.startswith("this is taken for another device, although the inventory's device.id is the backup's")
    assert decide(replace(renamed, target_node="b"), NEW).warnings == ()


def test_a_copied_database_is_a_doubt() -> None:
    """The backup's node id on a computer that the inventory calls otherwise may be that of a copied database."""
    copied = decide(replace(A_ON_A, device_id="other"), AUTO)
    assert copied.doubtful
    assert "say `identity: new`" in copied.warnings[0]
    sure = (A_ON_A, replace(A_ON_A, device_id=None), replace(A_ON_A, device_id="other", named_node="a"))
    assert not any(decide(facts, AUTO).doubtful for facts in sure)
    assert not decide(replace(A_ON_A, device_id="other"), NEW).doubtful


def test_the_facts_are_said() -> None:
    """The sentences name both ids, what was asked for, and what follows for data, id and sync state."""
    said = "\n".join(decide(A_ON_B, AUTO).facts)
    assert "another device than the backup's: its node id is b, the backup's is a" in said
    assert "device data are skipped" in said
    assert "the node id stays b" in said
    assert "cleared and initialised" in said
    said = "\n".join(decide(replace(A_ON_WIPED_A, full_device=True), AUTO).facts)
    assert "the inventory's device.id is that of the backup, till" in said
    assert "device data are restored" in said
    assert "the node id a is taken over from the backup" in said
    assert "two missing ids are not equal" in decide(NOBODY, AUTO).facts[0]
    assert "in place of b" in "\n".join(decide(A_ON_B, NEW).facts)


_IDS = st.sampled_from([None, "a", "b"])


@given(
    facts=st.builds(
        DeviceFacts,
        target_node=_IDS,
        source_node=_IDS,
        device_id=_IDS,
        source_device_id=_IDS,
        full_device=st.booleans(),
        named=st.booleans(),
        scratch=st.booleans(),
    ),
    choice=st.sampled_from([AUTO, SOURCE]),
)
def test_restoring_again_decides_the_same_way(facts: DeviceFacts, choice: IdentityChoice) -> None:
    """Once a target has the id that was decided, a second restore keeps it and moves nobody."""
    first = decide(facts, choice)
    after = first.node_id if first.node is not NodeFate.GENERATED else "generated"
    if facts.full_device and first.node is NodeFate.SOURCE:
        assert not first.clear
    second = decide(replace(facts, target_node=after), choice)
    assert second.device_data is first.device_data
    assert second.node is (NodeFate.NONE if after is None else NodeFate.KEPT)
    assert second.node_id == after
