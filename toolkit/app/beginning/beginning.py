"""Making a control directory, and naming a database in it: everything is asked first, and written at the end."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from toolkit import shipped
from toolkit.app.beginning.asking import Asker
from toolkit.app.beginning.begun import Begun
from toolkit.app.beginning.classifying import Classified
from toolkit.app.beginning.database import reached
from toolkit.app.beginning.dialogue import Dialogue, Wanted
from toolkit.app.beginning.files import Files
from toolkit.app.beginning.known import KnownHosts
from toolkit.app.beginning.proving import BESIDE
from toolkit.app.beginning.writing import Writing
from toolkit.config import inventory as inventories
from toolkit.config import inventory_text
from toolkit.config.lint import lint
from toolkit.errors import InputError
from toolkit.wording import called

NIGHTLY = "playbooks/nightly.yml"


def begin(wanted: Wanted, asker: Asker) -> Begun:
    """Make a control directory, or complete one, and name a database in it.

    Raises:
        InputError: what was typed is wrong, or the inventory that is there is.
        DatabaseError: the database cannot be reached or read.
    """
    _check(wanted)
    files = Files(directory=wanted.directory)
    own = wanted.directory / "inventory"
    loaded = inventories.load(own, control=wanted.directory) if (own / "hosts.yml").exists() else None
    hosts = KnownHosts(inventory=loaded, directory=wanted.directory) if loaded is not None else None
    beginning = _Beginning(
        wanted=wanted,
        dialogue=Dialogue(wanted=wanted, asker=asker, hosts=hosts),
        writing=Writing(files=files, hosts=hosts, backups=wanted.backups),
    )
    return beginning.run()


def _check(wanted: Wanted) -> None:
    if wanted.directory == shipped.ROOT:
        message = f"{wanted.directory} is the source of Playback itself, and the demo's control directory"
        raise InputError(message, hint="name a directory of your own: invoke init DIR")
    if wanted.directory.exists() and not wanted.directory.is_dir():
        raise InputError(f"{wanted.directory} is no directory")
    if wanted.host and not inventory_text.is_host_name(wanted.host):
        raise InputError(
            f"--host {wanted.host}: a name has no blanks and none of , : ! & * ? [ ] {{ }} / \\ in it, and is not all",
            hint="e.g. --host till-1",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beginning:
    wanted: Wanted
    dialogue: Dialogue
    writing: Writing

    def run(self) -> Begun:
        """Ask, then write, then check."""
        host, database = self.dialogue.database()
        if database is None:
            self.writing.common()
            return self._written(said=(), warnings=(), host="", found=None)
        with reached(database, self.dialogue.asker, self.wanted.directory) as database_reached:
            version = database_reached.connection.info.server_version // 10000
            info = database_reached.connection.info
            said = [f"connected to PostgreSQL {version}, database {info.dbname} as {info.user}"]
            known = self.dialogue.known(host, database_reached)
            host = host or known or self.dialogue.new_name(database_reached)
            catalog, found = self.dialogue.catalog(host, database_reached, known=bool(known))
            proving = self.dialogue.proving(host, database_reached, known=bool(known))
            cautions = found.warnings if found is not None else ()
            warnings = [*cautions, *proving.said, *self.dialogue.warnings(database_reached)]
            if found is not None:
                self.writing.catalog(catalog, found.text)
            self.writing.common()
            if known:
                self.writing.renew_secrets(host, database_reached)
                if proving.on == BESIDE:
                    self.writing.scratch_beside(host)
            else:
                self.writing.host(host, database_reached, catalog=catalog, on=proving.on)
        said += [f"catalog {catalog} fits all of its tables"] if found is None else found.said
        return self._written(
            said=tuple(said),
            warnings=tuple(warnings),
            host=host,
            found=found,
            catalog=catalog,
            provable=proving.possible,
        )

    def _written(
        self,
        *,
        said: tuple[str, ...],
        warnings: tuple[str, ...],
        host: str,
        found: Classified | None,
        catalog: str = "",
        provable: bool = True,
    ) -> Begun:
        self.writing.files.write()
        undecided = found.open if found is not None else ()
        return Begun(
            files=self.writing.files,
            said=said,
            warnings=warnings,
            unanswered=tuple(self.dialogue.asker.unanswered),
            undecided=undecided,
            catalog=f"inventory/catalogs/{catalog}.yml",
            problems=tuple(lint(self.wanted.directory)),
            steps=tuple(self._steps(host, undecided=bool(undecided), provable=provable)),
        )

    def _steps(self, host: str, *, undecided: bool, provable: bool) -> Iterator[str]:
        directory = self.wanted.directory
        here = Path.cwd()
        if directory != here:
            yield f"cd {shlex.quote(str(directory.relative_to(here) if here in directory.parents else directory))}"
        if not _is_installed():
            yield f"pip install -e {shlex.quote(str(shipped.ROOT))}  # so that this directory finds Playback"
        if not host:
            yield called("invoke init --database postgresql://USER@SERVER/DATABASE")
        elif undecided:
            yield called(f"invoke init --host {host}  # on a terminal: asks about each; --yes takes what is safe")
        else:
            if not provable:
                yield called(f"invoke init --host {host}  # when one of the servers has what it lacks, see above")
            note = "" if provable else "  # backs up, and ends with exit code 4 until a backup can be proven"
            yield called(f"invoke run {NIGHTLY}{note}")
            yield called(f"invoke schedule {NIGHTLY} --at 02:00 --install")


def _is_installed() -> bool:
    try:
        metadata.distribution("playback-toolkit")
    except metadata.PackageNotFoundError:
        return False
    return True
