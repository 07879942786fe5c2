"""The reference application: a multi-business management system of 144 tables, with made-up rows.

`schema/` is its DDL, `rows/` tells the story of its rows, `fill.py` gives values to the columns that the story does not
care about, and `load.py` puts it all into a database. The same scale and seed give the same rows everywhere.
"""

from toolkit.demo.load import LoadReport, create_schema, load, true_owners
from toolkit.demo.scale import SCALES, Scale

__all__ = ["SCALES", "LoadReport", "Scale", "create_schema", "load", "true_owners"]
