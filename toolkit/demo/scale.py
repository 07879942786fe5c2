"""How much the demo application holds: a named set of numbers.

| scale  | businesses |       rows | of them in business_stock_movements |
|--------|-----------:|-----------:|------------------------------------:|
| small  |          8 |     25,842 |                               1,200 |
| medium |         12 |    250,740 |                             106,800 |
| large  |         20 |  2,511,163 |                           1,920,000 |
"""

from __future__ import annotations

from msgspec import Struct

from toolkit.errors import InputError


class Scale(Struct, frozen=True, kw_only=True):
    """How many rows of a kind there are: per business, where nothing else is said.

    Attributes:
        businesses: how many businesses, demo ones included.
        outsiders: users who belong to no business, in all.
        persons: people who are neither users nor employees, in all.
        attendance: working days recorded per employee.
        audit_logs: per business; as many again belong to none.
        clients: rows of each table about devices, sessions and chat, in all.
    """

    name: str
    businesses: int
    users: int
    outsiders: int
    persons: int
    products: int
    customers: int
    orders: int
    stock_movements: int
    transactions: int
    employees: int
    attendance: int
    payroll_months: int
    projects: int
    vehicles: int
    trips: int
    restaurant_orders: int
    tokens: int
    print_jobs: int
    audit_logs: int
    clients: int


SCALES = {
    scale.name: scale
    for scale in (
        Scale(
            name="small",
            businesses=8,
            users=12,
            outsiders=6,
            persons=40,
            products=60,
            customers=60,
            orders=130,
            stock_movements=150,
            transactions=120,
            employees=14,
            attendance=20,
            payroll_months=6,
            projects=4,
            vehicles=4,
            trips=30,
            restaurant_orders=150,
            tokens=60,
            print_jobs=40,
            audit_logs=80,
            clients=40,
        ),
        Scale(
            name="medium",
            businesses=12,
            users=40,
            outsiders=20,
            persons=300,
            products=250,
            customers=300,
            orders=700,
            stock_movements=8900,
            transactions=600,
            employees=40,
            attendance=40,
            payroll_months=8,
            projects=10,
            vehicles=8,
            trips=120,
            restaurant_orders=600,
            tokens=240,
            print_jobs=160,
            audit_logs=400,
            clients=300,
        ),
        Scale(
            name="large",
            businesses=20,
            users=60,
            outsiders=40,
            persons=1000,
            products=800,
            customers=900,
            orders=2000,
            stock_movements=96_000,
            transactions=1500,
            employees=60,
            attendance=60,
            payroll_months=10,
            projects=20,
            vehicles=12,
            trips=300,
            restaurant_orders=1500,
            tokens=600,
            print_jobs=400,
            audit_logs=1000,
            clients=800,
        ),
    )
}


def scale_of(name: str) -> Scale:
    """Give the scale of that name; InputError for a name that is not one."""
    if name not in SCALES:
        raise InputError(f"unknown scale {name!r}", hint=f"there is {', '.join(SCALES)}")
    return SCALES[name]
