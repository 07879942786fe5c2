"""How rows are written and deleted: batches, silent triggers, what is tried again and what became of it."""
