"""Menus and table orders; only restaurants have them.

The application's menu items, orders at the table and their items name no business, so they are nobody's.
"""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.demo.rows.products import product, variant
from toolkit.demo.world import NOBODY, Business, Row, World, key, row

MENU_ITEMS = 20
COMBOS = 5
PROMOTIONS = 6


def _restaurants(world: World) -> list[Business]:
    return [business for business in world.businesses if business.restaurant]


def _menu_item(business: Business, number: int) -> str:
    return key("menu_items", business.index, number)


def _combo(business: Business, number: int) -> str:
    return key("menu_combos", business.index, number)


def _order(business: Business, number: int) -> str:
    return key("orders", business.index, number)


def menu_items(world: World) -> Iterator[Row]:
    """Give a few that any menu may have, then those of each restaurant."""
    for number in range(3):
        yield row(NOBODY, id=f"menu-item-common-{number}")
    for business in _restaurants(world):
        for number in range(MENU_ITEMS):
            yield row(NOBODY, id=_menu_item(business, number))


def menu_combos(world: World) -> Iterator[Row]:
    """Give some per restaurant."""
    for business in _restaurants(world):
        for number in range(COMBOS):
            yield row(business.owners, id=_combo(business, number), businessId=business.id)


def menu_combo_items(world: World) -> Iterator[Row]:
    """Give three products per combo."""
    for business in _restaurants(world):
        for number in range(COMBOS):
            for item in range(3):
                chosen = (number * 3 + item) % world.scale.products
                yield row(
                    business.owners,
                    id=key("menu_combo_items", business.index, number, item),
                    comboId=_combo(business, number),
                    productId=product(business, chosen),
                    variantId=variant(business, chosen) if item else None,
                )


def menu_promotions(world: World) -> Iterator[Row]:
    """Give only restaurants that came later have them."""
    for business in _restaurants(world):
        for number in range(PROMOTIONS if business.later else 0):
            yield row(business.owners, id=key("menu_promotions", business.index, number), businessId=business.id)


def orders(world: World) -> Iterator[Row]:
    """Orders at the table; their numbers are unique over all restaurants."""
    for business in _restaurants(world):
        for number in range(world.scale.restaurant_orders):
            id_ = _order(business, number)
            yield row(
                NOBODY,
                id=id_,
                orderNumber=f"{business.prefix}/{number + 1:06}",
                createdBy=world.author(business, id_) if number % 6 else None,
            )


def order_items(world: World) -> Iterator[Row]:
    """Give one to three per order, and one that lost its order."""
    yield row(NOBODY, id="order-item-of-nobody", orderId=None, menuItemId="menu-item-common-0")
    for business in _restaurants(world):
        for number in range(world.scale.restaurant_orders):
            order = _order(business, number)
            for item in range(1 + world.draw("items", order) % 3):
                id_ = key("order_items", business.index, number, item)
                chosen = world.draw("menu", id_) % (MENU_ITEMS + 2)
                known = _menu_item(business, chosen) if chosen < MENU_ITEMS else "menu-item-common-1"
                yield row(NOBODY, id=id_, orderId=order, menuItemId=known if chosen % 7 else None)


TABLES = (menu_items, menu_combos, menu_combo_items, menu_promotions, orders, order_items)
