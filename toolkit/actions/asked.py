"""What a restore is asked for: the arguments by which the same plan can be made again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from toolkit.actions.arguments import Arguments, Businesses, Text, about, matching
from toolkit.errors import DamageError
from toolkit.model.drift import Answers
from toolkit.model.identity import IdentityChoice
from toolkit.model.plan import Mode

TableColumn = Annotated[str, matching(r"^[^.\s]+\.[^.\s]+$", "write table.column")]


class Triggers(StrEnum):
    """What user triggers do."""

    SILENT = "silent"
    FIRE = "fire"


class AskedArguments(Arguments, frozen=True, kw_only=True):
    """The arguments that decide what a restore plans."""

    mode: Annotated[
        Mode,
        about(
            "`merge` inserts and updates; `mirror` also deletes, within the scope, what the backup does not have. There"
            " is no default.",
            "merge",
            "mirror",
        ),
    ]
    businesses: Annotated[Businesses, about("Restore only these tenants of the backup.", ["b-harbour"])] = ()
    identity: Annotated[
        IdentityChoice | None,
        about(
            "Whose node identity the target has afterwards: decided by the facts, the source's, or a new one."
            " Default: auto.",
            "auto",
        ),
    ] = None
    rename: Annotated[
        Annotated[dict[str, Text], Meta(min_length=1)],
        about(
            "Tables (`table`) and columns (`table.column`) of the backup that have another name in the target.",
            {"orders": "sales_orders", "orders.total": "amount"},
        ),
    ] = msgspec.field(default_factory=dict)
    drop_columns: Annotated[
        Annotated[tuple[TableColumn, ...], Meta(min_length=1)],
        about(
            "Columns of the backup, as `table.column`, that the target no longer has and that may be lost.",
            ["orders.legacyCode"],
        ),
    ] = ()
    defaults: Annotated[
        Annotated[dict[TableColumn, Any], Meta(min_length=1)],
        about(
            "Values for columns of the target, as `table.column`, that the backup does not have.",
            {"orders.channel": "shop"},
        ),
    ] = msgspec.field(default_factory=dict)
    triggers: Annotated[
        Triggers, about("Whether user triggers stay silent or fire for the rows written.", "silent")
    ] = Triggers.SILENT

    @property
    def answers(self) -> Answers:
        """What they say about drift, values as their text."""
        return Answers(
            rename=self.rename,
            drop_columns=tuple(dict.fromkeys(self.drop_columns)),
            defaults={column: _text(value) for column, value in self.defaults.items()},
        )

    @property
    def identity_later(self) -> IdentityChoice | None:
        """The identity to ask for when the plan is made again: one that was made anew is the device's own by then."""
        return IdentityChoice.AUTO if self.identity is IdentityChoice.NEW else self.identity

    def document(self) -> dict[str, Any]:
        """Give what was asked for, as it is kept: without what is as by default."""
        given = self.written()
        return {name: given[name] for name in AskedArguments.__struct_fields__ if name in given}


def asked_again(document: Mapping[str, Any]) -> AskedArguments:
    """Read back what `document` gave; DamageError for anything else."""
    try:
        return msgspec.convert(document, AskedArguments)
    except msgspec.ValidationError as error:
        raise DamageError(
            f"what a restore was asked for is kept in a form that cannot be read: {error}",
            hint="restore the backup again, with `on_error: quarantine`",
        ) from error


def _text(value: Any) -> str | None:
    """A value as PostgreSQL reads it; a list or mapping as JSON."""
    if value is None:
        return None
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | dict | list) else str(value)
