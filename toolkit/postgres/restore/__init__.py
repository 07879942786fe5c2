"""Restoring into a database: stage, compare, plan, apply, prove; all inside one transaction of the target."""
