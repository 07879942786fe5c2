"""Personal finance: what users keep for themselves."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.demo.rows.core import all_users
from toolkit.demo.world import NOBODY, Business, Owners, Row, World, key, outsider, row, user

EXPENSE_CATEGORIES = 12


def expense(business: Business, number: int, which: int) -> str:
    """Give the id of one of the two personal expenses of a user of a business."""
    return key("personal_expenses", business.index, number, which)


def fund_sources(world: World) -> Iterator[Row]:
    """Give one per user, and one of nobody."""
    yield row(NOBODY, id="fund-of-nobody", userId=None)
    for id_, owners in all_users(world):
        yield row(owners, id=f"fund-of-{id_}", userId=id_)


def personal_budgets(world: World) -> Iterator[Row]:
    """Give one per user of two, and one of nobody."""
    yield row(NOBODY, id="budget-of-nobody", userId=None)
    for number, (id_, owners) in enumerate(all_users(world)):
        if number % 2:
            yield row(owners, id=f"budget-of-{id_}", userId=id_)


def _expenses(world: World) -> Iterator[tuple[str, str | None, Owners]]:
    yield "personal-expense-of-nobody", None, NOBODY
    for number in range(world.scale.outsiders):
        yield f"personal-expense-of-outsider-{number}", outsider(number), NOBODY
    for business in world.businesses:
        for number in range(world.scale.users):
            for which in range(2):
                yield (
                    expense(business, number, which),
                    user(business, number),
                    world.user_owners(business, number),
                )


def personal_expenses(world: World) -> Iterator[Row]:
    """Give two per user of a business, one per outsider, one of nobody."""
    for id_, spender, owners in _expenses(world):
        category = world.draw("category", id_) % (EXPENSE_CATEGORIES + 3)
        known = category < EXPENSE_CATEGORIES
        yield row(
            owners,
            id=id_,
            userId=spender,
            categoryId=f"expense-category-{category}" if known else None,
            subcategoryId=f"expense-subcategory-{category}" if known and category % 2 else None,
        )


TABLES = (fund_sources, personal_budgets, personal_expenses)
