"""The one way to select rows: a snapshot, who owns which rows, what a scope takes and why, and reports about it."""
