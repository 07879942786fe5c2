"""What is found out before anything is written: the database, which host it is, its catalog, where proofs are made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toolkit.app.beginning.asking import Asker
from toolkit.app.beginning.classifying import Classified, classified, fitting
from toolkit.app.beginning.database import SECRETS, Reached
from toolkit.app.beginning.known import KnownHosts
from toolkit.app.beginning.proving import Original, Proving, place_for
from toolkit.config import catalog_draft, conninfo, inventory_text
from toolkit.config.templates import is_template
from toolkit.errors import InputError, Problem
from toolkit.model.secret import Secret

HOSTS = "inventory/hosts.yml"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """Asks a person, the inventory and the database.

    Attributes:
        hosts: those of the inventory; None where there is none yet.
    """

    wanted: Wanted
    asker: Asker
    hosts: KnownHosts | None

    def database(self) -> tuple[str, str | Secret | None]:
        """Give the host's name, as far as it is known, and its database: typed, in the inventory, or asked for."""
        wanted = self.wanted
        if wanted.database:
            return wanted.host, wanted.database
        if self.hosts is not None and wanted.host in self.hosts.names:
            return wanted.host, self.hosts.address(wanted.host)
        if wanted.host and not self.asker.person:
            known = ", ".join(self.hosts.names) if self.hosts else ""
            raise InputError(
                f"--host {wanted.host}: the inventory has no such host{f'; there are {known}' if known else ''}",
                hint=f"name its database: invoke init --host {wanted.host} --database postgresql://USER@SERVER/DATABASE",
            )
        prompt = "Which database? postgresql://USER@SERVER/DATABASE (Enter: none yet): "
        return wanted.host, self.asker.text(prompt) or None

    def known(self, host: str, found: Reached) -> str:
        """Give the host of the inventory that this database is; empty for none.

        Raises:
            InputError: the name is that of another database.
        """
        if self.hosts is None:
            return ""
        for name in [host] if host else self.hosts.names:
            if name in self.hosts.names and self._is_that(name, self.hosts, found):
                return name
        if host in self.hosts.names:
            raise InputError(
                f"--host {host}: in {HOSTS} that is another database",
                hint="name this one otherwise, or correct that one by hand: what is written stays as it is",
            )
        return ""

    def _is_that(self, name: str, hosts: KnownHosts, found: Reached) -> bool:
        try:
            database = hosts.address(name)
            text = database.reveal() if isinstance(database, Secret) else database
        except InputError:
            # which of them a person means is known all the same where its name was typed with its address
            return name == self.wanted.host and bool(self.wanted.database) and hosts.is_lost(hosts.written(name))
        return text in (self.wanted.database, found.embedded) or conninfo.same_place(text, found.address)

    def new_name(self, found: Reached) -> str:
        """Give the name of a host that is new.

        Raises:
            InputError: the inventory has it already.
        """
        name = inventory_text.host_name(found.connection.info.dbname)
        if self.hosts is not None and name in {*self.hosts.names, *self.hosts.inventory.groups}:
            try:
                database = self.hosts.address(name) if name in self.hosts.names else ""
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

    def catalog(self, host: str, found: Reached, *, known: bool) -> tuple[str, Classified | None]:
        """Give the catalog's name, and what it is to say; None where one that is there fits."""
        name = host
        if self.hosts is not None:
            if known:
                name = self.hosts.inventory.host(host).catalog or host
            elif fits := fitting(found.connection, self.hosts.inventory):
                return fits, None
        file = f"inventory/catalogs/{name}.yml"
        draft = catalog_draft.read(self.wanted.directory / file, control=self.wanted.directory)
        if draft.is_begun and not known:
            message = f"is there already, and does not classify every table of database {found.connection.info.dbname}"
            hint = "name the host otherwise (--host NAME), so that it gets a catalog of its own"
            raise InputError([Problem(file=file, message=message)], hint=hint)
        return name, classified(found.connection, draft, self.asker)

    def proving(self, host: str, found: Reached, *, known: bool) -> Proving:
        """Give where proofs are made; judged each time, for the role or the server may have changed."""
        written = self.hosts.inventory.host(host).variables.get("scratch_on", "") if known and self.hosts else ""
        if not isinstance(written, str) or is_template(written):
            return Proving()
        direct = self.hosts.inventory.host(host).direct if known and self.hosts else ""
        address = direct.reveal() if isinstance(direct, Secret) else direct
        original = Original(
            connection=found.connection, address=address or found.address, host=host, control=self.wanted.directory
        )
        return place_for(original, written)

    def warnings(self, found: Reached) -> Iterator[str]:
        """Give what a person should know of the address."""
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
