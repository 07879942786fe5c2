"""Verifying a database against a backup."""
