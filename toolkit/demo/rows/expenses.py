"""Expense accounts and the kinds of expenses."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.demo.rows.core import expense_account
from toolkit.demo.world import ADMIN, NOBODY, Business, Owners, Row, World, employee, key, person, row, user

DOMAINS = 4
CATEGORIES = 12
HEAD_OFFICE = ("expense-account-head-office", "expense-account-reserve")
DEPOSITS = 15
PAYMENTS = 25


def account_for_device_sales(world: World, business: Business) -> str:
    """Give the account that takes the sales of R710 tokens: the umbrella's, where there is one."""
    return expense_account(world.umbrella(business) or business, 0)


def account_owners(world: World, business: Business, number: int) -> Owners:
    """Say whose an account is: its business's, and of the first account also those that book sales to it."""
    if number:
        return business.owners
    return business.owners.union(*(each.owners for each in world.under(business)))


def expense_accounts(world: World) -> Iterator[Row]:
    """Give two that nobody books sales to, and two per business."""
    for number, id_ in enumerate(HEAD_OFFICE):
        yield row(NOBODY, id=id_, accountNumber=f"ACC-{number:04}", createdBy=ADMIN)
    for business in world.businesses:
        for number in range(2):
            yield row(
                account_owners(world, business, number),
                id=expense_account(business, number),
                accountNumber=f"ACC-{business.prefix}-{number}",
                createdBy=world.author(business, "expense_accounts", business.index, number),
            )


def expense_account_deposits(world: World) -> Iterator[Row]:
    """Into each account, now and then from another business; into the head office's, from businesses or nowhere."""
    for number, account in enumerate(HEAD_OFFICE):
        for business in world.businesses[:3]:
            source = business if number == 0 else None
            yield row(
                source.owners if source else NOBODY,
                id=key("expense_account_deposits", account, business.index),
                expenseAccountId=account,
                sourceBusinessId=source.id if source else None,
                createdBy=ADMIN,
            )
    for business in world.businesses:
        for number in range(DEPOSITS):
            id_ = key("expense_account_deposits", business.index, number)
            source = world.earlier(business, "source", id_) if number % 6 == 5 else business
            if number % 4 == 3:
                source = None
            owners = account_owners(world, business, number % 2)
            yield row(
                owners | source.owners if source else owners,
                id=id_,
                expenseAccountId=expense_account(business, number % 2),
                sourceBusinessId=source.id if source else None,
                createdBy=world.author(business, id_),
            )


def _payee(world: World, business: Business, id_: str, number: int) -> tuple[dict[str, str | None], Owners]:
    payee: dict[str, str | None] = dict.fromkeys(("payeeBusinessId", "payeeEmployeeId", "payeePersonId", "payeeUserId"))
    kind = number % 5
    if kind == 0:
        paid = world.earlier(business, "payee", id_) or business
        return payee | {"payeeBusinessId": paid.id}, paid.owners
    if kind == 1:
        payee["payeeEmployeeId"] = employee(business, number % world.scale.employees)
    elif kind == 2:
        payee["payeePersonId"] = person(number % (world.scale.persons // 2))
    elif kind == 3:
        payee["payeeUserId"] = user(business, number % world.scale.users)
    return payee, NOBODY


def expense_account_payments(world: World) -> Iterator[Row]:
    """Out of each account, to a business, an employee, a person, a user or somebody unnamed."""
    for business in world.businesses:
        for number in range(PAYMENTS):
            id_ = key("expense_account_payments", business.index, number)
            payee, owners = _payee(world, business, id_, number)
            yield row(
                owners | account_owners(world, business, number % 2),
                id=id_,
                expenseAccountId=expense_account(business, number % 2),
                categoryId=f"expense-category-{number % CATEGORIES}",
                subcategoryId=f"expense-subcategory-{number % CATEGORIES}" if number % 2 else None,
                createdBy=world.author(business, id_),
                submittedBy=user(business, 1) if number % 3 else None,
                **payee,
            )


def expense_domains(_: World) -> Iterator[Row]:
    """Give the kinds of kinds."""
    for number in range(DOMAINS):
        yield row(NOBODY, id=f"expense-domain-{number}", name=f"Domain {number + 1} 💸")


def expense_categories(world: World) -> Iterator[Row]:
    """Shared by all; one was added by a user of a business, two are in no domain."""
    for number in range(CATEGORIES):
        yield row(
            NOBODY,
            id=f"expense-category-{number}",
            name=f"Expense category {number + 1}",
            domainId=f"expense-domain-{number % DOMAINS}" if number < CATEGORIES - 2 else None,
            createdBy=user(world.businesses[0], 2) if number == 3 else None,
        )


def expense_subcategories(_: World) -> Iterator[Row]:
    """Give one per category."""
    for number in range(CATEGORIES):
        yield row(
            NOBODY,
            id=f"expense-subcategory-{number}",
            categoryId=f"expense-category-{number}",
            name="General",
            createdBy=None,
        )


TABLES = (
    expense_accounts,
    expense_account_deposits,
    expense_account_payments,
    expense_domains,
    expense_categories,
    expense_subcategories,
)
