"""How results look, as text and as JSON; every module here registers the views of some kinds of result."""

from toolkit.views import backup, copy, drill, export, imported, orphans, prune, restore, verify

__all__ = ["backup", "copy", "drill", "export", "imported", "orphans", "prune", "restore", "verify"]
