"""Embedded servers."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Servers


@pytest.mark.parametrize("version", [16, 18])
def test_databases_belong_to_a_role_that_is_no_superuser(servers: Servers, version: int) -> None:
    """A test database is of the asked-for version and its owner has no superuser rights."""
    with psycopg.connect(servers.database(version)) as connection:
        assert connection.info.server_version // 10000 == version
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == (False,)
