"""The hard schema: everything that is easy to lose on the way through a backup, in one small application.

`schema/` is its DDL and `rows/` are its rows, each file with a subject; `large/` is a document of 60 MB that is only
loaded when asked for.
"""

from toolkit.demo.hard.load import SCHEMA, Feature, HardReport, create_hard, load_hard

__all__ = ["SCHEMA", "Feature", "HardReport", "create_hard", "load_hard"]
