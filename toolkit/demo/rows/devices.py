"""This device's own state, and what is never backed up: their rows are nobody's."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.demo.rows.barcodes import NODES, node
from toolkit.demo.rows.wifi_r710 import access_point, wlan
from toolkit.demo.world import ADMIN, NOBODY, Business, Row, World, key, outsider, row, user

DEVICES = 20


def registered(number: int) -> tuple[str, str]:
    """MAC address and id of a device this database has seen."""
    return f"02:00:00:00:02:{number % DEVICES:02x}", f"device-{number % DEVICES}"


def _clients(world: World, prefix: str) -> Iterator[tuple[int, str, Business]]:
    for number in range(world.scale.clients):
        yield number, f"{prefix}-{number}", world.businesses[number % len(world.businesses)]


def sync_sessions(world: World) -> Iterator[Row]:
    """Exchanges with other nodes."""
    for number, id_, _ in _clients(world, "sync-session"):
        yield row(
            NOBODY, id=id_, sessionId=f"S{number:05}", sourceNodeId=node(0), targetNodeId=node(1 + number % (NODES - 1))
        )


def full_sync_sessions(_: World) -> Iterator[Row]:
    """First exchanges."""
    for number in range(NODES):
        yield row(NOBODY, id=f"full-sync-{number}", sessionId=f"F{number:05}", sourceNodeId=node(0), progress=100)


def sync_nodes(_: World) -> Iterator[Row]:
    """Give the nodes; the first is this device: it is active, and was seen last."""
    for number in range(NODES):
        yield row(
            NOBODY,
            id=f"sync-{node(number)}",
            nodeId=node(number),
            isActive=number % 4 != 3,
            lastSeen=f"2025-05-{28 - number:02} 12:00:00.123",
        )


def sync_metrics(_: World) -> Iterator[Row]:
    """Daily figures per node."""
    for number in range(NODES):
        for day in range(1, 11):
            yield row(NOBODY, id=f"metric-{number}-{day}", nodeId=node(number), metricDate=f"2025-05-{day:02}")


def node_states(_: World) -> Iterator[Row]:
    """Give what this device knows of every node."""
    for number in range(NODES):
        yield row(NOBODY, id=f"state-{number}", nodeId=node(number))


def sync_events(world: World) -> Iterator[Row]:
    """Changes to be told to others."""
    for number, id_, business in _clients(world, "event"):
        yield row(
            NOBODY,
            eventId=id_,
            sourceNodeId=node(0),
            tableName="businesses",
            recordId=business.id,
            lamportClock=str(number + 1),
        )


def sync_configurations(_: World) -> Iterator[Row]:
    """This device's settings."""
    yield row(NOBODY, id="sync-configuration", nodeId=node(0))


def offline_queue(world: World) -> Iterator[Row]:
    """Changes made without a connection."""
    for number, id_, _ in _clients(world, "queued"):
        yield row(NOBODY, id=id_, nodeId=node(0), eventId=f"event-{number}")


def device_registry(world: World) -> Iterator[Row]:
    """Devices this database has seen, with where."""
    for number in range(DEVICES):
        mac, id_ = registered(number)
        seen = world.businesses[number % min(len(world.businesses), 5)]
        yield row(
            NOBODY,
            id=id_,
            macAddress=mac,
            firstSeenBusinessId=seen.id if number % 3 else None,
            lastSeenBusinessId=seen.id if number % 4 else None,
        )


def device_connection_history(world: World) -> Iterator[Row]:
    """Say when they were connected."""
    for number, id_, business in _clients(world, "connection"):
        yield row(NOBODY, id=id_, deviceId=registered(number)[1], businessId=business.id if number % 4 else None)


def network_partitions(_: World) -> Iterator[Row]:
    """Say when nodes did not see each other."""
    for number in range(5):
        yield row(NOBODY, id=f"partition-{number}", nodeId=node(number % NODES))


def sessions(world: World) -> Iterator[Row]:
    """Say who is signed in."""
    for number, id_, business in _clients(world, "session"):
        yield row(NOBODY, id=id_, sessionToken=key("sessions", number), userId=user(business, number % 5))


def r710_connected_clients(world: World) -> Iterator[Row]:
    """Say who is online through an R710."""
    for number, id_, business in _clients(world, "r710-client"):
        yield row(
            NOBODY,
            id=id_,
            businessId=business.id,
            deviceRegistryId=access_point(business),
            wlanId=wlan(business),
            macAddress=f"02:00:00:03:{number // 256 % 256:02x}:{number % 256:02x}",
        )


def chat_rooms(world: World) -> Iterator[Row]:
    """Say where people talk."""
    for number in range(4):
        yield row(NOBODY, id=f"room-{number}", createdBy=ADMIN if number else None)


def chat_messages(world: World) -> Iterator[Row]:
    """Give what they say."""
    for number, id_, business in _clients(world, "message"):
        yield row(
            NOBODY,
            id=id_,
            roomId=f"room-{number % 4}" if number % 9 else None,
            userId=user(business, number % 7) if number % 5 else outsider(0),
        )


def chat_participants(world: World) -> Iterator[Row]:
    """Say who is in a room."""
    for number, id_, business in _clients(world, "participant"):
        yield row(
            NOBODY, id=id_, roomId=f"room-{number % 4}", userId=user(business, number % 7) if number % 5 else None
        )


TABLES = (
    sync_sessions,
    full_sync_sessions,
    sync_nodes,
    sync_metrics,
    node_states,
    sync_events,
    sync_configurations,
    offline_queue,
    device_registry,
    device_connection_history,
    network_partitions,
    sessions,
    r710_connected_clients,
    chat_rooms,
    chat_messages,
    chat_participants,
)
