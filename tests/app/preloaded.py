"""What commands load, loaded once for all that are forked (forking.py)."""

from __future__ import annotations

import gc
from importlib import import_module
from pkgutil import walk_packages

import toolkit

import_module("invoke.main")
for module in walk_packages(toolkit.__path__, "toolkit."):
    if not module.name.endswith("__main__"):
        import_module(module.name)
# what is loaded is not looked through, and so not copied, by each that is forked
gc.collect()
gc.freeze()
