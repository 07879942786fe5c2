"""What a server turned out to be able to do. Nothing is asked before it is needed, and nothing twice."""

from __future__ import annotations

from msgspec import Struct

from toolkit.storage.s3.failures import ServerError

_UNKNOWN_CALL = frozenset((404, 405, 501))
_UNKNOWN_CODES = frozenset(
    (
        "NotImplemented MethodNotAllowed InvalidRequest InvalidArgument MalformedXML UnsupportedOperation"
        " InvalidRequestError NotSupported"
    ).split()
)


class Abilities(Struct):
    """What is known of a server; None is not known yet. Assignments are atomic, so threads may share it.

    Attributes:
        list_v2: it lists by ListObjectsV2; else the first version is used.
        bulk_delete: it removes many objects in one call.
        conditional: `If-None-Match: *` keeps a put from replacing an object.
        keeps_deleted: the bucket keeps what is deleted.
    """

    list_v2: bool = True
    bulk_delete: bool = True
    conditional: bool | None = None
    keeps_deleted: bool | None = None


def not_offered(error: ServerError) -> bool:
    """Say whether a failure means that the server does not know the call or a part of it, and refuses all like it."""
    if error.code in ("NoSuchBucket", "NoSuchKey", "NoSuchUpload"):
        return False
    return error.status in _UNKNOWN_CALL or (error.status == 400 and error.code in _UNKNOWN_CODES)
