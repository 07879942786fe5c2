"""WiFi tokens sold from R710 access points; businesses share the access points in pairs."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.demo.rows.expenses import account_for_device_sales
from toolkit.demo.world import ADMIN, NOBODY, Business, Row, World, key, row

CONFIGURATIONS = 3
LOGS = 8


def access_point(business: Business) -> str:
    """Give the id of the access point a business uses, together with its neighbour."""
    return f"r710-{business.index // 2}"


def wlan(business: Business) -> str:
    """Give the id of the network of a business."""
    return key("r710_wlans", business.index)


def _configuration(business: Business, number: int) -> str:
    return key("r710_token_configs", business.index, number)


def _tokens(world: World) -> Iterator[tuple[Business, int, str]]:
    for business in world.businesses:
        for number in range(world.scale.tokens):
            yield business, number, key("r710_tokens", business.index, number)


def r710_device_registry(world: World) -> Iterator[Row]:
    """Give a spare access point that no business uses, then one per pair."""
    yield row(NOBODY, id="r710-spare", ipAddress="192.168.0.250", createdBy=ADMIN)
    for first in world.businesses[::2]:
        pair = world.businesses[first.index : first.index + 2]
        yield row(
            frozenset(business.id for business in pair),
            id=access_point(first),
            ipAddress=f"192.168.{first.index // 500}.{first.index // 2 % 250}",
            createdBy=world.author(first, "access point", first.index),
        )


def r710_business_integrations(world: World) -> Iterator[Row]:
    """Give one per business."""
    for business in world.businesses:
        yield row(
            business.owners,
            id=key("r710_business_integrations", business.index),
            businessId=business.id,
            deviceRegistryId=access_point(business),
        )


def r710_wlans(world: World) -> Iterator[Row]:
    """Give one per business."""
    for business in world.businesses:
        yield row(
            business.owners,
            id=wlan(business),
            businessId=business.id,
            deviceRegistryId=access_point(business),
            wlanId=str(business.index + 1),
        )


def r710_token_configs(world: World) -> Iterator[Row]:
    """Give some per business."""
    for business in world.businesses:
        for number in range(CONFIGURATIONS):
            yield row(
                business.owners,
                id=_configuration(business, number),
                businessId=business.id,
                wlanId=wlan(business),
            )


def r710_business_token_menu_items(world: World) -> Iterator[Row]:
    """Give one per configuration."""
    for business in world.businesses:
        for number in range(CONFIGURATIONS):
            yield row(
                business.owners,
                id=key("r710_business_token_menu_items", business.index, number),
                businessId=business.id,
                tokenConfigId=_configuration(business, number),
            )


def r710_tokens(world: World) -> Iterator[Row]:
    """Give the tokens."""
    for business, number, id_ in _tokens(world):
        yield row(
            business.owners,
            id=id_,
            businessId=business.id,
            tokenConfigId=_configuration(business, number % CONFIGURATIONS),
            wlanId=wlan(business),
            username=f"{business.prefix.lower()}-{number:06}",
            password=f"{business.prefix}\\{number:06}",
        )


def r710_token_sales(world: World) -> Iterator[Row]:
    """Give a sale for two tokens of three, booked to the umbrella's account where there is one."""
    for business, number, token in _tokens(world):
        if number % 3:
            yield row(
                business.owners,
                id=f"sale-of-{token}",
                businessId=business.id,
                tokenId=token,
                expenseAccountId=account_for_device_sales(world, business),
                soldBy=world.author(business, "sale", token),
            )


def r710_device_tokens(world: World) -> Iterator[Row]:
    """Give a device for every second token."""
    for business, number, token in _tokens(world):
        if number % 2:
            yield row(
                business.owners, id=f"device-of-{token}", tokenId=token, macAddress=f"02:00:00:00:01:{number % 256:02x}"
            )


def r710_sync_logs(world: World) -> Iterator[Row]:
    """Give some per business."""
    for business in world.businesses:
        for number in range(LOGS):
            yield row(
                business.owners,
                id=key("r710_sync_logs", business.index, number),
                businessId=business.id,
                deviceRegistryId=access_point(business),
            )


TABLES = (
    r710_device_registry,
    r710_business_integrations,
    r710_wlans,
    r710_token_configs,
    r710_tokens,
    r710_token_sales,
    r710_device_tokens,
    r710_business_token_menu_items,
    r710_sync_logs,
)
