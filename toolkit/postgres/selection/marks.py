"""Why a row is taken (a to d of docs/design.md#what-a-scope-takes), as the column `why` of a table of ids says it."""

OWNED = "o"
"""A selected tenant owns it."""

SHARED = "s"
"""Its table is shared."""

UNOWNED = "u"
"""Nobody owns it, or, in a `referenced` table, nobody points at it."""

REFERENCED = "r"
"""Only because a taken row points at it."""
