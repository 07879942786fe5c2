"""Which store a repository of the inventory uses."""

from __future__ import annotations

from toolkit.errors import InputError
from toolkit.model.host import RepositoryConfig, S3Repository
from toolkit.storage.local import LocalStore
from toolkit.storage.store import Store


def open_store(config: RepositoryConfig) -> Store:
    """The store of a repository. Nothing is read or written yet.

    Raises:
        InputError: the repository is of a type this version cannot use.
    """
    if isinstance(config, S3Repository):
        raise InputError(
            f"repository {config.name} has type s3, which this version cannot use yet",
            hint="use a repository of type local",
        )
    return LocalStore(config.path)
