"""The file that makes a place a repository: it says which format it has, and the repository's id."""

from __future__ import annotations

import uuid

import msgspec

from toolkit.errors import DamageError, MissingError
from toolkit.model.manifest import FORMAT
from toolkit.storage import manifest_file
from toolkit.storage.decoding import decoded, read_small
from toolkit.storage.layout import BACKUPS, CHUNKS, MARKER, PACKS
from toolkit.storage.store import Store


class _Marker(msgspec.Struct, frozen=True, kw_only=True):
    """The content of playback.json."""

    format: int
    id: str


_MARKER = msgspec.json.Decoder(_Marker)
_ANYTHING = msgspec.json.Decoder(dict[str, object])


def repository_id(store: Store, *, create: bool) -> str:
    """Read the id of the repository in a store, making the repository first when `create` is given and there is none.

    Raises:
        MissingError: there is none.
        StorageError: it cannot be read or made.
        DamageError: what is there is damaged.
        RefusedError: its format is of a later version.
    """
    try:
        data = read_small(store, MARKER)
    except MissingError:
        if not create:
            _check_empty(store)
            raise MissingError(
                f"there is no repository at {store.place}",
                hint="plug in or mount what it is on, or correct its path; `copy` with `to: {bundle: FILE}` makes one"
                if store.one_file
                else "the first backup makes it; otherwise correct its place in the inventory's repositories.yml",
            ) from None
        data = _made(store)
    file = f"{store.place}/{MARKER}"
    try:
        manifest_file.check_format(decoded(_ANYTHING, data).get("format"), file)
        return str(uuid.UUID(decoded(_MARKER, data).id))
    except ValueError as error:
        raise DamageError(
            f"{file} is damaged: it must be a JSON object with `format` and `id`",
            hint=f'write {{"format": {FORMAT}, "id": "any UUID"}} to it, then check the repository',
        ) from error


def _made(store: Store) -> bytes:
    """Make the marker of a repository; gives its content, which is another's where several make it at once."""
    try:
        _check_empty(store)
    except DamageError:
        # unless another has made it meanwhile and writes to it already
        if not store.exists(MARKER):
            raise
    else:
        store.put_new(MARKER, msgspec.json.encode(_Marker(format=FORMAT, id=str(uuid.uuid4()))))
    return read_small(store, MARKER)


def _check_empty(store: Store) -> None:
    """Raise DamageError where backups or chunks stand without the file that says which format they have."""
    if any(next(store.list(prefix), None) for prefix in (BACKUPS, CHUNKS, PACKS)):
        raise DamageError(
            f"{store.place} holds backups or chunks but no {MARKER}",
            hint=f'restore that file; it holds {{"format": {FORMAT}, "id": "any UUID"}}',
        )
