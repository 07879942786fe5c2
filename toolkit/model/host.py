"""Hosts and repositories as the inventory declares them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from toolkit.model.expectation import Expectation
from toolkit.model.secret import Secret

_EMBEDDED = "embedded:"
_BUNDLE = "bundle:"


class EmbeddedDatabase(Struct, frozen=True):
    """A database of a private server, `embedded:NAME`, which is made when it is first asked for."""

    name: str

    @classmethod
    def of(cls, text: str) -> EmbeddedDatabase | None:
        """Give the embedded database that a text names; None where it is a URI, a conninfo or the name of a host."""
        return cls(text.removeprefix(_EMBEDDED)) if text.startswith(_EMBEDDED) else None

    def __str__(self) -> str:
        return f"{_EMBEDDED}{self.name}"


class ServerDatabase(Struct, frozen=True, kw_only=True):
    """Another database on the server of a host, `HOST:DATABASE`: a scratch database."""

    host: str
    database: str

    @classmethod
    def of(cls, text: str) -> ServerDatabase | None:
        """Give the database that a text names; None where it is a host's own or an embedded one."""
        host, colon, database = text.partition(":")
        return cls(host=host, database=database) if colon and EmbeddedDatabase.of(text) is None else None

    def __str__(self) -> str:
        return f"{self.host}:{self.database}"


class Host(Struct, frozen=True, kw_only=True):
    """One PostgreSQL database on one device.

    Attributes:
        database: a libpq URI or conninfo, or `embedded:NAME`; a Secret when it came from one or carries a password.
        direct: the same database without a pooler in between; empty where `database` has none.
        catalog: name of a file in `inventory/catalogs`, without its ending; empty when not set.
        repository: name of a repository; empty when not set.
        device_node: the node id of the device, where the inventory names it.
        programs: the directory with PostgreSQL's client programs for this host; empty for those that there are.
        expect: how fresh its backups have to be.
        restored: restores into its database are expected to be possible.
        variables: every variable of the host, merged from groups and files.
        scratch: it stands for a scratch database, which is not in the inventory.
    """

    name: str
    database: str | Secret
    direct: str | Secret = ""
    catalog: str = ""
    repository: str = ""
    device_id: str | None = None
    device_name: str | None = None
    device_node: str | None = None
    programs: str = ""
    expect: tuple[Expectation, ...] = ()
    restored: bool = True
    variables: Mapping[str, object] = field(default_factory=dict)
    scratch: bool = False


class LocalRepository(Struct, frozen=True, kw_only=True):
    """A repository in a directory (a relative path is relative to the control directory)."""

    name: str
    path: Path


class BundleRepository(Struct, frozen=True, kw_only=True):
    """A repository in one file, for being carried (a relative path is relative to the control directory)."""

    name: str
    path: Path

    @staticmethod
    def written(file: str) -> str:
        """Give the name of a bundle that is not in the inventory."""
        return f"{_BUNDLE}{file}"

    @classmethod
    def of(cls, name: str, control: Path) -> BundleRepository | None:
        """Give the bundle that a name means, `bundle:FILE`; None where it is a name of the inventory."""
        file = name.removeprefix(_BUNDLE)
        return cls(name=name, path=control / Path(file).expanduser()) if file and file != name else None


class S3Repository(Struct, frozen=True, kw_only=True):
    """A repository under a prefix of an S3 bucket. Without keys, boto3's own credential chain is used.

    Attributes:
        prefix: what every key begins with, without slashes at its ends; empty for the whole bucket.
        endpoint: URL of a server other than AWS's.
        addressing_style: `path`, `virtual` or `auto`, which is path with an endpoint and virtual without.
        ca_bundle: a file with the certificates to trust; empty for the system's.
        sse: `AES256`, `aws:kms` or `aws:kms:dsse`; empty for what the bucket does by itself.
        sse_key: id or ARN of the KMS key; empty for the account's own.
    """

    name: str
    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    addressing_style: str = "auto"
    access_key: Secret | None = None
    secret_key: Secret | None = None
    ca_bundle: str = ""
    storage_class: str = ""
    sse: str = ""
    sse_key: str = ""


RepositoryConfig = LocalRepository | BundleRepository | S3Repository
