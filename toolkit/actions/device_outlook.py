"""What a restore would decide about devices, told before anything is asked of it."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.actions.context import Context
from toolkit.actions.devices import device_catalog, device_request
from toolkit.actions.targets import connection_to
from toolkit.model.identity import IdentityChoice
from toolkit.model.manifest import Manifest
from toolkit.planning.identity import device_facts
from toolkit.postgres.selection.snapshot import consistent_snapshot
from toolkit.postgres.stage.decision import settle_device
from toolkit.postgres.stage.narrowing import narrowed
from toolkit.postgres.stage.request import scope_on_target


def device_outlook(
    context: Context, manifest: Manifest, identity: IdentityChoice | None, businesses: tuple[str, ...]
) -> Mapping[str, object]:
    """Give what a restore into a host's database would decide; nothing is read of its rows but whose device it is.

    Args:
        businesses: those of the backup that would be restored; empty for all.

    Raises:
        InputError: the catalog's `identity` does not fit the schema.
        RefusedError: it cannot be told whether it is the device of the backup.
        DatabaseError: the database cannot be reached.
    """
    catalog = device_catalog(context, context.host)
    request = device_request(context, catalog, identity, scratch=False)
    with connection_to(context, context.host, "device outlook") as connection:
        if businesses:
            manifest = narrowed(connection, catalog, manifest, businesses)
        scope = scope_on_target(manifest, catalog)
        with consistent_snapshot(connection, catalog, scope, unclassified="warn") as survey:
            device, _, _ = settle_device(connection, survey, manifest, request, narrowed=bool(businesses))
    return device_facts(manifest, device.decision, part=bool(businesses))
