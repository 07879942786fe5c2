"""Products, suppliers and stock."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.demo.rows.barcodes import print_job_for_prices, template
from toolkit.demo.rows.core import BRANDS, CATEGORIES, LOCATIONS, brand, category, common_category, location
from toolkit.demo.world import NOBODY, Business, Row, World, employee, key, row

SUPPLIERS = 6
COMMON_SUPPLIERS = 3
SUBCATEGORIES = 2
MOVEMENTS = ("PURCHASE_RECEIVED", "SALE", "ADJUSTMENT", "TRANSFER_OUT", "DAMAGE")


def product(business: Business, number: int) -> str:
    """Give the id of a product of a business."""
    return key("business_products", business.index, number)


def sku(business: Business, number: int) -> str:
    """Give the stock-keeping unit of a product, e.g. `BLZ-001`."""
    return f"{business.prefix}-{number + 1:03}"


def variants_of(number: int) -> int:
    """Say how many variants the product of that number has."""
    return 1 + number % 2


def variant(business: Business, number: int, which: int = 0) -> str:
    """Give the id of a variant of a product."""
    return key("product_variants", business.index, number, which)


def supplier(business: Business, number: int) -> str:
    """Give the id of a supplier of a business."""
    return key("business_suppliers", business.index, number)


def common_supplier(number: int) -> str:
    """Give the id of a supplier that belongs to no business."""
    return f"supplier-common-{number}"


def subcategory(business: Business, parent: int, number: int) -> str:
    """Give the id of a subcategory in a category of a business."""
    return key("inventory_subcategories", business.index, parent, number)


def _each(world: World) -> Iterator[tuple[Business, int, str]]:
    for business in world.businesses:
        for number in range(world.scale.products):
            yield business, number, product(business, number)


def business_products(world: World) -> Iterator[Row]:
    """Give the products of each business, some from a common supplier or category."""
    for business, number, id_ in _each(world):
        home = number % CATEGORIES
        common = number % 10 == 9
        yield row(
            business.owners,
            id=id_,
            businessId=business.id,
            sku=sku(business, number),
            brandId=brand(business, number % BRANDS) if number % 4 else None,
            categoryId=common_category(number % 5) if common else category(business, home),
            subcategoryId=None if common or number % 3 else subcategory(business, home, number % SUBCATEGORIES),
            createdFromTemplateId=template(business, number % 4) if number % 6 == 0 else None,
            locationId=location(business, number % LOCATIONS) if number % 5 else None,
            supplierId=common_supplier(number % COMMON_SUPPLIERS)
            if number % 7 == 0
            else supplier(business, number % SUPPLIERS),
        )


def product_variants(world: World) -> Iterator[Row]:
    """Give one or two per product; their SKUs are unique over all businesses."""
    for business, number, id_ in _each(world):
        for which in range(variants_of(number)):
            yield row(
                business.owners,
                id=variant(business, number, which),
                productId=id_,
                sku=f"{sku(business, number)}-{'AB'[which]}",
            )


def product_barcodes(world: World) -> Iterator[Row]:
    """Give a barcode per product, told of its business, its product or its variant; and a few of no business at all."""
    for number in range(5):
        nothing: dict[str, object] = {"businessId": None, "productId": None, "variantId": None, "createdById": None}
        yield row(NOBODY, id=f"barcode-common-{number}", code=f"000000{number}", **nothing)
    for business, number, id_ in _each(world):
        barcode = key("product_barcodes", business.index, number)
        yield row(
            business.owners,
            id=barcode,
            code=f"60{business.index:04}{number:07}",
            businessId=business.id if number % 3 == 0 else None,
            productId=id_ if number % 3 == 1 else None,
            variantId=variant(business, number) if number % 3 == 2 or number % 6 == 0 else None,
            createdById=world.author(business, barcode),
        )


def product_images(world: World) -> Iterator[Row]:
    """Give an image for every second product."""
    for business, number, id_ in _each(world):
        if number % 2:
            yield row(business.owners, id=key("product_images", business.index, number), productId=id_)


def product_attributes(world: World) -> Iterator[Row]:
    """Give two per product; values may be empty."""
    for business, number, id_ in _each(world):
        for name in ("colour", "size\tEU"):
            yield row(
                business.owners, id=key("product_attributes", business.index, number, name), productId=id_, key=name
            )


def business_stock_movements(world: World) -> Iterator[Row]:
    """Give what came and went."""
    for business in world.businesses:
        for number in range(world.scale.stock_movements):
            id_ = key("business_stock_movements", business.index, number)
            item = world.draw("item", id_) % world.scale.products
            yield row(
                business.owners,
                id=id_,
                businessId=business.id,
                businessProductId=product(business, item) if number % 5 else None,
                productVariantId=variant(business, item),
                employeeId=employee(business, number % world.scale.employees) if number % 4 else None,
                movementType=world.pick(MOVEMENTS, "movement", id_),
            )


def supplier_products(world: World) -> Iterator[Row]:
    """Say who sells what to a business; common suppliers too."""
    for business, number, id_ in _each(world):
        suppliers = [supplier(business, number % SUPPLIERS)]
        if number % 4 == 0:
            suppliers.append(common_supplier(number % COMMON_SUPPLIERS))
        for seller in suppliers:
            yield row(
                business.owners,
                id=key("supplier_products", business.index, number, seller),
                productId=id_,
                supplierId=seller,
            )


def business_suppliers(world: World) -> Iterator[Row]:
    """Suppliers of no business, then those of each."""
    for number in range(COMMON_SUPPLIERS):
        yield row(
            NOBODY,
            id=common_supplier(number),
            businessId=None,
            businessType="universal",
            supplierNumber=f"SUP-{number + 1:04}",
        )
    for business in world.businesses:
        for number in range(SUPPLIERS):
            yield row(
                business.owners,
                id=supplier(business, number),
                businessId=business.id,
                businessType=business.type,
                supplierNumber=f"{business.prefix}-S{number + 1:03}",
            )


def inventory_subcategories(world: World) -> Iterator[Row]:
    """Below the common categories (of no business) and below those of each business."""
    for number in range(3):
        yield row(
            NOBODY,
            id=f"subcategory-common-{number}",
            categoryId=common_category(number),
            name="Other",
            createdBy=None,
        )
    for business in world.businesses:
        for parent in range(CATEGORIES):
            for number in range(SUBCATEGORIES):
                id_ = subcategory(business, parent, number)
                yield row(
                    business.owners,
                    id=id_,
                    categoryId=category(business, parent),
                    name=f"Part {number + 1}",
                    createdBy=world.author(business, id_),
                )


def sku_sequences(world: World) -> Iterator[Row]:
    """Give the last number given out per prefix."""
    for business in world.businesses:
        for prefix in (business.prefix, "GEN"):
            yield row(
                business.owners,
                id=key("sku_sequences", business.index, prefix),
                businessId=business.id,
                prefix=prefix,
                currentSequence=world.scale.products,
            )


def product_price_changes(world: World) -> Iterator[Row]:
    """Give a changed price for every third product, some after printing labels for it."""
    for business, number, id_ in _each(world):
        if number % 3 == 0:
            change = key("product_price_changes", business.index, number)
            yield row(
                business.owners,
                id=change,
                productId=id_,
                changedBy=world.author(business, change),
                barcodeJobId=print_job_for_prices(business) if number % 2 else None,
            )


TABLES = (
    business_products,
    product_variants,
    product_barcodes,
    product_images,
    product_attributes,
    business_stock_movements,
    supplier_products,
    business_suppliers,
    inventory_subcategories,
    sku_sequences,
    product_price_changes,
)
