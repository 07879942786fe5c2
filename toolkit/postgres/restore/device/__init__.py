"""Restoring on this or another device: who it is, what rows of the backup follow it, and its part in sync."""
