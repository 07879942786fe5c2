"""Kinds of names in addresses, so that nothing else gets to the file system: `/runs/{run:run_id}`."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor


class RunId(Convertor[str]):
    """The ID of a run in an address; nothing else gets to the file system."""

    regex = r"\d{8}T\d{6}Z-[0-9a-f]{6}"

    def convert(self, value: str) -> str:
        """Give it as it is."""
        return value

    def to_string(self, value: str) -> str:
        """Give it as it is."""
        return value


register_url_convertor("run_id", RunId())
