"""How results look, as text and as JSON; every module here registers the views of some kinds of result."""

from toolkit.views import backup, check, copy, drill, export, imported, orphans, prune, restore, unlock, verify

__all__ = ["backup", "check", "copy", "drill", "export", "imported", "orphans", "prune", "restore", "unlock", "verify"]
