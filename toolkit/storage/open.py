"""Which store a repository of the inventory uses."""

from __future__ import annotations

from toolkit.model.host import RepositoryConfig, S3Repository
from toolkit.storage.local import LocalStore
from toolkit.storage.store import Store


def open_store(config: RepositoryConfig) -> Store:
    """The store of a repository. Nothing is read or written yet."""
    if isinstance(config, S3Repository):
        # boto3 costs a tenth of a second and 25 MB, which runs without S3 need not spend
        from toolkit.storage.s3.store import S3Store  # noqa: PLC0415

        return S3Store(config)
    return LocalStore(config.path)
