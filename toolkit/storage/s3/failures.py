"""What an S3 server or the way to it can refuse, as one sentence and a remedy, and which of it may pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError, NameResolutionError

from toolkit.errors import StorageError
from toolkit.model.host import S3Repository
from toolkit.storage.s3.client import one_line

ERRORS = (boto.BotoCoreError, boto.ClientError, HTTPError, ResponseParserError, OSError)
"""Everything a call of the client can raise on purpose."""

_KEYS = "correct access_key and secret_key of the repository in inventory/repositories.yml, or where they come from"
_REGION = "set the bucket's region as `region` of the repository in inventory/repositories.yml"
_BUCKET = "make the bucket, or correct `bucket`, `endpoint` or `region` in inventory/repositories.yml"
_CLOCK = "set this machine's clock (NTP); S3 refuses signatures that are more than 15 minutes off"
_RIGHTS = (
    "give the key s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on that"
    " bucket and prefix"
)
_FULL = "free space on the server or raise the quota, then run again"
_ENDPOINT = "correct `endpoint` of the repository in inventory/repositories.yml, or start the server"
_KMS = "correct `sse` and `sse_key` of the repository, and give its key the right to use that KMS key"
_TOKEN = "log in again, or renew the temporary credentials"
_CERTIFICATE = "set `ca_bundle` to the certificates of your own authority, or correct `endpoint` (http or https)"
_ADDRESSING = "set `addressing_style: virtual`, or `path`, of the repository in inventory/repositories.yml"

_CAUSES: Mapping[str, tuple[str, str]] = {
    "InvalidAccessKeyId": ("the server does not know the access key", _KEYS),
    "SignatureDoesNotMatch": ("the secret key does not belong to the access key", _KEYS),
    "AuthorizationQueryParametersError": ("the server refuses the signature", _REGION),
    "AuthorizationHeaderMalformed": ("the server refuses the signature, most likely for its region", _REGION),
    "InvalidToken": ("the session token is not valid", _TOKEN),
    "ExpiredToken": ("the temporary credentials have expired", _TOKEN),
    "TokenRefreshRequired": ("the temporary credentials have expired", _TOKEN),
    "RequestTimeTooSkewed": ("the clocks of this machine and of the server differ too much", _CLOCK),
    "RequestExpired": ("the clocks of this machine and of the server differ too much", _CLOCK),
    "AccessDenied": ("access is denied", _RIGHTS),
    "AllAccessDisabled": ("access is denied", _RIGHTS),
    "AccountProblem": ("the account is closed or blocked", "look at the account with the provider"),
    "NoSuchBucket": ("there is no such bucket", _BUCKET),
    "InvalidBucketName": ("the server takes no bucket of that name", _BUCKET),
    "PermanentRedirect": ("the bucket is in another region or at another endpoint", _REGION),
    "TemporaryRedirect": ("the bucket is in another region or at another endpoint", _REGION),
    "IllegalLocationConstraintException": ("the bucket is in another region", _REGION),
    "SecondLevelDomainForbidden": ("the server wants the bucket in the host name", _ADDRESSING),
    "QuotaExceeded": ("the quota is used up", _FULL),
    "EntityTooLarge": ("the file is larger than the server takes", _FULL),
    "InsufficientStorage": ("the server is full", _FULL),
    "XMinioStorageFull": ("the server is full", _FULL),
    "ServerSideEncryptionConfigurationNotFoundError": ("the encryption is not set up", _KMS),
    "InvalidEncryptionAlgorithmError": ("the server does not know that encryption", _KMS),
    "InvalidStorageClass": (
        "the server does not know that storage class",
        "correct `storage_class` of the repository in inventory/repositories.yml",
    ),
    "ObjectLocked": ("the object is locked", "wait until its retention has ended"),
}

_FAULTS: tuple[tuple[tuple[type[Exception], ...], str, str, bool], ...] = (
    ((boto.NoCredentialsError, boto.PartialCredentialsError), "there are no keys", _KEYS, False),
    (
        (boto.CredentialRetrievalError, boto.TokenRetrievalError, boto.SSOError),
        "the keys cannot be had: {error}",
        _TOKEN,
        False,
    ),
    ((boto.SSLError,), "no trusted connection to {where}: {error}", _CERTIFICATE, False),
    ((NameResolutionError,), "no host has the name in {where}", _ENDPOINT, True),
    ((boto.EndpointConnectionError,), "nothing answers at {where}", _ENDPOINT, True),
    ((boto.ConnectTimeoutError,), "nothing answers at {where} in time", _ENDPOINT, True),
    ((boto.ProxyConnectionError,), "the proxy does not answer: {error}", "correct HTTPS_PROXY or NO_PROXY", True),
    ((ResponseParserError,), "what answers at {where} does not speak S3", _ENDPOINT, True),
    (
        (boto.ParamValidationError, boto.EndpointProviderError, boto.InvalidRegionError),
        "{error}",
        "correct the repository in inventory/repositories.yml",
        False,
    ),
    ((boto.ReadTimeoutError,), "{where} does not answer in time", "look at the network and the server", True),
    (
        (boto.HTTPClientError, boto.IncompleteReadError, HTTPError, OSError),
        "the connection to {where} broke: {error}",
        "look at the network and the server",
        True,
    ),
)
"""By kind of error, the first that fits: the fact, the remedy, whether it may pass."""

_PASSING = frozenset(
    (
        "RequestTimeout RequestTimeoutException SlowDown SlowDownRead SlowDownWrite Throttling ThrottlingException"
        " ThrottledException TooManyRequests TooManyRequestsException RequestThrottled RequestLimitExceeded"
        " BandwidthLimitExceeded InternalError InternalServerError InternalFailure ServiceUnavailable Busy"
        # the network changed or cut what was sent, and the server noticed
        " BadDigest XAmzContentSHA256Mismatch XAmzContentChecksumMismatch IncompleteBody"
        " OperationAborted ConditionalRequestConflict"
    ).split()
)
_LASTING_STATUSES = frozenset((501, 505, 507))


class ServerError(StorageError):
    """A failed call, with the code and the HTTP status the server gave; empty and 0 when it gave none."""

    def __init__(self, message: str, *, hint: str = "", code: str = "", status: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.status = status


class PassingError(ServerError):
    """A failure that may pass: a second try makes sense."""


def unanswered(error: Exception) -> bool:
    """Say whether no server was reached, or none that speaks S3."""
    kinds = (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError, ResponseParserError)
    return isinstance(error, kinds) or (isinstance(error, boto.ClientError) and _is_web_page(error.response))


def failure(error: Exception, doing: str, config: S3Repository) -> ServerError:
    """Give the error a user sees for what the client raised.

    Args:
        doing: what was tried, such as `write s3://bucket/name`.
    """
    if isinstance(error, boto.ClientError):
        return _refusal(error.response, doing, config)
    fact, hint, passing = _on_the_way(error, config)
    return (PassingError if passing else ServerError)(f"cannot {doing}: {fact}", hint=hint)


def _is_web_page(response: Any) -> bool:
    """Whether a failure is a page for people, other than those that gateways show when their server is away."""
    metadata = response.get("ResponseMetadata", {})
    page = str(metadata.get("HTTPHeaders", {}).get("content-type", "")).startswith("text/html")
    return page and metadata.get("HTTPStatusCode") not in (429, 502, 503, 504)


def _refusal(response: Any, doing: str, config: S3Repository) -> ServerError:
    said = response.get("Error", {})
    code = str(said.get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    fact, hint = _CAUSES.get(code, ("", ""))
    if not fact and code.startswith("KMS."):
        fact, hint = "the KMS key cannot be used", _KMS
    if not fact and status in (401, 403):
        fact, hint = "access is denied", _RIGHTS
    if not fact and status == 507:
        fact, hint = "the server is full", _FULL
    if not fact and _is_web_page(response):
        fact, hint = f"what answers at {config.endpoint or 'AWS'} does not speak S3", _ENDPOINT
    text = one_line(Exception(said.get("Message") or ""))
    words = ": ".join(part for part in (code if code != str(status) else "", text if text != "None" else "") if part)
    answer = f"the server says {status}{f' {words}' if words else ''}"
    sentence = f"cannot {doing}: {f'{fact} ({answer})' if fact else answer}"
    if code in ("NoSuchBucket", "InvalidBucketName"):
        sentence = f"cannot {doing}: {fact}: {config.bucket}"
    passing = code in _PASSING or status in (408, 429) or (status >= 500 and status not in _LASTING_STATUSES)
    return (PassingError if passing and not fact else ServerError)(sentence, hint=hint, code=code, status=status)


def _on_the_way(error: Exception, config: S3Repository) -> tuple[str, str, bool]:
    """The fact, the remedy, and whether it may pass."""
    cause = error.kwargs.get("error") if isinstance(error, boto.EndpointConnectionError) else None
    for kinds, fact, hint, passing in _FAULTS:
        if isinstance(cause or error, kinds) or isinstance(error, kinds):
            where = config.endpoint or "AWS"
            return fact.format(where=where, error=one_line(error)), hint, passing
    return one_line(error), "", False
