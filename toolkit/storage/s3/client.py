"""The connection to an S3 server: one client for all threads, without boto3's own retries and default checksums."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.handlers import add_expect_header
from msgspec import Struct

from toolkit.errors import InputError, StorageError
from toolkit.model.host import S3Repository

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_making = Lock()

DEFAULT_REGION = "us-east-1"
"""For the signature, where neither the inventory nor boto3's own configuration names a region."""


class Limits(Struct, frozen=True, kw_only=True):
    """How long to wait for a server, and how often.

    Attributes:
        connect: seconds to make a connection.
        read: seconds without a byte of an answer.
        attempts: how often a call is made at most when its failure may pass.
        seconds: no new attempt of a call begins after this time.
        connections: how many are kept open; more threads than that open short-lived ones.
        part: bytes of one part of a large file; files up to twice as large go in one piece.
    """

    connect: float = 10
    read: float = 60
    attempts: int = 8
    seconds: float = 120
    connections: int = 16
    part: int = 16 * 1024 * 1024


def connect(config: S3Repository, limits: Limits) -> S3Client:
    """Give a client for a repository's server; nothing is sent yet.

    Raises:
        InputError: a key cannot be had, or the endpoint or a file that is named cannot be used.
    """
    keys = _keys(config)
    bundle = _bundle(config)
    try:
        # boto3's sessions are not safe to share between threads; the clients they make are
        with _making:
            session = _session_of_known_keys() if keys else boto3.session.Session()
            client = session.client(
                "s3",
                region_name=config.region or session.region_name or DEFAULT_REGION,
                endpoint_url=config.endpoint or None,
                verify=bundle or None,
                config=_settings(config, limits),
                **keys,
            )
    except (BotoCoreError, ValueError) as error:
        raise InputError(
            f"repository {config.name} cannot be used: {one_line(error)}",
            hint="correct it in inventory/repositories.yml, or boto3's own configuration in the environment or ~/.aws",
        ) from error
    client.meta.events.register("before-call.s3.DeleteObjects", _with_content_md5)
    # waiting for leave to send costs a round trip, and a second where a server does not know of it
    client.meta.events.unregister("before-call.s3", add_expect_header)
    # boto3 looks for a bucket's right region by calls that look for it in turn, for ever where a server never tells;
    # AWS does tell, and other servers have one region
    client.meta.events.register("before-call.s3" if config.endpoint else "before-call.s3.HeadBucket", _not_redirected)
    return client


def one_line(error: Exception) -> str:
    """Give an error's text in one line that begins in lower case unless its first word is a name."""
    text = " ".join(str(error).split()).rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


@cache
def _session_of_known_keys() -> boto3.session.Session:
    """One session for all repositories with keys of their own: its descriptions of S3 take long to read."""
    return boto3.session.Session()


def _keys(config: S3Repository) -> dict[str, Any]:
    if config.access_key is None or config.secret_key is None:
        return {}
    return {
        "aws_access_key_id": config.access_key.reveal(),
        "aws_secret_access_key": config.secret_key.reveal(),
    }


def _bundle(config: S3Repository) -> str:
    if config.ca_bundle and not Path(config.ca_bundle).exists():
        raise StorageError(
            f"the file of certificates {config.ca_bundle} does not exist",
            hint=f"correct ca_bundle of repository {config.name} in inventory/repositories.yml",
        )
    return config.ca_bundle


def _settings(config: S3Repository, limits: Limits) -> Config:
    style: Any = {"addressing_style": config.addressing_style}
    return Config(
        s3=style,
        connect_timeout=limits.connect,
        read_timeout=limits.read,
        max_pool_connections=limits.connections,
        tcp_keepalive=True,
        # one place decides what is tried again: toolkit/retries
        retries={"total_max_attempts": 1, "mode": "standard"},
        # many servers refuse or do not know the checksums that boto3 adds by itself; Content-MD5 is known to all
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def _with_content_md5(params: dict[str, Any], **_: Any) -> None:
    """Let bulk deletion carry Content-MD5 instead of the newer checksum that boto3 adds whatever it is told."""
    digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
    params["headers"]["Content-MD5"] = b64encode(digest).decode("ascii")
    params["context"].pop("checksum", None)


def _not_redirected(params: dict[str, Any], **_: Any) -> None:
    params["context"].setdefault("s3_redirect", {})["redirected"] = True
