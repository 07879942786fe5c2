"""The rows of every table: one function per table, named as the table, that yields them and keeps none.

Each function says for whom it makes a row. That is said from the story the demo tells (this order is that shop's), not
worked out from the catalog file, so that tests can hold the selection against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from toolkit.demo.rows import (
    barcodes,
    core,
    customers,
    devices,
    expenses,
    fleet,
    misc,
    payroll,
    personal,
    products,
    projects,
    reference,
    restaurant,
    staff,
    wifi_esp32,
    wifi_r710,
)
from toolkit.demo.world import Row, World

_MODULES = (
    core,
    products,
    customers,
    staff,
    payroll,
    expenses,
    projects,
    fleet,
    restaurant,
    wifi_esp32,
    wifi_r710,
    barcodes,
    personal,
    reference,
    misc,
    devices,
)

TABLES: Mapping[str, Callable[[World], Iterator[Row]]] = {
    function.__name__: function for module in _MODULES for function in module.TABLES
}
"""The generator of every table, by the table's name."""
