"""Making a control directory, and naming a database in it: everything is asked first, and written at the end."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from toolkit import shipped
from toolkit.app.beginning import texts
from toolkit.app.beginning.asking import Asker
from toolkit.app.beginning.begun import Begun
from toolkit.app.beginning.classifying import Classified, classified, fitting
from toolkit.app.beginning.database import SECRETS, Reached, reached
from toolkit.app.beginning.files import Files
from toolkit.app.beginning.playbooks import RECORD, digest, record, record_text, shipped_playbooks
from toolkit.app.beginning.proving import BESIDE, Original, Proving, place_for
from toolkit.config import catalog_draft, conninfo, inventory_text, repositories
from toolkit.config import inventory as inventories
from toolkit.config.inventory import LoadedInventory
from toolkit.config.lint import lint
from toolkit.config.secrets import SourcedSecret, plain
from toolkit.config.templates import is_template
from toolkit.errors import InputError, Problem
from toolkit.model.secret import Secret
from toolkit.postgres.session.parts import SECRETS as SECRET_PARTS
from toolkit.wording import called

HOSTS, REPOSITORIES = "inventory/hosts.yml", "inventory/repositories.yml"
REPOSITORY = "backups"
NIGHTLY = "playbooks/nightly.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person wants.

    Attributes:
        directory: the control directory.
        database: the address that was typed; empty for none.
        host: what the database is called; empty where that follows from its name.
        backups: where backups go; empty for a directory in the control directory.
    """

    directory: Path
    database: str = ""
    host: str = ""
    backups: str = ""


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
    beginning = _Beginning(wanted=wanted, asker=asker, files=files, loaded=loaded)
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


@dataclass(slots=True, kw_only=True)
class _Beginning:
    wanted: Wanted
    asker: Asker
    files: Files
    loaded: LoadedInventory | None

    def run(self) -> Begun:
        """Ask, then write, then check."""
        host, database = self._database()
        if database is None:
            self._common()
            return self._written(said=(), warnings=(), host="", found=None)
        with reached(database, self.asker, self.wanted.directory) as database_reached:
            version = database_reached.connection.info.server_version // 10000
            info = database_reached.connection.info
            said = [f"connected to PostgreSQL {version}, database {info.dbname} as {info.user}"]
            known = self._known(host, database_reached)
            host = host or known or self._new_name(database_reached)
            catalog, found = self._catalog(host, database_reached, known=bool(known))
            proving = self._proving(host, database_reached, known=bool(known))
            cautions = found.warnings if found is not None else ()
            warnings = [*cautions, *proving.said, *self._warnings(database_reached)]
            self._common()
            if known:
                self._renew_secrets(host, database_reached)
                if proving.on == BESIDE:
                    self._scratch_beside(host)
            else:
                self._host(host, database_reached, catalog=catalog, on=proving.on)
        said += [f"catalog {catalog} fits all of its tables"] if found is None else found.said
        return self._written(
            said=tuple(said),
            warnings=tuple(warnings),
            host=host,
            found=found,
            catalog=catalog,
            provable=proving.possible,
        )

    def _database(self) -> tuple[str, str | Secret | None]:
        """The host's name, as far as it is known, and its database: typed, in the inventory, or asked for."""
        wanted = self.wanted
        if wanted.database:
            return wanted.host, wanted.database
        if self.loaded is not None and wanted.host in self.loaded.groups["all"]:
            return wanted.host, self._address(wanted.host)
        if wanted.host and not self.asker.person:
            known = ", ".join(self.loaded.groups["all"]) if self.loaded else ""
            raise InputError(
                f"--host {wanted.host}: the inventory has no such host{f'; there are {known}' if known else ''}",
                hint=f"name its database: invoke init --host {wanted.host} --database postgresql://USER@SERVER/DATABASE",
            )
        prompt = "Which database? postgresql://USER@SERVER/DATABASE (Enter: none yet): "
        return wanted.host, self.asker.text(prompt) or None

    def _known(self, host: str, found: Reached) -> str:
        """The host of the inventory that this database is; empty for none.

        Raises:
            InputError: the name is that of another database.
        """
        if self.loaded is None:
            return ""
        for name in [host] if host else list(self.loaded.groups["all"]):
            if name in self.loaded.groups["all"] and self._is_that(name, found):
                return name
        if host in self.loaded.groups["all"]:
            raise InputError(
                f"--host {host}: in {HOSTS} that is another database",
                hint="name this one otherwise, or correct that one by hand: what is written stays as it is",
            )
        return ""

    def _is_that(self, name: str, found: Reached) -> bool:
        try:
            database = self._address(name)
            text = database.reveal() if isinstance(database, Secret) else database
        except InputError:
            # which of them a person means is known all the same where its name was typed with its address
            return name == self.wanted.host and bool(self.wanted.database) and self._is_lost(self._written_of(name))
        return text in (self.wanted.database, found.embedded) or conninfo.same_place(text, found.address)

    def _written_of(self, host: str) -> object:
        assert self.loaded is not None
        return self.loaded.host(host).variables["database"]

    def _address(self, host: str) -> str | Secret:
        """The address of a host, without passwords of which the files are gone: those are asked for again."""
        assert self.loaded is not None
        written = self._written_of(host)
        if not isinstance(written, Mapping) or not any(map(self._is_lost, written.values())):
            return self.loaded.host(host).database
        kept = {key: value for key, value in written.items() if not self._is_lost(value)}
        return conninfo.from_parts(plain(kept)) if not any(map(is_template, kept.values())) else ""

    def _is_lost(self, value: object) -> bool:
        """Whether a value is a secret in a file of ours that is not there: copies of the directory have none."""
        file = _own_file(value)
        return bool(file) and not (self.files.directory / file).is_file()

    def _new_name(self, found: Reached) -> str:
        name = inventory_text.host_name(found.connection.info.dbname)
        if self.loaded is not None and name in {*self.loaded.groups["all"], *self.loaded.groups}:
            try:
                database = self._address(name) if name in self.loaded.groups["all"] else ""
                if isinstance(database, Secret):
                    database.reveal()
            except InputError as error:
                message = f"the inventory has a host {name} already, whose database is not known: {error.message}"
                hint = f"where this is it, say --host {name} as well; otherwise name this one: --host NAME"
                raise InputError(message, hint=hint) from error
            raise InputError(
                f"the inventory has a host {name} already, with another database", hint="name this one: --host NAME"
            )
        return name

    def _catalog(self, host: str, found: Reached, *, known: bool) -> tuple[str, Classified | None]:
        """The catalog's name, and what it is to say; None where one that is there fits."""
        name = host
        if self.loaded is not None:
            if known:
                name = self.loaded.host(host).catalog or host
            elif fits := fitting(found.connection, self.loaded):
                return fits, None
        file = f"inventory/catalogs/{name}.yml"
        draft = catalog_draft.read(self.wanted.directory / file, control=self.wanted.directory)
        if draft.is_begun and not known:
            message = f"is there already, and does not classify every table of database {found.connection.info.dbname}"
            hint = "name the host otherwise (--host NAME), so that it gets a catalog of its own"
            raise InputError([Problem(file=file, message=message)], hint=hint)
        made = classified(found.connection, draft, self.asker)
        if draft.exists:
            self.files.change(file, made.text)
        else:
            self.files.add(file, made.text)
        return name, made

    def _proving(self, host: str, found: Reached, *, known: bool) -> Proving:
        """Where proofs are made; judged each time, for the role or the server may have changed."""
        written = self.loaded.host(host).variables.get("scratch_on", "") if known and self.loaded else ""
        if not isinstance(written, str) or is_template(written):
            return Proving()
        direct = self.loaded.host(host).direct if known and self.loaded else ""
        address = direct.reveal() if isinstance(direct, Secret) else direct
        original = Original(
            connection=found.connection, address=address or found.address, host=host, control=self.wanted.directory
        )
        return place_for(original, written)

    def _scratch_beside(self, host: str) -> None:
        """Write into the inventory that proofs of a host that is there are made on its own server."""
        text = inventory_text.with_setting(self.files.read(HOSTS), host, {"scratch_on": BESIDE}, texts.HOST_NOTES)
        self._add_lines(HOSTS, text, [f"scratch_on: {BESIDE}"], f"to host {host}")

    def _warnings(self, found: Reached) -> Iterator[str]:
        if conninfo.is_database(self.wanted.database) and conninfo.password_in(self.wanted.database):
            yield (
                "the password was typed with the command, which shells remember: leave it out, and it is asked for;"
                f" it is kept in {SECRETS}, for you alone"
            )
        if found.connection.pooled:
            yield (
                "a pooler gives sessions away after each transaction: name the server itself as `direct:` beside"
                f" `database:` in {HOSTS}, for the nightly's proof"
            )

    def _common(self) -> None:
        """The files that every control directory has."""
        add, files = self.files.add, self.files
        add("tasks.py", texts.TASKS)
        add(".gitignore", texts.IGNORED)
        if not (files.directory / ".playback" / ".gitignore").exists():
            add(".playback/.gitignore", texts.IGNORE_ALL)
        add("inventory/group_vars/all.yml", texts.VARIABLES)
        add(REPOSITORIES, texts.REPOSITORIES + "\n" + "\n".join(self._repository(REPOSITORY)) + "\n")
        add(HOSTS, texts.HOSTS)
        digests = record(files.directory)
        for name, text in shipped_playbooks().items():
            # one that was removed stays away
            if ((files.directory / name).exists() or name not in digests) and add(name, text):
                digests[name] = digest(text)
        if digests != record(files.directory):
            files.change(RECORD, record_text(digests))

    def _repository(self, name: str) -> list[str]:
        path = Path(self.wanted.backups).expanduser().absolute().as_posix() if self.wanted.backups else "backups"
        return inventory_text.entry(name, {"type": "local", "path": path}, texts.REPOSITORY_NOTES, indent=0)

    def _host(self, host: str, found: Reached, *, catalog: str, on: str) -> None:
        """Add the host, its secrets and its repository to the inventory."""
        database, secrets = found.written(host)
        for file, value in secrets.items():
            self.files.secret(file, f"{value}\n")
        settings = {
            "database": database,
            "catalog": catalog,
            "repository": self._add_repository(host),
            "device": {"id": host, "name": found.device},
        }
        if on == BESIDE:
            settings["scratch_on"] = BESIDE
        notes = {key: text.format(catalog=catalog) for key, text in texts.HOST_NOTES.items()}
        lines = inventory_text.entry(host, settings, notes, indent=0)
        text = self.files.read(HOSTS) or texts.HOSTS
        self._add_lines(HOSTS, inventory_text.with_host(text, lines), lines, "under `hosts:`")

    def _renew_secrets(self, host: str, found: Reached) -> None:
        """Keep a password that has changed, or whose file is gone, where the inventory refers to a file of ours."""
        written = self._written_of(host)
        parts = written if isinstance(written, Mapping) else {}
        known = {_own_file(parts.get(secret)): found.parts.get(secret, "") for secret in SECRET_PARTS}
        if found.by_variable:
            known[_own_file(parts.get("password"))] = os.environ["PGPASSWORD"]
        known[_own_file(written)] = found.address
        for file, value in known.items():
            if file and value and self.files.read(file) != f"{value}\n":
                self.files.secret(file, f"{value}\n")

    def _add_repository(self, host: str) -> str:
        """The repository's name, which is added where there is none of that name."""
        file = self.files.directory / REPOSITORIES
        if not file.exists():
            return REPOSITORY
        there = repositories.load(file, control=self.files.directory)
        if REPOSITORY in there and not self.wanted.backups:
            return REPOSITORY
        name = f"{REPOSITORY}-{host}" if REPOSITORY in there else REPOSITORY
        lines = self._repository(name)
        text = inventory_text.with_repository(self.files.read(REPOSITORIES), lines)
        self._add_lines(REPOSITORIES, text, lines, "at the end")
        return name

    def _add_lines(self, file: str, text: str | None, lines: list[str], where: str) -> None:
        if text is None:
            shown = "\n".join(f"  {line}" for line in lines)
            message = f"is not written as one entry per line, so that nothing can be added {where}; nothing was written"
            raise InputError([Problem(file=file, message=message)], hint=f"add these lines yourself:\n{shown}")
        if file in self.files.kept:
            self.files.kept.remove(file)
        self.files.change(file, text)

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
        self.files.write()
        undecided = found.open if found is not None else ()
        return Begun(
            files=self.files,
            said=said,
            warnings=warnings,
            unanswered=tuple(self.asker.unanswered),
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


def _own_file(value: object) -> str:
    """The file of ours that a secret is in, below the control directory; empty for any other value."""
    source = value.written.source if isinstance(value, SourcedSecret) and value.written else {}
    file = str(source.get("file", ""))
    return file if file.startswith(f"{SECRETS}/") else ""


def _is_installed() -> bool:
    try:
        metadata.distribution("playback-toolkit")
    except metadata.PackageNotFoundError:
        return False
    return True
