"""The form of a backup: what was chosen, what is wrong with it beside which field, and the playbook that it makes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.datastructures import FormData, QueryParams

from toolkit.app.console.composing import playbook
from toolkit.app.console.forms import text, texts
from toolkit.app.scope_options import names
from toolkit.config.inventory import LoadedInventory
from toolkit.config.masking import mask
from toolkit.errors import InputError, PlaybackError, UnsetError
from toolkit.model.catalog import Catalog
from toolkit.model.census import Census
from toolkit.model.host import BundleRepository, LocalRepository
from toolkit.model.scope import BackupType, Demo
from toolkit.planning.expecting import BY_HAND
from toolkit.storage.layout import check_job
from toolkit.wording import counted, first_few

_LIMIT_OF: Final = "limit:"
_LIMIT = re.compile(r"[1-9][0-9]{0,11}")
_LONGEST: Final = 200
"""Characters of a tag at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What was chosen, as it was sent.

    Attributes:
        some: only the ticked `businesses`.
        optional: the ticked optional tables.
        limits: what was typed as the limit of a table, ticked or not.
    """

    host: str
    scope: str = BackupType.BUSINESS
    some: bool = False
    businesses: tuple[str, ...] = ()
    demo: str = Demo.EXCLUDE
    optional: tuple[str, ...] = ()
    limits: Mapping[str, str] = field(default_factory=dict)
    repositories: tuple[str, ...] = ()
    tags: str = ""
    job: str = BY_HAND


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A repository to choose.

    Attributes:
        where: what it is, in a few words.
        lacks: why it cannot be used on this computer; empty where it can.
    """

    name: str
    where: str
    lacks: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What there is to choose from for a host.

    Attributes:
        optional: the optional tables, each with whether its newest rows alone can be had.
        demo: the catalog tells demo businesses from others.
        usual: the host's own repository; empty where it has none.
        census: its businesses, where they are known.
    """

    host: str
    places: tuple[Place, ...]
    usual: str
    optional: Mapping[str, bool]
    demo: bool
    lacks: str = ""
    census: Census | None = None


def offered(inventory: LoadedInventory, name: str, census: Census | None) -> Offered:
    """Give what there is to choose from; InputError where there is no such host, or it is not set up right."""
    host = inventory.host(name)
    lacks, catalog = "", None
    try:
        catalog = inventory.catalog(host.catalog) if host.catalog else None
        lacks = "" if catalog else "Nothing says yet which of its data belong to whom, so it cannot be backed up."
    except InputError as error:
        lacks = mask(f"Its catalog file is not right: {error.message}")
    return Offered(
        host=name,
        places=tuple(_places(inventory, host.repository)),
        usual=host.repository,
        optional=_optional(catalog, census),
        demo=bool(catalog and catalog.tenant.demo),
        lacks=lacks,
        census=census,
    )


def _optional(catalog: Catalog | None, census: Census | None) -> dict[str, bool]:
    if census is not None:
        return {each.table: bool(each.newest_by) for each in census.optional}
    rules = catalog.rules.values() if catalog else ()
    return {rule.table: bool(rule.newest_by) for rule in rules if rule.optional}


def _places(inventory: LoadedInventory, usual: str) -> Iterator[Place]:
    """The repositories of the inventory, and the host's own where that is a file to carry."""
    for name in dict.fromkeys((*inventory.repositories, *filter(None, [usual]))):
        try:
            config = inventory.repository(name)
        except UnsetError as error:
            yield Place(name=name, where="", lacks=error.brief)
            continue
        except PlaybackError as error:
            yield Place(name=name, where="", lacks=error.message)
            continue
        if isinstance(config, LocalRepository):
            yield Place(name=name, where=f"the folder {config.path}")
        elif isinstance(config, BundleRepository):
            yield Place(name=name, where=f"one file to carry, {config.path}")
        else:
            yield Place(name=name, where=f"in the cloud, bucket {config.bucket}")


def begun(query: QueryParams, offer: Offered) -> Chosen:
    """Give what is chosen before anybody chose: the usual, or what the address says."""
    usual = [offer.usual] if offer.usual else [each.name for each in offer.places[:1]]
    return Chosen(
        host=offer.host,
        scope=query.get("scope", BackupType.BUSINESS),
        some="business" in query,
        businesses=tuple(query.getlist("business")),
        demo=query.get("demo", Demo.EXCLUDE),
        repositories=tuple(usual),
    )


def sent(form: FormData) -> Chosen:
    """Give what was chosen in a form."""
    return Chosen(
        host=text(form, "host"),
        scope=text(form, "scope"),
        some=text(form, "which") == "some",
        businesses=tuple(dict.fromkeys(texts(form, "business"))),
        demo=text(form, "demo") or Demo.EXCLUDE,
        optional=tuple(dict.fromkeys(texts(form, "optional"))),
        limits={
            name.removeprefix(_LIMIT_OF): limit
            for name in form
            if name.startswith(_LIMIT_OF) and (limit := text(form, name))
        },
        repositories=tuple(dict.fromkeys(texts(form, "repository"))),
        tags=text(form, "tags"),
        job=text(form, "job") or BY_HAND,
    )


def problems(chosen: Chosen, offer: Offered) -> dict[str, str]:
    """Give what is wrong, by field: the field's name, for the limit of an optional table `limit:TABLE`."""
    found: dict[str, str] = {}
    if offer.lacks:
        found["host"] = offer.lacks
    if chosen.scope not in list(BackupType):
        found["scope"] = "Choose one of the two kinds of backup."
    if wrong := _wrong_businesses(chosen, offer):
        found["business"] = wrong
    if wrong := _wrong_demo(chosen, offer):
        found["demo"] = wrong
    found |= _wrong_optional(chosen, offer)
    if wrong := _wrong_places(chosen, offer):
        found["repository"] = wrong
    if any(len(tag) > _LONGEST or not tag.isprintable() for tag in names(chosen.tags)):
        found["tags"] = f"A tag is a few words on one line, at most {_LONGEST} characters."
    try:
        check_job(chosen.job)
    except InputError:
        found["job"] = "Use up to 64 letters, digits, - _ and . only, beginning with a letter or digit."
    return found


def _wrong_businesses(chosen: Chosen, offer: Offered) -> str:
    known = {each.key for each in offer.census.businesses} if offer.census else set()
    if offer.census and not known and chosen.scope == BackupType.BUSINESS and chosen.demo != Demo.INCLUDE:
        return "There is no business in the database yet. A full device backup can be made all the same."
    if not chosen.some:
        return "Some are ticked: choose only those, or untick them." if chosen.businesses else ""
    if not chosen.businesses:
        return "Tick at least one business, or choose all of them."
    gone = [key for key in chosen.businesses if key not in known] if offer.census else []
    return f"Not in the database any more: {first_few(gone)}. Load the page again." if gone else ""


def _wrong_demo(chosen: Chosen, offer: Offered) -> str:
    if chosen.demo not in list(Demo):
        return "Choose what to do with demo businesses."
    if offer.census is None or not offer.census.businesses or chosen.demo == Demo.INCLUDE:
        return ""
    wanted = chosen.demo == Demo.ONLY
    ticked = [each for each in offer.census.businesses if not chosen.some or each.key in chosen.businesses]
    if chosen.some:
        against = [each.name for each in ticked if each.demo is not wanted]
        if against and wanted:
            return f"Only demo businesses are wanted, and this is none: {first_few(against)}."
        if against:
            are = "is a demo business" if len(against) == 1 else "are demo businesses"
            return f"{first_few(against)} {are}, and those are left out. Take them along with the others, or untick."
    elif chosen.scope == BackupType.BUSINESS and not any(each.demo is wanted for each in ticked):
        return "There is no demo business." if wanted else "There are no others than demo businesses: take them along."
    return ""


def _wrong_optional(chosen: Chosen, offer: Offered) -> dict[str, str]:
    found: dict[str, str] = {}
    for table in dict.fromkeys((*chosen.optional, *chosen.limits)):
        limit = chosen.limits.get(table, "")
        if table not in offer.optional:
            found["optional"] = f"{table} is not among the tables that can be chosen."
        elif table not in chosen.optional:
            found[f"{_LIMIT_OF}{table}"] = "Tick the table, or leave this empty."
        elif limit and not offer.optional[table]:
            found[f"{_LIMIT_OF}{table}"] = (
                "All rows of it or none: nothing says which are its newest. Leave this empty."
            )
        elif limit and not _LIMIT.fullmatch(limit):
            found[f"{_LIMIT_OF}{table}"] = "Write a whole number of rows, such as 5000, or leave it empty for all."
    return found


def _wrong_places(chosen: Chosen, offer: Offered) -> str:
    if not chosen.repositories:
        return "Choose where the backup goes."
    known = {each.name: each for each in offer.places}
    for name in chosen.repositories:
        if name not in known:
            return f"There is no repository {name}."
        if known[name].lacks:
            return f"{name} cannot be used on this computer: {known[name].lacks}"
    return ""


def without(chosen: Chosen, offer: Offered) -> tuple[str, ...]:
    """Give what a backup of these choices does not hold, each in a few words."""
    found = []
    businesses = offer.census.businesses if offer.census else ()
    if chosen.some:
        if left := sum(each.key not in chosen.businesses for each in businesses):
            found.append(counted(left, "business that is not ticked", "businesses that are not ticked"))
    elif chosen.demo != Demo.INCLUDE:
        wanted = chosen.demo == Demo.ONLY
        if left := sum(each.demo is not wanted for each in businesses):
            one, many = ("business", "businesses") if wanted else ("demo business", "demo businesses")
            found.append(counted(left, one, many))
    for table in offer.optional:
        if table not in chosen.optional:
            found.append(f"the table {table}")
        elif table in chosen.limits:
            found.append(f"the older rows of {table}")
    if chosen.scope == BackupType.BUSINESS and offer.census and offer.census.device_tables:
        found.append("what belongs to this computer alone")
    return tuple(found)


def written(chosen: Chosen, offer: Offered) -> str:
    """Write the playbook of a form with which nothing is wrong."""
    arguments: dict[str, Any] = {"scope": str(chosen.scope)}
    if chosen.some:
        arguments["businesses"] = list(chosen.businesses)
    arguments["demo"] = str(chosen.demo)
    if chosen.optional:
        arguments["optional"] = {
            table: {"limit": int(chosen.limits[table])} if table in chosen.limits else {} for table in chosen.optional
        }
    arguments["job"] = chosen.job
    if tags := names(chosen.tags):
        arguments["tags"] = list(dict.fromkeys(tags))
    arguments["repository"] = chosen.repositories[0] if len(chosen.repositories) == 1 else list(chosen.repositories)
    kind = "Full device backup" if chosen.scope == BackupType.FULL_DEVICE else "Business backup"
    task = {"name": f"Back up {_which(chosen, offer)}", "backup": arguments}
    return playbook(f"{kind} of {chosen.host}", chosen.host, [task])


def _which(chosen: Chosen, offer: Offered) -> str:
    """What is backed up, in a few words for the task's name."""
    demo = {Demo.EXCLUDE: "without demo businesses", Demo.INCLUDE: "demo businesses included", Demo.ONLY: ""}
    if not chosen.some:
        words = "all demo businesses" if chosen.demo == Demo.ONLY else f"all businesses, {demo[Demo(chosen.demo)]}"
        return words if offer.demo else "all businesses"
    called = {each.key: each.name for each in (offer.census.businesses if offer.census else ())}
    listed: Sequence[str] = [called.get(key, key) for key in chosen.businesses]
    if len(listed) > 3:
        return counted(len(listed), "business", "businesses")
    return " and ".join((", ".join(listed[:-1]), listed[-1]) if len(listed) > 1 else listed)
