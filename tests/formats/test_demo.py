"""The demo out of its backup, whole and one business of it."""

from __future__ import annotations

from collections.abc import Callable

from tests.control import Control
from tests.sweeps import slow_only


@slow_only
def test_a_business_of_the_demo(demo_host: Callable[..., str], control: Control) -> None:
    """One business is told from the others without a database."""
    demo_host("till")
    manifest = control.backup("till", demo="include")
    business = sorted(manifest.selection.tenants)[0]
    own = control.backup("till", demo="include", businesses=[business])
    outcome = control.run(
        "export",
        "till",
        {"backup": manifest.metadata.label, "format": "jsonl", "directory": "out", "businesses": [business]},
    )
    assert outcome.facts["tables"] == {entry.name: entry.rows for entry in own.tables}
