"""Carrying out a plan: in batches, with silent triggers, in one transaction or in steps."""
