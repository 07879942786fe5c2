"""The command `doctor.storage`: what the place of a repository can do, and what that means for backups."""

from __future__ import annotations

from toolkit.app.console import Output
from toolkit.app.control import Control
from toolkit.errors import InputError
from toolkit.storage.open import open_store
from toolkit.storage.probing import probe
from toolkit.wording import table


def doctor_storage(control: Control, output: Output, *, repository: str) -> int:
    """Use a repository's place under a temporary name, and print what was found.

    Returns:
        0; 1 when it cannot be used as it is.

    Raises:
        InputError: no repository is named, or there is none of that name.
        StorageError: it cannot be reached, or not be written to.
    """
    if not repository:
        raise InputError("no repository to look at is named", hint="invoke doctor.storage --repository REPOSITORY")
    store = open_store(control.load_inventory().repository(repository))
    output.line(f"repository {repository}: {store.place}")
    findings = list(probe(store))
    rows = [(finding.what, finding.found, finding.meaning) for finding in findings]
    for line, finding in zip(table(("what", "found", "what that means here"), rows), (None, *findings), strict=True):
        output.line(line, style="red" if finding and finding.bad else "")
    bad = [finding.what for finding in findings if finding.bad]
    if bad:
        output.line(f"it cannot be used like this: {', '.join(bad)}", style="red")
        return 1
    output.line("it can be used", style="green")
    return 0
