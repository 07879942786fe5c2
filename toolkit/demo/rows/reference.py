"""What all businesses share, and the numbers of receipts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from toolkit.demo.rows.core import all_users
from toolkit.demo.world import ADMIN, NOBODY, Row, World, outsider, row

PERMISSIONS = 20
RECEIPT_DAYS = 30
FIRST_DAY = date(2025, 2, 1)
EMOJI = ("😀", "🍕", "🚚", "💸", "👩‍👩‍👧", "🇿🇼", "☕", "\\N", "🧾", "✂️")


def system_settings(_: World) -> Iterator[Row]:
    """Give the settings of the whole application: one row."""
    yield row(NOBODY, id="settings", defaultIdFormatTemplateId="id-zw")


def emoji_lookup(_: World) -> Iterator[Row]:
    """Emoji with what they stand for."""
    for number, emoji in enumerate(EMOJI):
        yield row(NOBODY, id=f"emoji-{number}", emoji=emoji, description=f"line one\nline\t{number}")


def job_titles(_: World) -> Iterator[Row]:
    """Give the job titles."""
    for number, title in enumerate(("Owner", "Manager", "Cashier", "Driver", "Chef", "Cleaner")):
        yield row(NOBODY, id=f"job-{number}", title=title)


def compensation_types(_: World) -> Iterator[Row]:
    """Give the ways of being paid."""
    for number, name in enumerate(("Salary", "Hourly", "Commission", "Piece work")):
        yield row(NOBODY, id=f"compensation-{number}", name=name)


def benefit_types(_: World) -> Iterator[Row]:
    """Give the benefits."""
    for number, name in enumerate(("Medical", "Transport", "Housing", "Airtime", "Lunch")):
        yield row(NOBODY, id=f"benefit-{number}", name=name)


def id_format_templates(_: World) -> Iterator[Row]:
    """Say how identity numbers look."""
    for country in ("zw", "za", "ch"):
        yield row(NOBODY, id=f"id-{country}", pattern=r"^\d{2}-\d{6,7}-[A-Z]-\d{2}$", countryCode=country.upper())


def driver_license_templates(_: World) -> Iterator[Row]:
    """Say how the numbers of driver's licenses look."""
    for country in ("zw", "za", "ch"):
        yield row(NOBODY, id=f"license-{country}", pattern="^[0-9]+\\\\$", countryCode=country.upper())


def project_types(_: World) -> Iterator[Row]:
    """Give the kinds of projects."""
    for number, name in enumerate(("House", "Road", "Shop fitting", "Software", "Event")):
        yield row(NOBODY, id=f"project-type-{number}", name=name)


def inventory_domains(_: World) -> Iterator[Row]:
    """Give the kinds of goods."""
    for number, name in enumerate(("Food", "Tools", "Clothes", "Services")):
        yield row(NOBODY, id=f"domain-{number}", name=name)


def permission_templates(_: World) -> Iterator[Row]:
    """Sets of permissions, written by the administrator and by a user who belongs to no business."""
    for number in range(4):
        yield row(NOBODY, id=f"permission-template-{number}", createdBy=ADMIN if number else outsider(0))


def seed_data_templates(world: World) -> Iterator[Row]:
    """Give what a new business begins with; some were taken from a business, one from a demo business."""
    for number, business in enumerate(world.businesses[:4]):
        yield row(
            NOBODY,
            id=f"seed-template-{number}",
            businessType=business.type,
            version=f"1.{number}",
            createdBy=ADMIN,
            sourceBusinessId=business.id if number % 3 == 0 else None,
        )


def receipt_sequences(world: World) -> Iterator[Row]:
    """Give the last receipt of each day."""
    for business in world.businesses:
        for day in range(RECEIPT_DAYS):
            when = (FIRST_DAY + timedelta(days=day)).isoformat()
            yield row(business.owners, businessId=business.id, date=when)


def permissions(_: World) -> Iterator[Row]:
    """Give the permissions."""
    for number in range(PERMISSIONS):
        yield row(NOBODY, id=f"permission-{number}", name=f"can.do.{number}")


def user_permissions(world: World) -> Iterator[Row]:
    """Give two per user."""
    for number, (id_, owners) in enumerate(all_users(world)):
        for which in (0, 7):
            permission = f"permission-{(number + which) % PERMISSIONS}"
            yield row(owners, id=f"{id_}:{permission}", userId=id_, permissionId=permission)


TABLES = (
    permissions,
    user_permissions,
    system_settings,
    emoji_lookup,
    job_titles,
    compensation_types,
    benefit_types,
    id_format_templates,
    driver_license_templates,
    project_types,
    inventory_domains,
    permission_templates,
    seed_data_templates,
    receipt_sequences,
)
