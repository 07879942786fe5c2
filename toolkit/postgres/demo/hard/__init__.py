"""The hard schema: everything that is easy to lose on the way through a backup, in one small application."""

from toolkit.postgres.demo.hard.load import SCHEMA, HardReport, load_hard

__all__ = ["SCHEMA", "HardReport", "load_hard"]
