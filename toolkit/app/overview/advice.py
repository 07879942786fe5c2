"""What a finding means to whoever runs the shop, and where to go about it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import quote

from toolkit import wording
from toolkit.config.masking import mask
from toolkit.model.finding import Finding, Level


class Meaning(NamedTuple):
    """What a check means: a sentence, and the page where something can be done about it."""

    text: str
    page: str = ""
    link: str = ""


_BACKUP = "/backup?host={name}"
MEANINGS: Final[dict[tuple[str, str], Meaning]] = {
    ("host", "database"): Meaning(
        "Its database does not answer. Is that computer switched on and connected? Nothing can be backed up until then."
    ),
    ("host", "inventory"): Meaning("Its settings are not right, so nothing of it can be backed up."),
    ("host", "catalog"): Meaning(
        "It is not settled which data belong to whom, so backups of it stop. Ask whoever set Playback up.",
        "/catalog?host={name}",
        "Open the catalog",
    ),
    ("host", "unclassified"): Meaning(
        "The application has new tables that no backup covers yet, and backups stop until it is said whose they are."
        " Ask whoever set Playback up.",
        "/catalog?host={name}",
        "Open the catalog",
    ),
    ("host", "vanished"): Meaning(
        "Tables that used to be backed up are gone from its database. Ask whoever looks after the application."
    ),
    ("host", "backup"): Meaning("Its database does not let us read everything, so it cannot be backed up."),
    ("host", "restore"): Meaning("It can be backed up, but nothing could be brought back into it."),
    ("host", "scratch"): Meaning("Backups of it cannot be tried out, since there is no place for a trial."),
    ("host", "clock"): Meaning("Its clock is wrong, so the ages of backups are wrong. Set it right."),
    ("host", "secret"): Meaning("A file with a password can be read by others on this computer."),
    ("host", "version"): Meaning("Its version of PostgreSQL is not among those that Playback was tried with."),
    ("host", "newest"): Meaning("There is no backup of it, or none that is new enough.", _BACKUP, "Back up now"),
    ("host", "proven"): Meaning(
        "No backup of it was restored as a trial lately, or ever. Only a trial shows that one can be relied upon.",
        "/verify?host={name}",
        "Try a restore",
    ),
    ("host", "failed"): Meaning(
        "A backup failed its trial and cannot be relied upon. Make a new one and try that.", _BACKUP, "Back up now"
    ),
    ("host", "hindered"): Meaning(
        "Something kept the last trial of a backup from coming to its end.", "/verify?host={name}", "Try a restore"
    ),
    ("repository", "repository"): Meaning(
        "This place for backups cannot be reached. Is the disk plugged in, or the network up?",
        "/repositories",
        "Open the repositories",
    ),
    ("repository", "backups"): Meaning(
        "A backup in it cannot be read. Check the repository to see what is damaged.",
        "/repositories",
        "Open the repositories",
    ),
    ("repository", "writable"): Meaning("Nothing can be written to it, so no new backup can be kept there."),
    ("repository", "clock"): Meaning("Its clock and this computer's differ. Set them right."),
    ("repository", "locks"): Meaning(
        "A run that broke off left a lock behind, which keeps others out.", "/repositories", "Open the repositories"
    ),
    ("repository", "disk"): Meaning(
        "There is hardly any room left for the next backup. Make room, or thin out old backups.",
        "/repositories",
        "Open the repositories",
    ),
    ("repository", "check"): Meaning(
        "It was not read back for long, or the last time showed damage. Check it.",
        "/repositories",
        "Open the repositories",
    ),
    ("repository", "proofs"): Meaning("A note about a trial cannot be read. Try that backup again.", "/verify"),
    ("schedule", "run"): Meaning("Its last run did not end well.", "/runs", "See the runs"),
    ("schedule", "missed"): Meaning(
        "A run was missed. Was this computer off at that time?", "/schedules", "Open the schedules"
    ),
    ("schedule", "skipped"): Meaning(
        "A run was left out, since another one was still going on.", "/schedules", "Open the schedules"
    ),
    ("schedule", "timer"): Meaning(
        "Nothing starts it: its timer is gone, or timers are switched off on this computer.",
        "/schedules",
        "Open the schedules",
    ),
    ("schedule", "paused"): Meaning(
        "It is paused: nothing runs until somebody resumes it.", "/schedules", "Open the schedules"
    ),
    ("schedule", "record"): Meaning("What is known of it cannot be read.", "/schedules", "Open the schedules"),
}
"""By what a finding is about, and what was asked."""

_UNUSED: Final = Meaning(
    "Nothing is there yet: the first backup makes it. If there were backups before, is the disk plugged in?",
    "/backup",
    "Back up now",
)
"""Of a repository that does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What is wrong, in plain words, and what to do.

    Attributes:
        text: a sentence or two.
        page, link: the address of the page that helps, and what its link says; empty where none does.
        said: what `doctor` says, and `hint` what it advises, for whoever looks after the machine.
    """

    level: Level
    text: str
    page: str = ""
    link: str = ""
    said: str = ""
    hint: str = ""


def undone_of(host: str, *, made: bool, proven: bool, scheduled: bool, places: Collection[str]) -> tuple[Advice, ...]:
    """Give what is still to do until the backups of a host can be relied upon; nothing of it is a fault.

    Args:
        made: there is a backup of it.
        proven: one was tried by a restore.
        scheduled: it is backed up by itself.
        places: the repositories that have the newest backups.
    """
    name = quote(host, safe="")
    if not made:
        text = "There is no backup of it yet."
        return (Advice(level=Level.WARNING, text=text, page=f"/backup?host={name}", link="Make the first one"),)
    found: list[tuple[str, str, str]] = []
    if not proven:
        text = "No backup of it was restored as a trial yet. Only a trial shows that one can be relied upon."
        found.append((text, f"/verify?host={name}", "Prove that it can be restored"))
    if not scheduled:
        found.append(("It is not backed up by itself.", "/schedules", "Have it run every night"))
    if len(places) == 1:
        text = f"Its backups are in one place only, {next(iter(places))}: what is lost there is lost."
        found.append((text, "/repositories", "Copy them to another place"))
    return tuple(Advice(level=Level.OK, text=text, page=page, link=link) for text, page, link in found)


def advice_on(finding: Finding, *, unused: bool = False) -> Advice:
    """Give what a finding means.

    Args:
        unused: it is of a repository that does not exist, or is not set up.
    """
    kind, _, name = finding.about.partition(" ")
    said, hint = mask(finding.message), mask(wording.called(finding.hint))
    meaning = _UNUSED if unused else MEANINGS.get((kind.removesuffix("s"), finding.check))
    if meaning is None:
        return Advice(level=finding.level, text=f"{said[:1].upper()}{said[1:]}.", hint=hint)
    page = meaning.page.format(name=quote(name, safe=""))
    return Advice(level=finding.level, text=meaning.text, page=page, link=meaning.link, said=said, hint=hint)
