"""What a restore is asked for: the arguments by which the same plan can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from toolkit.actions.answering import AnswersArguments
from toolkit.actions.arguments import Businesses, UniqueTexts, about
from toolkit.errors import DamageError
from toolkit.model.conversion import Conversion
from toolkit.model.identity import IdentityChoice
from toolkit.model.plan import Mode


class Triggers(StrEnum):
    """What user triggers do."""

    SILENT = "silent"
    FIRE = "fire"


class AskedArguments(AnswersArguments, frozen=True, kw_only=True):
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
    tables: Annotated[
        UniqueTexts,
        about(
            "Restore only rows of these tables, names or glob patterns of them, and from other tables the missing rows"
            " that they point at; nothing else is touched.",
            ["products", "product_*"],
        ),
    ] = ()
    identity: Annotated[
        IdentityChoice | None,
        about(
            "Whose node identity the target has afterwards: decided by the facts, the source's, or a new one."
            " Default: auto.",
            "auto",
        ),
    ] = None
    triggers: Annotated[
        Triggers, about("Whether user triggers stay silent or fire for the rows written.", "silent")
    ] = Triggers.SILENT

    @property
    def identity_later(self) -> IdentityChoice | None:
        """The identity to ask for when the plan is made again: one that was made anew is the device's own by then."""
        return IdentityChoice.AUTO if self.identity is IdentityChoice.NEW else self.identity

    def document(self) -> dict[str, Any]:
        """Give what was asked for, as it is kept: without what is as by default; a file must have been read in."""
        given = self.written()
        return {name: given[name] for name in AskedArguments.__struct_fields__ if name in given}


_CONVERSION = Conversion(AskedArguments)


def asked_again(document: Mapping[str, Any]) -> AskedArguments:
    """Read back what `document` gave; DamageError for anything else."""
    try:
        return _CONVERSION(document)
    except msgspec.ValidationError as error:
        raise DamageError(
            f"what a restore was asked for is kept in a form that cannot be read: {error}",
            hint="restore the backup again, with `on_error: quarantine`",
        ) from error
