"""Payroll: periods, entries and the accounts they are paid from."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.demo.rows.staff import BENEFIT_TYPES, each_employee
from toolkit.demo.world import ADMIN, NOBODY, Business, Row, World, employee, key, row

COMMON_ACCOUNT = "payroll-account-head-office"
ENTRIES_WITHOUT_PERIOD = 3


def _account(business: Business) -> str:
    return key("payroll_accounts", business.index)


def _periods(world: World) -> Iterator[tuple[Business, int, str]]:
    for business in world.businesses:
        for number in range(world.scale.payroll_months):
            yield business, number, key("payroll_periods", business.index, number)


def _entries(world: World) -> Iterator[tuple[Business, str, str | None, str]]:
    """Business, entry, period and employee; every fourth month an employee of an earlier business is paid too."""
    for business, number, period in _periods(world):
        for worker in range(world.scale.employees):
            entry = key("payroll_entries", business.index, number, worker)
            yield business, entry, period, employee(business, worker)
        guest = world.earlier(business, "guest", period)
        if guest and number % 4 == 1:
            yield business, key("payroll_entries", business.index, number, "guest"), period, employee(guest, 2)


def payroll_accounts(world: World) -> Iterator[Row]:
    """Give one of no business, and one per business."""
    yield row(NOBODY, id=COMMON_ACCOUNT, accountNumber="PAY-0000", businessId=None, createdBy=ADMIN)
    for business in world.businesses:
        yield row(
            business.owners,
            id=_account(business),
            accountNumber=f"PAY-{business.prefix}",
            businessId=business.id,
            createdBy=world.author(business, "payroll_accounts", business.index),
        )


def payroll_periods(world: World) -> Iterator[Row]:
    """Month by month."""
    for business, number, id_ in _periods(world):
        author = world.author(business, id_)
        yield row(
            business.owners,
            id=id_,
            businessId=business.id,
            year=2025 + number // 12,
            month=1 + number % 12,
            createdBy=author if number % 2 else None,
            approvedBy=author if number % 3 else None,
        )


def payroll_entries(world: World) -> Iterator[Row]:
    """Give one per employee and period, and drafts that are in no period yet and so belong to nobody."""
    for number in range(ENTRIES_WITHOUT_PERIOD):
        head = employee(world.businesses[0], number)
        yield row(NOBODY, id=f"entry-draft-{number}", payrollPeriodId=None, employeeId=head, processedBy=None)
    for business, id_, period, worker in _entries(world):
        left = world.one_in(40, "left", id_)
        yield row(
            business.owners,
            id=id_,
            payrollPeriodId=period,
            employeeId=None if left else worker,
            processedBy=world.author(business, id_),
        )


def payroll_entry_benefits(world: World) -> Iterator[Row]:
    """Give one for every entry of two."""
    for business, entry, _, _ in _entries(world):
        number = world.draw("benefit", entry)
        if number % 2:
            yield row(
                business.owners,
                id=f"benefit-of-{entry}",
                payrollEntryId=entry,
                benefitTypeId=f"benefit-{number // 2 % BENEFIT_TYPES}",
            )


def payroll_adjustments(world: World) -> Iterator[Row]:
    """Now and then one per entry; one belongs to none."""
    yield row(NOBODY, id="adjustment-of-nothing", payrollEntryId=None, createdBy=ADMIN, approvedBy=None)
    for business, entry, _, _ in _entries(world):
        if world.one_in(5, "adjusted", entry):
            author = world.author(business, "adjustment", entry)
            yield row(
                business.owners,
                id=f"adjustment-of-{entry}",
                payrollEntryId=entry,
                createdBy=author,
                approvedBy=author if world.one_in(2, "approved", entry) else None,
            )


def payroll_exports(world: World) -> Iterator[Row]:
    """Give one per period of two."""
    for business, number, period in _periods(world):
        if number % 2 == 0:
            yield row(
                business.owners,
                id=f"export-of-{period}",
                businessId=business.id,
                payrollPeriodId=period,
                exportedBy=world.author(business, "export", period),
            )


def payroll_account_deposits(world: World) -> Iterator[Row]:
    """Give one per period, every third into the common account."""
    for business, number, period in _periods(world):
        yield row(
            business.owners,
            id=f"deposit-for-{period}",
            businessId=business.id,
            payrollAccountId=COMMON_ACCOUNT if number % 3 == 2 else _account(business),
            createdBy=world.author(business, "deposit", period),
        )


def payroll_account_payments(world: World) -> Iterator[Row]:
    """Give two per employee: from the account of the primary business, and from the common one."""
    for business, number, worker, owners in each_employee(world):
        for account in (_account(business), COMMON_ACCOUNT):
            id_ = key("payroll_account_payments", business.index, number, account)
            yield row(
                owners,
                id=id_,
                payrollAccountId=account,
                employeeId=worker,
                createdBy=world.author(business, id_),
            )


TABLES = (
    payroll_accounts,
    payroll_periods,
    payroll_entries,
    payroll_entry_benefits,
    payroll_exports,
    payroll_adjustments,
    payroll_account_deposits,
    payroll_account_payments,
)
