"""Who is who in the demo application: businesses, users and employees, worked out from numbers alone.

Nothing is remembered between rows. A key is a function of what it names (`users`, business 3, number 7), so a child can
name its parent without anything being kept in memory, and keys do not depend on the seed. Everything else is drawn: a
draw is a hash of the seed and of what the draw is for, so adding a column or a business moves no other value.

Links between businesses lead to earlier ones (a smaller index) wherever there is a choice. That way the application
with five businesses is the one with nine at an earlier time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple, TypeVar

from toolkit.demo.scale import Scale

LATER = 5
"""Businesses from this index on use features that the application did not have before them (lay-bys, promotions)."""

T = TypeVar("T")
Values = dict[str, object]
Owners = frozenset[str]
NOBODY: Owners = frozenset()


class Row(NamedTuple):
    """One row: the values the generator cares about, by column, and the ids of the businesses it was made for."""

    values: Values
    owners: Owners


def row(owners: Owners, /, **values: object) -> Row:
    """Give a row made for `owners`."""
    return Row(values, owners)


def key(table: str, *path: object) -> str:
    """Give the id of a row, in the form of a UUID; the same for every seed."""
    digest = blake2b(f"{table}/{path}".encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """A business: `index` counts from 0, `umbrella` is the index of the one it belongs to, `prefix` begins its SKUs."""

    index: int
    id: str
    name: str
    type: str
    prefix: str
    demo: bool = False
    umbrella: int | None = None
    owners: Owners = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "owners", frozenset({self.id}))

    @property
    def restaurant(self) -> bool:
        """Whether it has a menu."""
        return self.type == "restaurant"

    @property
    def later(self) -> bool:
        """Whether it has the features that came later."""
        return self.index >= LATER


_FIRST = (
    ("blaze-hardware", "Blaze Hardware & Sons", "hardware", "BLZ", False, None),
    ("umoja-grill", "Umoja Grill", "restaurant", "UMJ", False, 0),
    ("green-valley", 'Green Valley "Fresh" Grocery', "grocery", "GRV", False, 0),
    ("demo-cafe", "Demo Café ☕", "restaurant", "DMC", True, 0),
    ("city-style", "City Style\tClothing", "clothing", "CTY", False, 2),
    ("stonebridge", "Stonebridge Construction", "construction", "STN", False, None),
    ("demo-hardware", "Demo Hardware", "hardware", "DMH", True, None),
    ("nyasha-kitchen", "Nyasha's Kitchen", "restaurant", "NYA", False, 5),
)
_TYPES = ("grocery", "restaurant", "clothing", "hardware", "construction", "services")


def _business(index: int) -> Business:
    if index < len(_FIRST):
        slug, name, kind, prefix, demo, umbrella = _FIRST[index]
        return Business(
            index=index, id=f"biz-{slug}", name=name, type=kind, prefix=prefix, demo=demo, umbrella=umbrella
        )
    return Business(
        index=index,
        id=f"biz-branch-{index + 1}",
        name=f"Branch No. {index + 1}",
        type=_TYPES[index % len(_TYPES)],
        prefix=f"B{index + 1:02d}",
        demo=index % 10 == 9,
        umbrella=index - 1 if index % 3 == 0 else None,
    )


@dataclass(frozen=True, slots=True)
class World:
    """All there is to know before the first row is made.

    Attributes:
        businesses: in order of their index.
    """

    scale: Scale
    seed: int
    businesses: tuple[Business, ...]

    def draw(self, *purpose: object) -> int:
        """Give a number of 64 bits for a purpose."""
        return int.from_bytes(blake2b(f"{self.seed}/{purpose}".encode(), digest_size=8).digest())

    def pick(self, options: Sequence[T], *purpose: object) -> T:
        """Give one of the options."""
        return options[self.draw(*purpose) % len(options)]

    def one_in(self, times: int, *purpose: object) -> bool:
        """True once in so many times."""
        return self.draw(*purpose) % times == 0

    def earlier(self, business: Business, *purpose: object) -> Business | None:
        """Give a business with a smaller index, or None for the first one."""
        return self.businesses[self.draw(*purpose) % business.index] if business.index else None

    def umbrella(self, business: Business) -> Business | None:
        """Give the business that another one belongs to."""
        return None if business.umbrella is None else self.businesses[business.umbrella]

    def under(self, business: Business) -> list[Business]:
        """Give the businesses that belong directly to one."""
        return [each for each in self.businesses if each.umbrella == business.index]

    def author(self, business: Business, *purpose: object) -> str:
        """Give the user who made a row of a business: one of its own mostly, now and then a stranger to it."""
        number = self.draw("author", *purpose)
        if number % 9:
            return user(business, number // 9 % self.scale.users)
        home = self.earlier(business, "stranger", *purpose)
        return user(home, 1) if home else outsider(number // 9 % self.scale.outsiders)

    def workplaces(self, business: Business, number: int) -> list[Business]:
        """Say where an employee works: the primary business first; every sixth helps in an earlier one too."""
        other = self.earlier(business, "workplace", business.index, number) if number % 6 == 1 else None
        return [business, other] if other else [business]

    def employee_owners(self, business: Business, number: int) -> Owners:
        """Give the businesses an employee belongs to."""
        return frozenset(place.id for place in self.workplaces(business, number))

    def memberships(self, business: Business, number: int) -> list[Business]:
        """Give the businesses a user is a member of: the home business, and for every fourth user an earlier one."""
        other = self.earlier(business, "membership", business.index, number) if number % 4 == 2 else None
        return [business, other] if other else [business]

    def has_login(self, number: int) -> bool:
        """Say whether the employee of that number is also the user of the same number in the same business."""
        return number % 2 == 1 and number < self.scale.users

    def user_owners(self, business: Business, number: int) -> Owners:
        """Give the businesses a user belongs to, as a member or as an employee."""
        owners = frozenset(place.id for place in self.memberships(business, number))
        employed = self.has_login(number) and number < self.scale.employees
        return owners | self.employee_owners(business, number) if employed else owners

    @property
    def everyone(self) -> Owners:
        """All businesses."""
        return frozenset(business.id for business in self.businesses)


def world(scale: Scale, *, seed: int = 1, businesses: int | None = None) -> World:
    """Give the demo application at a scale, optionally with another number of businesses."""
    count = scale.businesses if businesses is None else businesses
    return World(scale, seed, tuple(_business(index) for index in range(count)))


ADMIN = "user-admin"
"""The user who is a member of every business."""


def user(business: Business, number: int) -> str:
    """Give the id of a user whose home is a business."""
    return key("users", business.index, number)


def outsider(number: int) -> str:
    """Give the id of a user who belongs to no business."""
    return f"user-outsider-{number}"


def employee(business: Business, number: int) -> str:
    """Give the id of an employee whose primary business is a business."""
    return key("employees", business.index, number)


def person(number: int) -> str:
    """Give the id of a person."""
    return key("persons", number)
