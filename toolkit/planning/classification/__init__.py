"""Proposing a catalog file: what keys and references say about who owns the rows of each table."""
