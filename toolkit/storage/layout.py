"""The tree of a repository: which name each file has, and which names a person may choose."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from toolkit.errors import InputError

MARKER = "playback.json"
"""The file that makes a directory a repository: its format and its id."""

BACKUPS = "backups/"
CHUNKS = "chunks/"
PACKS = "packs/"
OF_ROWS = (CHUNKS, PACKS)
"""What the names of files begin with that hold rows."""

LOCKS = "locks/"
PINS = "pins/"
VERIFIED = "verified/"
DAMAGED = "damaged/"
PUBLISHED = "published/"
QUARANTINE = "quarantine/"
PROOFS = "proofs/"
CHECKS = "checks/"

_LABEL = re.compile(r"[0-9]{8}T[0-9]{6}Z-[A-Za-z0-9][A-Za-z0-9._-]{0,120}(?<![.])")
_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MANIFEST = re.compile(r"backups/([^/]+)/manifest\.json")
_RECORD = re.compile(r"(?:pins|verified)/([^/]+)\.json")
_PUBLISHED = re.compile(r"published/([^/]+)\.json")
_DAMAGED = re.compile(r"damaged/([^/]+)\.json")
_QUARANTINED = re.compile(r"quarantine/([^/]+)/[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}/[0-9]{4,}\.jsonl")
_PROOF = re.compile(r"proofs/([^/]+)/([0-9]{8}T[0-9]{6}Z)-[0-9a-f]{8}\.json")
_CHECK = re.compile(r"checks/([0-9]{8}T[0-9]{6}Z)-[0-9a-f]{8}\.json")
_CHUNK_ID = re.compile(r"[0-9a-f]{64}")
_CHUNK = re.compile(r"chunks/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_PACK = re.compile(r"packs/([0-9a-f]{64})")


def check_label(label: str) -> None:
    """Raise InputError unless a text can be the label of a backup."""
    if not _LABEL.fullmatch(label):
        raise InputError(
            f"{label!r} is not the label of a backup", hint="labels look like 20261120T020000Z-nightly-business"
        )


def check_job(job: str) -> None:
    """Raise InputError unless a text can be a job, which becomes part of labels and so of file names."""
    if not _JOB.fullmatch(job):
        raise InputError(
            f"job {job!r} is not 1 to 64 ASCII letters, digits, `.`, `_` and `-`, beginning with a letter or digit",
            hint="set `job` in the task; without it, the playbook's file name is the job",
        )


def manifest_name(label: str) -> str:
    """Give the file whose existence makes the backup exist. Raises InputError for what cannot be a label."""
    check_label(label)
    return f"{BACKUPS}{label}/manifest.json"


def label_of(name: str) -> str | None:
    """Give the label whose manifest a file is, None for any other file."""
    return _label_in(_MANIFEST, name)


def pin_name(label: str) -> str:
    """Give the file that pins a backup. Raises InputError for what cannot be a label."""
    check_label(label)
    return f"{PINS}{label}.json"


def verified_name(label: str) -> str:
    """Give the file that says that a backup was verified. Raises InputError for what cannot be a label."""
    check_label(label)
    return f"{VERIFIED}{label}.json"


def damaged_name(label: str) -> str:
    """Say where a repair puts the manifest of a backup that cannot be restored. Raises InputError for no label."""
    check_label(label)
    return f"{DAMAGED}{label}.json"


def record_label_of(name: str) -> str | None:
    """Give the label about which a file in `pins/` or `verified/` says something, None for any other file."""
    return _label_in(_RECORD, name)


def published_name(label: str) -> str:
    """Give the file that says that a backup was published and not removed since. Raises InputError for no label."""
    check_label(label)
    return f"{PUBLISHED}{label}.json"


def published_label_of(name: str) -> str | None:
    """Give the label that a file in `published/` is about, None for any other file."""
    return _label_in(_PUBLISHED, name)


def damaged_label_of(name: str) -> str | None:
    """Give the label whose manifest a repair put aside in a file, None for any other file."""
    return _label_in(_DAMAGED, name)


def quarantined_label_of(name: str) -> str | None:
    """Give the label of the backup whose rows are in a file of the quarantine, None for any other file."""
    return _label_in(_QUARANTINED, name)


def proofs_of(label: str) -> str:
    """Give what the names of all files begin with that tell of attempts to prove a backup; InputError for no label."""
    check_label(label)
    return f"{PROOFS}{label}/"


def proof_label_of(name: str) -> str | None:
    """Give the label of the backup of which a file in `proofs/` tells, None for any other file."""
    return _label_in(_PROOF, name)


def proof_time_of(name: str) -> datetime | None:
    """Give when the attempt was made of which a file in `proofs/` tells, None for any other file."""
    found = _PROOF.fullmatch(name)
    return _time_in(found[2]) if found else None


def check_time_of(name: str) -> datetime | None:
    """Give when the repository was checked of which a file in `checks/` tells, None for any other file."""
    found = _CHECK.fullmatch(name)
    return _time_in(found[1]) if found else None


def is_chunk_id(text: str) -> bool:
    """Say whether a text has the form of a chunk's id, or a pack's: 64 lower-case hex digits."""
    return _CHUNK_ID.fullmatch(text) is not None


def chunk_name(chunk_id: str) -> str:
    """Give the file that holds a chunk. Raises ValueError for what is no chunk id."""
    if not is_chunk_id(chunk_id):
        raise ValueError(f"{chunk_id!r} is no chunk id")
    return f"{CHUNKS}{chunk_id[:2]}/{chunk_id}"


def chunk_id_of(name: str) -> str | None:
    """Give the id of the chunk that a file holds, None for any other file."""
    found = _CHUNK.fullmatch(name)
    return found[2] if found else None


def pack_name(pack_id: str) -> str:
    """Give the file that is a pack. Raises ValueError for what is no id of a pack."""
    if not is_chunk_id(pack_id):
        raise ValueError(f"{pack_id!r} is no id of a pack")
    return f"{PACKS}{pack_id}"


def pack_id_of(name: str) -> str | None:
    """Give the id of the pack that a file is, None for any other file."""
    found = _PACK.fullmatch(name)
    return found[1] if found else None


def _label_in(pattern: re.Pattern[str], name: str) -> str | None:
    found = pattern.fullmatch(name)
    return found[1] if found and _LABEL.fullmatch(found[1]) else None


def _time_in(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
