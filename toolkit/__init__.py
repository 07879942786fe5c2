"""Playback: back up, restore, verify and migrate a multi-tenant PostgreSQL application by scope."""

__version__ = "0.1.0"
