"""Customers, orders, the cash book and lay-bys."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.demo.rows.barcodes import order
from toolkit.demo.rows.products import variant
from toolkit.demo.world import Business, Row, World, employee, key, row

LAYBYS = 20
LAYBY_PAYMENTS = 3


def customer(business: Business, number: int) -> str:
    """Give the id of a customer of a business."""
    return key("business_customers", business.index, number)


def business_customers(world: World) -> Iterator[Row]:
    """Give the customers; their numbers are unique per business only."""
    for business in world.businesses:
        for number in range(world.scale.customers):
            yield row(
                business.owners,
                id=customer(business, number),
                businessId=business.id,
                customerNumber=f"C-{number + 1:05}",
            )


def business_orders(world: World) -> Iterator[Row]:
    """Give the orders, some without a customer, some served by an employee of another business."""
    for business in world.businesses:
        for number in range(world.scale.orders):
            id_ = order(business, number)
            server = (world.earlier(business, "server", id_) if number % 25 == 7 else None) or business
            yield row(
                business.owners,
                id=id_,
                businessId=business.id,
                orderNumber=f"ORD-{number + 1:06}",
                customerId=customer(business, world.draw("customer", id_) % world.scale.customers)
                if number % 4
                else None,
                employeeId=employee(server, number % world.scale.employees) if number % 3 else None,
            )


def business_order_items(world: World) -> Iterator[Row]:
    """Give one to four per order."""
    for business in world.businesses:
        for number in range(world.scale.orders):
            parent = order(business, number)
            for item in range(1 + world.draw("items", parent) % 4):
                id_ = key("business_order_items", business.index, number, item)
                chosen = world.draw("variant", id_) % world.scale.products
                yield row(
                    business.owners,
                    id=id_,
                    orderId=parent,
                    productVariantId=variant(business, chosen) if chosen % 8 else None,
                    quantity=1 + chosen % 5,
                )


def business_transactions(world: World) -> Iterator[Row]:
    """Give the cash book."""
    for business in world.businesses:
        for number in range(world.scale.transactions):
            id_ = key("business_transactions", business.index, number)
            yield row(
                business.owners,
                id=id_,
                businessId=business.id,
                createdBy=world.author(business, id_),
            )


def _laybys(world: World) -> Iterator[tuple[Business, int, str]]:
    for business in world.businesses:
        if business.later:
            for number in range(LAYBYS):
                yield business, number, key("customer_laybys", business.index, number)


def customer_laybys(world: World) -> Iterator[Row]:
    """Lay-bys: only businesses that came later have them."""
    for business, number, id_ in _laybys(world):
        yield row(
            business.owners,
            id=id_,
            businessId=business.id,
            laybyNumber=f"LAY-{business.prefix}-{number:04}",
            customerId=customer(business, number) if number % 5 else None,
            createdBy=world.author(business, id_),
            status=world.pick(("ACTIVE", "COMPLETED", "CANCELLED"), "status", id_),
        )


def customer_layby_payments(world: World) -> Iterator[Row]:
    """Payments; every third lay-by's last payment refunds the first."""
    for business, number, layby in _laybys(world):
        for payment in range(LAYBY_PAYMENTS):
            id_ = key("customer_layby_payments", business.index, number, payment)
            refund = number % 3 == 0 and payment == LAYBY_PAYMENTS - 1
            yield row(
                business.owners,
                id=id_,
                laybyId=layby,
                receiptNumber=f"REC-{business.prefix}-{number:04}-{payment}",
                processedBy=world.author(business, id_),
                refundedPaymentId=key("customer_layby_payments", business.index, number, 0) if refund else None,
            )


TABLES = (
    business_customers,
    business_orders,
    business_order_items,
    business_transactions,
    customer_laybys,
    customer_layby_payments,
)
