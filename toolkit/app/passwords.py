"""Passwords of the console: argon2id, by argon2-cffi with the parameters of RFC 9106 for little memory."""

from __future__ import annotations

import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from toolkit.errors import InputError

SHORTEST: Final = 10
LONGEST: Final = 1000
"""Characters of a password."""

_hasher = PasswordHasher()

NOBODY: Final = _hasher.hash("nobody has this password, which takes as long to check as one that somebody has")
"""The hash that stands for names that nobody has, so that the time does not tell which names there are."""


def hashed(password: str) -> str:
    """Give the hash of a new password.

    Raises:
        InputError: it is too short, or longer than anybody types.
    """
    text = _normal(password)
    if len(text) < SHORTEST:
        hint = "several words are easy to remember, and hard to guess"
        raise InputError(f"the password has fewer than {SHORTEST} characters", hint=hint)
    if len(text) > LONGEST:
        raise InputError(f"the password has more than {LONGEST} characters")
    return _hasher.hash(text)


def matches(password: str, wanted: str) -> bool:
    """Say whether a password has this hash. It takes some hundredths of a second of a processor, and 64 MiB."""
    text = _normal(password)
    try:
        return len(text) <= LONGEST and _hasher.verify(wanted, text)
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    """A text as every keyboard gives it: `ü` is one character on Windows and two on a Mac."""
    return unicodedata.normalize("NFKC", password)
