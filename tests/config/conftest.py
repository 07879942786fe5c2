"""What all tests of the configuration share."""

from __future__ import annotations

import pytest

from toolkit.config import masking


@pytest.fixture(autouse=True)
def _no_secrets_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with no secret known, as a process does; those of other tests would mask its texts."""
    monkeypatch.setattr(masking, "_known", masking.Known())
