"""What a restore or a verification has to know of devices: the inventory's facts and the catalog's templates."""

from __future__ import annotations

import os
import platform

from msgspec.structs import replace

from toolkit.actions.context import Context
from toolkit.actions.targets import catalog_of
from toolkit.config.catalog_identity import IdentityTemplates, with_own_node
from toolkit.errors import InputError
from toolkit.model.catalog import Catalog
from toolkit.model.host import Host
from toolkit.model.identity import IdentityChoice
from toolkit.postgres.stage.decision import DeviceRequest


def device_catalog(context: Context, host: Host) -> Catalog:
    """Give the catalog of a host, whose `identity.node` finds the node of that host's device.

    A scratch database stands for the device of the task's own host; where that is a scratch database itself, nothing
    says which node is its own.

    Raises:
        InputError: the inventory names no catalog, or the condition of the node asks for what it does not say.
    """
    catalog = catalog_of(context, host)
    whose = context.host if host.scratch else host
    try:
        return with_own_node(catalog, whose, os.environ)
    except InputError:
        node = catalog.identity.node
        if not whose.scratch or node is None:
            raise
        return replace(catalog, identity=replace(catalog.identity, node=replace(node, where="false")))


def device_request(
    context: Context, catalog: Catalog, identity: IdentityChoice | None, *, scratch: bool
) -> DeviceRequest:
    """Give the device request of a restore; a scratch database is the source unless an identity is asked for."""
    choice = identity or (IdentityChoice.SOURCE if scratch else IdentityChoice.AUTO)
    stands_for_source = scratch and choice is IdentityChoice.SOURCE
    # a scratch database made for another identity is a device of its own, not the host whose schema it has
    device = (None, None) if scratch else (context.host.device_id, context.host.device_node)
    return _request(context, catalog, context.host, choice, scratch=stands_for_source, device=device)


def device_to_verify(context: Context, catalog: Catalog, host: Host, asked: IdentityChoice | None) -> DeviceRequest:
    """Give what tells whose database a backup is compared with; `embedded:NAME` is a scratch database.

    Args:
        asked: the identity that the restore into it was asked for, where that is known: a scratch database does not
            always stand for the source.
    """
    stands_for_source = (asked or IdentityChoice.SOURCE) is IdentityChoice.SOURCE
    scratch = host.scratch and stands_for_source
    device = (host.device_id, host.device_node)
    return _request(context, catalog, host, IdentityChoice.AUTO, scratch=scratch, device=device)


def _request(
    context: Context,
    catalog: Catalog,
    host: Host,
    choice: IdentityChoice,
    *,
    scratch: bool,
    device: tuple[str | None, str | None],
) -> DeviceRequest:
    templates = IdentityTemplates(
        catalog=catalog,
        host=host.name,
        device_id=host.device_id,
        device_name=host.device_name,
        device_node=host.device_node,
        now=context.now(),
        env=os.environ,
    )
    return DeviceRequest(
        choice=choice,
        scratch=scratch,
        device_id=device[0],
        device_node=device[1],
        hostname=platform.node(),
        new_id=templates.node_id,
        rows=templates.rows,
    )
