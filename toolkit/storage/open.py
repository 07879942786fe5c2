"""Which store a repository of the inventory uses."""

from __future__ import annotations

from toolkit.errors import StorageError
from toolkit.model.host import BundleRepository, RepositoryConfig, S3Repository
from toolkit.storage.bundle.store import BundleStore
from toolkit.storage.local import LocalStore
from toolkit.storage.store import Store


def open_store(config: RepositoryConfig) -> Store:
    """Give the store of a repository. Nothing is read or written yet; StorageError where its library is missing."""
    if isinstance(config, S3Repository):
        return _s3(config)
    if isinstance(config, BundleRepository):
        return BundleStore(config.path)
    return LocalStore(config.path)


def _s3(config: S3Repository) -> Store:
    try:
        # boto3 costs a tenth of a second and 25 MB, which runs without S3 need not spend
        from toolkit.storage.s3.store import S3Store  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in ("boto3", "botocore"):
            raise
        message = "a repository in S3 needs boto3: pip install 'playback-toolkit[s3]'"
        raise StorageError(message) from error
    return S3Store(config)
