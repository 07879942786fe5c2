"""What the arguments of several actions have in common: how they are described, their kinds, and groups of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from toolkit.model.host import BundleRepository
from toolkit.model.role import Role
from toolkit.model.scope import BackupType, Demo
from toolkit.planning.choice import Criteria

COMMON = "../common.schema.json#/$defs"
TEMPLATE = "template"
"""Whether a template may stand for the whole argument; it may unless this is False in the argument's `Meta.extra`."""


def about(description: str, *examples: Any, role: Role | None = None, template: bool = True) -> Meta:
    """Describe an argument.

    Args:
        description: a sentence; the default, where it is a single value, is added by itself.
        examples: valid values, at least one.
        role: what it names.
        template: whether a template may stand for the whole of it.
    """
    extra = {**({"role": role} if role else {}), **({} if template else {TEMPLATE: False})}
    return Meta(description=description, examples=list(examples), extra=extra or None)


def matching(pattern: str, message: str) -> Meta:
    """Demand a pattern; `message` is said where it does not match."""
    return Meta(pattern=pattern, extra_json_schema={"errorMessage": {"pattern": message}})


def shaped(schema: Mapping[str, Any]) -> Meta:
    """Let this schema stand for the one that the type would give."""
    return Meta(extra_json_schema=dict(schema))


class OnError(StrEnum):
    """What becomes of a row that cannot be taken as it is."""

    ABORT = "abort"
    QUARANTINE = "quarantine"


Text = Annotated[str, Meta(min_length=1)]
Texts = Annotated[tuple[Text, ...], Meta(min_length=1)]
UniqueTexts = Annotated[tuple[Text, ...], Meta(min_length=1, extra_json_schema={"uniqueItems": True})]
Names = Annotated[str | tuple[str, ...], shaped({"$ref": f"{COMMON}/names"})]
Value = Annotated[str | int | float, shaped({"anyOf": [{"type": ["string", "number"]}, {"$ref": f"{COMMON}/secret"}]})]
"""A text or number that another program or server is given; a secret's source may stand for it."""

Hideable = Annotated[Any, shaped({"type": "string", "minLength": 1})]
"""A text that is shown; one that a template made from a secret stays a Secret."""

Seconds = Annotated[float, Meta(gt=0)]
WholeSeconds = Annotated[int, Meta(ge=0)]
Businesses = Annotated[
    tuple[Text, ...],
    Meta(
        min_length=1,
        extra_json_schema={
            "uniqueItems": True,
            "errorMessage": {
                "minItems": "the list is empty; name at least one business, or leave the key out for all of them"
            },
        },
    ),
]


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The arguments of an action. Subclasses repeat `frozen=True, kw_only=True`."""

    def written(self) -> dict[str, Any]:
        """Give the same as a playbook would have them: what is as by default is left out."""
        # by way of JSON, since tuples would stay tuples otherwise
        written: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return written


class BundleFile(Arguments, frozen=True, kw_only=True):
    """A repository in one file."""

    bundle: Annotated[Text, about("The file; relative to the control directory.", "/media/usb/shop.playback")]


RepositoryChoice = Text | BundleFile
"""A repository of the inventory by its name, or a file that is one."""

RepositoryName = Annotated[
    RepositoryChoice,
    about(
        "The repository; the host's `repository` variable when left out.",
        "local",
        {"bundle": "/media/usb/shop.playback"},
        role=Role.REPOSITORY,
    ),
]


def repository_name(choice: str | BundleFile) -> str:
    """Give the name by which the inventory knows a repository."""
    return choice if isinstance(choice, str) else BundleRepository.written(choice.bundle)


JobName = Annotated[
    str,
    matching(
        "^[A-Za-z0-9][A-Za-z0-9._-]*$",
        "a job's name is letters, digits, -, _ and . and begins with a letter or digit",
    ),
    about(
        "The name that backups are grouped by; the playbook's file name without its ending when left out.",
        "nightly",
    ),
]

LockWait = Annotated[
    WholeSeconds,
    about("Seconds to wait while a prune or repair holds the repository. Default: 0, do not wait.", 600),
]


class BackupFilter(Arguments, frozen=True, kw_only=True):
    """Which backup is meant, where it is neither the latest nor named by its label."""

    job: Annotated[Text, about("Only backups of this job.", "nightly")] = ""
    scope: Annotated[BackupType | None, about("Only backups of this type.", "business")] = None
    host: Annotated[Text, about("Only backups of this host; the host of the task when left out.", "till-1")] = ""
    tags: Annotated[Texts, about("Only backups that carry all of these tags.", ["before-migration"])] = ()

    @property
    def criteria(self) -> Criteria:
        """The same for those who choose."""
        return Criteria(host=self.host, job=self.job, scope=self.scope or "", tags=self.tags)


BackupChoice = Annotated[Text | Annotated[BackupFilter, Meta(extra_json_schema={"minProperties": 1})], Meta()]
"""`latest`, a label, or what narrows down which newest one is meant."""


class DemoArguments(Arguments, frozen=True, kw_only=True):
    """What a scope does with demo tenants."""

    demo: Annotated[
        Demo,
        about("What to do with demo tenants: leave them out, take them along, or take them only.", "exclude"),
    ] = Demo.EXCLUDE


def names(value: str | Sequence[str]) -> tuple[str, ...]:
    """Give one name or several as a tuple; an empty text as an empty one."""
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(value)
