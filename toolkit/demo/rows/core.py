"""Users, businesses and what a business begins with."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.demo.world import (
    ADMIN,
    NOBODY,
    Business,
    Owners,
    Row,
    World,
    key,
    outsider,
    row,
    user,
)

ROLES = ("user", "employee", "manager", "admin")
LOCATIONS = 5
BRANDS = 6
CATEGORIES = 8
COMMON_CATEGORIES = 5


def location(business: Business, number: int) -> str:
    """Give the id of a location of a business."""
    return key("business_locations", business.index, number)


def brand(business: Business, number: int) -> str:
    """Give the id of a brand of a business."""
    return key("business_brands", business.index, number)


def category(business: Business, number: int) -> str:
    """Give the id of a product category of a business."""
    return key("business_categories", business.index, number)


def common_category(number: int) -> str:
    """Give the id of a product category that belongs to no business."""
    return f"category-common-{number}"


def expense_account(business: Business, number: int) -> str:
    """Give the id of one of the two expense accounts of a business."""
    return key("expense_accounts", business.index, number)


def all_users(world: World) -> Iterator[tuple[str, Owners]]:
    """Give every user's id with the user's businesses."""
    yield ADMIN, world.everyone
    for number in range(world.scale.outsiders):
        yield outsider(number), NOBODY
    for business in world.businesses:
        for number in range(world.scale.users):
            yield user(business, number), world.user_owners(business, number)


def users(world: World) -> Iterator[Row]:
    """Give the administrator, the outsiders, and the users of each business."""
    for number, (id_, owners) in enumerate(all_users(world)):
        username = None if number % 7 == 5 else f"user.{id_}"
        yield row(owners, id=id_, email=f"{id_}@example.com", username=username, role=world.pick(ROLES, "role", id_))


def accounts(world: World) -> Iterator[Row]:
    """Give a sign-in account for two users of three."""
    for number, (id_, owners) in enumerate(all_users(world)):
        if number % 3:
            yield row(owners, id=f"account-{id_}", userId=id_, provider="credentials", providerAccountId=id_)


def businesses(world: World) -> Iterator[Row]:
    """Give the tenants."""
    for business in world.businesses:
        umbrella = world.umbrella(business)
        yield row(
            business.owners,
            id=business.id,
            name=business.name,
            type=business.type,
            isDemo=business.demo,
            isActive=business.index % 6 != 4,
            umbrellaBusinessId=umbrella.id if umbrella else None,
        )


def business_memberships(world: World) -> Iterator[Row]:
    """Give every home user, the users from elsewhere, and the administrator everywhere."""
    for home in world.businesses:
        yield row(
            home.owners,
            id=key("business_memberships", home.index, "admin"),
            businessId=home.id,
            userId=ADMIN,
            templateId=None,
        )
        for number in range(world.scale.users):
            for place in world.memberships(home, number):
                yield row(
                    place.owners,
                    id=key("business_memberships", place.index, home.index, number),
                    businessId=place.id,
                    userId=user(home, number),
                    templateId=f"permission-template-{number % 4}" if number % 3 else None,
                )


def business_accounts(world: World) -> Iterator[Row]:
    """Give one per business."""
    for business in world.businesses:
        id_ = key("business_accounts", business.index)
        yield row(business.owners, id=id_, businessId=business.id, createdBy=world.author(business, id_))


def business_locations(world: World) -> Iterator[Row]:
    """Give a small tree of locations per business, parents first."""
    for business in world.businesses:
        for number in range(LOCATIONS):
            yield row(
                business.owners,
                id=location(business, number),
                businessId=business.id,
                parentLocationId=location(business, (number - 1) // 2) if number else None,
                locationCode=f"{business.prefix}-L{number}",
            )


def business_brands(world: World) -> Iterator[Row]:
    """Give some brands per business; the same names in every one."""
    for business in world.businesses:
        for number in range(BRANDS):
            yield row(
                business.owners, id=brand(business, number), businessId=business.id, name=f"Brand {number + 1} \\ Co."
            )


def business_categories(world: World) -> Iterator[Row]:
    """Categories of no business, then a tree per business; one of its branches hangs below a common category."""
    for number in range(COMMON_CATEGORIES):
        yield row(
            NOBODY,
            id=common_category(number),
            businessId=None,
            businessType="universal",
            name=f"Common {number + 1}",
            domainId=f"domain-{number % 4}",
            parentId=common_category((number - 1) // 2) if number else None,
            createdBy=ADMIN if number % 2 else None,
        )
    for business in world.businesses:
        for number in range(CATEGORIES):
            parent = category(business, (number - 2) // 2) if number > 1 else common_category(business.index % 5)
            yield row(
                business.owners,
                id=category(business, number),
                businessId=business.id,
                businessType=business.type,
                name=f"{business.prefix} category {number + 1}",
                domainId=f"domain-{number % 4}" if number % 3 else None,
                parentId=parent if number else None,
                createdBy=world.author(business, "category", number, business.index),
            )


def portal_integrations(world: World) -> Iterator[Row]:
    """Give one per business; its sales are booked to the first expense account."""
    for business in world.businesses:
        id_ = key("portal_integrations", business.index)
        yield row(
            business.owners,
            id=id_,
            businessId=business.id,
            createdBy=world.author(business, id_),
            expenseAccountId=expense_account(business, 0),
        )


TABLES = (
    users,
    accounts,
    businesses,
    business_memberships,
    business_accounts,
    business_locations,
    business_brands,
    business_categories,
    portal_integrations,
)
