"""Restoring: what is asked (`request`) is staged and planned (`ready`), then applied and proven (`transaction`)."""
