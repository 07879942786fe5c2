"""Printers, barcode templates and print jobs."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.demo.world import NOBODY, Business, Row, World, key, row, user

PRINTERS = 5
NODES = 4
TEMPLATES = 4
INVENTORY_ITEMS = 10
STATUSES = ("QUEUED", "PRINTING", "COMPLETED", "FAILED")


def node(number: int) -> str:
    """Give the node id of a device that takes part in sync; number 0 is the one this database is on."""
    return f"node-{number + 1:02}"


def printer(number: int) -> str:
    """Give the id of a printer."""
    return f"printer-{number}"


def template(business: Business, number: int) -> str:
    """Give the id of a barcode template of a business."""
    return key("barcode_templates", business.index, number)


def print_job_for_prices(business: Business) -> str:
    """Give the id of the job that printed the changed prices of a business."""
    return key("barcode_print_jobs", business.index, 0)


def order(business: Business, number: int) -> str:
    """Give the id of an order of a business."""
    return key("business_orders", business.index, number)


def network_printers(world: World) -> Iterator[Row]:
    """Give the printers, each at a node."""
    for number in range(PRINTERS):
        yield row(NOBODY, id=printer(number), printerId=f"PRN-{number + 1:03}", nodeId=node(number % 3))


def barcode_templates(world: World) -> Iterator[Row]:
    """Give a few per business."""
    for business in world.businesses:
        for number in range(TEMPLATES):
            id_ = template(business, number)
            yield row(
                business.owners,
                id=id_,
                businessId=business.id,
                createdById=world.author(business, id_),
                barcodeValue=f"{business.prefix}*{number}",
            )


def barcode_inventory_items(world: World) -> Iterator[Row]:
    """Labelled items per business; one in ten uses an earlier business's template."""
    for business in world.businesses:
        for number in range(INVENTORY_ITEMS):
            id_ = key("barcode_inventory_items", business.index, number)
            lender = (world.earlier(business, id_) if number == 3 else None) or business
            yield row(
                business.owners,
                id=id_,
                businessId=business.id,
                barcodeTemplateId=template(lender, number % TEMPLATES),
                createdById=world.author(business, id_),
            )


def barcode_print_jobs(world: World) -> Iterator[Row]:
    """Jobs that print labels."""
    for business in world.businesses:
        for number in range(world.scale.print_jobs):
            id_ = key("barcode_print_jobs", business.index, number)
            item = key("barcode_inventory_items", business.index, number % INVENTORY_ITEMS)
            yield row(
                business.owners,
                id=id_,
                businessId=business.id,
                templateId=template(business, number % TEMPLATES),
                inventoryItemId=item if number % 3 else None,
                printerId=printer(number % PRINTERS) if number % 4 else None,
                createdById=world.author(business, id_),
                status=world.pick(STATUSES, "status", id_),
            )


def print_jobs(world: World) -> Iterator[Row]:
    """Jobs that print receipts."""
    for business in world.businesses:
        for number in range(world.scale.print_jobs):
            id_ = key("print_jobs", business.index, number)
            yield row(
                business.owners,
                id=id_,
                businessId=business.id,
                printerId=printer(number % PRINTERS),
                userId=world.author(business, id_),
                status=world.pick(STATUSES, "status", id_),
            )


def reprint_logs(world: World) -> Iterator[Row]:
    """Receipts printed again."""
    for business in world.businesses:
        for number in range(0, world.scale.orders, 10):
            yield row(
                business.owners,
                id=key("reprint_logs", business.index, number),
                businessId=business.id,
                orderId=order(business, number),
                userId=user(business, 0),
            )


TABLES = (
    network_printers,
    barcode_templates,
    barcode_inventory_items,
    barcode_print_jobs,
    print_jobs,
    reprint_logs,
)
