"""Persons, loans, reports, access lists and the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from toolkit.demo.rows.barcodes import NODES, node
from toolkit.demo.rows.devices import registered
from toolkit.demo.rows.personal import expense
from toolkit.demo.rows.wifi_r710 import wlan
from toolkit.demo.world import ADMIN, NOBODY, Business, Owners, Row, World, key, outsider, person, row, user

REPORTS = 8
ADS = 4
ACL = 10
CONFLICTS = 6
SNAPSHOTS = 4
LOAN_TRANSACTIONS = 5


class Loan(NamedTuple):
    """A loan: from a business or a user, to a business or a person."""

    number: str
    lender: Business | None
    borrower: Business | None

    @property
    def id(self) -> str:
        """Its id."""
        return f"loan-{self.number.lower()}"

    @property
    def owners(self) -> Owners:
        """The businesses among the two parties."""
        return NOBODY.union(*(party.owners for party in (self.lender, self.borrower) if party))


def _loans(world: World) -> Iterator[Loan]:
    first = world.businesses[0]
    yield Loan("L-PRIVATE", None, None)
    demo = next((business for business in world.businesses if business.demo), None)
    if demo:
        yield Loan("L-DEMO", first, demo)
    for business in world.businesses:
        yield Loan(f"L-{business.prefix}-0", world.earlier(business, "loan", business.index), business)
        yield Loan(f"L-{business.prefix}-1", business, None)
        yield Loan(f"L-{business.prefix}-2", None, business)


def persons(world: World) -> Iterator[Row]:
    """People; nobody points at the second half of them."""
    for number in range(world.scale.persons):
        yield row(
            NOBODY,
            id=person(number),
            email=f"person.{number}@example.org" if number % 3 else None,
            nationalId=f"70-{number:06}-P-00" if number % 4 else None,
            createdBy=ADMIN if number % 2 else None,
            driverLicenseTemplateId="license-za" if number % 5 == 0 else None,
            idFormatTemplateId="id-za" if number % 3 == 0 else None,
        )


def inter_business_loans(world: World) -> Iterator[Row]:
    """Give a private loan, one from a real to a demo business, and some per business."""
    for number, loan in enumerate(_loans(world)):
        yield row(
            loan.owners,
            id=loan.id,
            loanNumber=loan.number,
            lenderBusinessId=loan.lender.id if loan.lender else None,
            lenderUserId=None if loan.lender else outsider(number % world.scale.outsiders),
            borrowerBusinessId=loan.borrower.id if loan.borrower else None,
            borrowerPersonId=None if loan.borrower else person(number % (world.scale.persons // 2)),
            createdBy=world.author(loan.borrower or world.businesses[0], "loan", loan.number),
        )


def loan_transactions(world: World) -> Iterator[Row]:
    """Give some per loan."""
    for loan in _loans(world):
        party = loan.borrower or loan.lender or world.businesses[0]
        for number in range(LOAN_TRANSACTIONS):
            yield row(
                loan.owners,
                id=f"{loan.id}-{number}",
                loanId=loan.id,
                createdBy=world.author(party, loan.id, number),
                personalExpenseId=expense(party, 0, 0) if number % 3 == 2 else None,
            )


def saved_reports(world: World) -> Iterator[Row]:
    """Give some per business."""
    for business in world.businesses:
        for number in range(REPORTS):
            yield row(
                business.owners,
                id=key("saved_reports", business.index, number),
                businessId=business.id,
                reportType="END_OF_DAY" if number % 2 else "END_OF_WEEK",
                reportDate=f"2025-04-{number + 1:02}",
                managerUserId=user(business, 0) if number % 3 else None,
            )


def customer_display_ads(world: World) -> Iterator[Row]:
    """Give some per business."""
    for business in world.businesses:
        for number in range(ADS):
            yield row(business.owners, id=key("customer_display_ads", business.index, number), businessId=business.id)


def mac_acl_entries(world: World) -> Iterator[Row]:
    """Give which devices may connect: everywhere, and to each business; some name a device this database has seen."""
    for business in (None, *world.businesses):
        for number in range(ACL):
            mac, device = registered(number)
            owner = business or world.businesses[0]
            yield row(
                business.owners if business else NOBODY,
                id=key("mac_acl_entries", business.index if business else "all", number),
                macAddress=mac,
                system="R710" if number % 3 == 0 else "ESP32",
                businessId=business.id if business else None,
                listType="BLACKLIST" if number % 2 else "WHITELIST",
                deviceId=device if number % 3 else None,
                r710WlanId=wlan(business) if business and number % 3 == 0 else None,
                createdBy=world.author(owner, "acl", owner.index, number),
                approvedBy=ADMIN if number % 4 == 0 else None,
            )


def audit_logs(world: World) -> Iterator[Row]:
    """Say who did what. A log names no business, and outlives the user whom it names."""
    for business in (None, *world.businesses):
        for number in range(world.scale.audit_logs):
            id_ = key("audit_logs", business.index if business else "none", number)
            actor = world.author(business, id_) if business else outsider(number % world.scale.outsiders)
            yield row(NOBODY, id=id_, userId=actor if number % 6 else None)


def conflict_resolutions(world: World) -> Iterator[Row]:
    """Say how conflicting edits were settled; they name no business."""
    for number in range(CONFLICTS * (len(world.businesses) + 1)):
        yield row(NOBODY, id=key("conflict_resolutions", number))


def data_snapshots(world: World) -> Iterator[Row]:
    """Give what was counted before a sync; they name no business."""
    for number in range(SNAPSHOTS * (len(world.businesses) + 1)):
        yield row(NOBODY, id=key("data_snapshots", number), nodeId=node(number % NODES))


TABLES = (
    mac_acl_entries,
    persons,
    inter_business_loans,
    loan_transactions,
    saved_reports,
    customer_display_ads,
    audit_logs,
    conflict_resolutions,
    data_snapshots,
)
