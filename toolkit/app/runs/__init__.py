"""Runs: a record of each one, made by itself; reading them; stopping one."""
