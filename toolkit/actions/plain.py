"""Values of arguments that may be secrets, as the text that another program is given."""

from __future__ import annotations

from toolkit.model.secret import Secret


def plain(value: object) -> str:
    """The text of a value; of a secret the secret itself, so it must not be shown."""
    return value.reveal() if isinstance(value, Secret) else str(value)
