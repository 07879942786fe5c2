"""Playbooks that run by themselves: what is installed for that, how such a run goes, and what is known of it."""
