"""Kinds of tables in which a row's owners come from rows that extend it, or from several tables that point at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.product.tenant_worlds import MadeRow, MadeTable, TenantWorld


def joined(world: TenantWorld) -> None:
    """One table for what several kinds have in common, each kind a table of its own with the same key.

    One kind may name its tenant; rows of the other are those tenants' whose rows point at them. What hangs on the
    common table belongs to those that the common row belongs to, of whichever kind it is.
    """
    if world.bare:
        return
    names = ["parties", "vehicles", *([] if world.users.name.endswith("people") else ["persons"])]
    common = world.make_table(world.random.choice(names))
    rows = [world.make_row(common) for _ in range(8)]
    if world.random.random() < 0.6:
        named = world.make_table(world.random.choice(("employees", "cars", "directors")))
        _extend(world, named, common)
        world.to_tenant(named, column := world.tenant_column())
        for home, row in zip(world.tenants.rows, rows, strict=False):
            row.owners |= home.owners
            each = _extension(world, named, row)
            world.point(each, column, home, world.tenant_key[0])
            each.owners = home.owners
    kind = world.make_table(world.random.choice(("contractors", "trucks", "agents")))
    _extend(world, kind, common)
    kinds = [_extension(world, kind, row) for row in rows[3:7]]
    last = kinds
    if world.random.random() < 0.4:
        further = world.make_table(world.random.choice(("brokers", "tankers", "lawyers")))
        _extend(world, further, kind)
        kind, last = further, [_extension(world, further, row) for row in kinds]
    _used(world, kind, last, world.random.choice(("contracts", "rentals", "bookings")))
    for row, each, used in zip(rows[3:7], kinds, last, strict=True):
        each.owners |= used.owners
        row.owners |= used.owners
    _hung(world, common)


def lent(world: TenantWorld) -> None:
    """Rows that one table points at once each, and another, of other tenants perhaps, as often as it likes."""
    if world.bare:
        return
    whole = world.make_table(world.random.choice(("machines", "rooms", "instruments")))
    rows = [world.make_row(whole) for _ in range(7)]
    _used(world, whole, rows[:3], world.random.choice(("fleet", "assets", "holdings")), once=True)
    _used(world, whole, rows[1:6], world.random.choice(("trips", "rentals", "bookings")))
    _hung(world, whole)


def _extend(world: TenantWorld, kind: MadeTable, common: MadeTable) -> None:
    world.refer(kind, "id", common, world.random.choice(("", "ON DELETE CASCADE")))


def _extension(world: TenantWorld, kind: MadeTable, row: MadeRow) -> MadeRow:
    made = world.make_row(kind, identity=row.values["id"])
    made.points_at.append(row)
    return made


def _used(world: TenantWorld, whole: MadeTable, rows: list[MadeRow], name: str, *, once: bool = False) -> None:
    """A table of tenants' rows that point at these."""
    using = world.make_table(name)
    world.to_tenant(using, tenant := world.tenant_column())
    world.refer(using, at := world.reference_name(whole), whole, "", nullable=world.random.random() < 0.5)
    using.unique += [(at,)] if once else []
    for number, row in enumerate(rows if once else [*rows, rows[0]]):
        home = world.tenants.rows[number % 3]
        made = world.make_row(using, owners=home.owners)
        world.point(made, tenant, home, world.tenant_key[0])
        world.point(made, at, row, "id")
        row.owners |= home.owners


def _hung(world: TenantWorld, whole: MadeTable) -> None:
    """What hangs on rows of a table."""
    below = world.make_table(f"{world.singular(whole)}_{world.random.choice(('phones', 'notes', 'photos'))}")
    world.refer(below, at := world.reference_name(whole), whole, world.random.choice(("", "ON DELETE CASCADE")))
    for row in whole.rows:
        made = world.make_row(below, owners=row.owners)
        world.point(made, at, row, "id")


def starred(world: TenantWorld) -> None:
    """What people, each of one tenant or of none, have of things: it is the thing's, whoever has it."""
    if world.bare:
        return
    people = world.make_table(world.random.choice(("users", "customers")))
    world.to_tenant(people, tenant := world.tenant_column(plain=True), nullable=True)
    for home in (*world.tenants.rows, None):
        made = world.make_row(people, owners=home.owners if home else frozenset())
        world.point(made, tenant, home, world.tenant_key[0])
    first = world.make_table(world.random.choice(("boards", "albums")))
    world.to_tenant(first, tenant := world.tenant_column())
    for home in world.tenants.rows:
        world.point(world.make_row(first, owners=home.owners), tenant, home, world.tenant_key[0])
    # something that a person has to decide about: it hangs on nothing surely
    thing = world.make_table(world.random.choice(("charts", "lists")))
    world.refer(thing, "maker", people, "")
    world.refer(thing, at := world.reference_name(first), first, "ON DELETE CASCADE", nullable=True)
    for row in first.rows:
        made = world.make_row(thing, owners=row.owners)
        world.point(made, "maker", _someone(world, people, row), "id")
        world.point(made, at, row, "id")
    stars = world.make_table(world.random.choice(("stars", "likes")))
    world.refer(stars, who := world.reference_name(people), people, "ON DELETE CASCADE")
    world.refer(stars, what := world.reference_name(thing), thing, "ON DELETE CASCADE")
    for row in thing.rows:
        made = world.make_row(stars, owners=row.owners)
        world.point(made, who, _someone(world, people, row), "id")
        world.point(made, what, row, "id")


def _someone(world: TenantWorld, people: MadeTable, row: MadeRow) -> MadeRow:
    """A person of the tenant whose a row is, or of none."""
    return world.random.choice([each for each in people.rows if each.owners <= row.owners])
