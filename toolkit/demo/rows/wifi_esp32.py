"""WiFi tokens sold from ESP32 devices."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.demo.rows.core import expense_account
from toolkit.demo.world import NOBODY, Business, Row, World, key, row

CONFIGURATIONS = 4
PERIODS = 10


def _configuration(business: Business, number: int) -> str:
    return key("token_configurations", business.index, number)


def _menu_item(business: Business, number: int) -> str:
    return key("business_token_menu_items", business.index, number)


def wifi_token(business: Business, number: int) -> str:
    """Give the id of a token of a business."""
    return key("wifi_tokens", business.index, number)


def _tokens(world: World) -> Iterator[tuple[Business, int, str]]:
    for business in world.businesses:
        for number in range(world.scale.tokens):
            yield business, number, wifi_token(business, number)


def token_configurations(world: World) -> Iterator[Row]:
    """Give some per business, which names none: it is that of whoever offers or sells tokens by it."""
    for business in world.businesses:
        for number in range(CONFIGURATIONS):
            offering = world.under(business) if number == CONFIGURATIONS - 1 else []
            owners = business.owners.union(*(other.owners for other in offering))
            yield row(owners, id=_configuration(business, number))


def business_token_menu_items(world: World) -> Iterator[Row]:
    """Give what a business offers; the last one with the umbrella's configuration, where there is an umbrella."""
    for business in world.businesses:
        for number in range(CONFIGURATIONS):
            umbrella = world.umbrella(business) if number == CONFIGURATIONS - 1 else None
            yield row(
                business.owners,
                id=_menu_item(business, number),
                businessId=business.id,
                tokenConfigId=_configuration(umbrella or business, number),
            )


def wifi_tokens(world: World) -> Iterator[Row]:
    """Give the tokens."""
    for business, number, id_ in _tokens(world):
        yield row(
            business.owners,
            id=id_,
            token=f"{business.prefix}{number:06}",
            businessId=business.id,
            tokenConfigId=_configuration(business, number % CONFIGURATIONS),
            businessTokenMenuItemId=_menu_item(business, number % CONFIGURATIONS) if number % 3 else None,
        )


def wifi_token_devices(world: World) -> Iterator[Row]:
    """Up to two devices per token."""
    for business, number, token in _tokens(world):
        for device in range(number % 3):
            yield row(
                business.owners,
                id=key("wifi_token_devices", business.index, number, device),
                wifiTokenId=token,
                macAddress=f"02:00:00:00:00:{device:02x}",
            )


def wifi_token_sales(world: World) -> Iterator[Row]:
    """Give a sale for three tokens of four, booked to either account of the business."""
    for business, number, token in _tokens(world):
        if number % 4:
            yield row(
                business.owners,
                id=f"sale-of-{token}",
                businessId=business.id,
                wifiTokenId=token,
                expenseAccountId=expense_account(business, number % 2),
                soldBy=world.author(business, "sale", token),
            )


def wifi_usage_analytics(world: World) -> Iterator[Row]:
    """Figures per period, of each business and of all together."""
    for business in (None, *world.businesses):
        for number in range(PERIODS):
            yield row(
                business.owners if business else NOBODY,
                id=key("wifi_usage_analytics", business.index if business else "all", number),
                businessId=business.id if business else None,
                periodType="DAY",
                periodStart=f"2025-03-{number + 1:02} 00:00:00+02",
                system="ESP32" if number % 2 else "R710",
            )


TABLES = (
    token_configurations,
    wifi_token_devices,
    wifi_tokens,
    wifi_token_sales,
    business_token_menu_items,
    wifi_usage_analytics,
)
