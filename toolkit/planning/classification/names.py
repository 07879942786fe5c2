"""What names of tables and columns suggest, in camelCase or snake_case; evidence, never proof.

Each name is asked about again with every answer of a person, and says the same each time: answers are kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cache

_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])")
_GLOB = re.compile(r"[*?\[\]]")
_SEPARATORS = re.compile(r"[.,]")
_LIST_WORDS = frozenset(("name", "title", "label"))
_CODE_WORDS = frozenset("code key symbol slug iso".split())
_LOOKUP_WORDS = frozenset(
    "type kind status currency country language locale timezone unit setting permission feature role plan rate"
    " region lookup title option flag capability"
    " category color colour genre industry gender city province tax vat".split()
)
_STATE_WORDS = frozenset(
    "sync session queue offline device token cache presence heartbeat lock outbox throttle nonce".split()
)
_STATE_ENDINGS = frozenset("job worker".split())
"""Words in names of tables that hold a device's own or passing state. Business tables have them too, so they only make
a table whose owner is not sure a person's to decide."""
_PEOPLE_WORDS = frozenset(
    "user person people member employee customer client contact patient student guest supplier vendor staff profile"
    " account participant".split()
)
_MEMBER_WORDS = frozenset(
    "member membership participant participation collaborator collaboration staff assignment enrollment enrolment"
    " affiliation seat".split()
)
_TENANT_WORDS = frozenset(
    "tenant organization organisation org company workspace business account team shop store merchant agency clinic"
    " school site customer brand property hotel restaurant firm club community institution practice office group"
    " realm installation instance space vendor supplier seller blog".split()
)
_SURE_TENANT_WORDS = frozenset("tenant organization organisation org company workspace business account".split())

_MAKERS = frozenset(
    "by create write update insert creator created author updater updated modifier modified editor edited deleter"
    " deleted approver approved assignee assigner assigned inviter invited requester requested reviewer reviewed"
    " reporter reported verifier verified uploader uploaded performer performed processor processed closer closed"
    " opener opened referrer referred signer signed issuer issued canceller cancelled canceled resolver resolved actor"
    " impersonator".split()
)
_PASSING = frozenset(
    "last latest recent recently previous prev former old next current active selected visited viewed seen focused"
    " pinned".split()
)
_CHOICES = frozenset("default preferred favorite favourite home primary main parent original".split())
_ABOVE = frozenset("parent root thread replied reply container ancestor superior".split())
_FOLDED = re.compile(
    r"^(?:last|latest|current|active|selected|previous|recent|default|preferred|favou?rite|parent)\w{3,}$"
    r"|^\w*(?:created|updated|modified|approved|assigned|invited|requested|reviewed|edited|deleted|changed)(?:by|to)\w*$"
)
"""The same in names that PostgreSQL folded to lower case: `lastvisitedshopid`."""


@cache
def words(name: str) -> tuple[str, ...]:
    """Give the words of a name, in lower case."""
    return tuple(word.lower() for word in _WORD.findall(name))


@cache
def plain(name: str) -> str:
    """Give a name without case and separators: `businessId` and `business_id` are the same."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def singulars(word: str) -> frozenset[str]:
    """Give what the singular of an English plural may be, the word itself included."""
    found = {word}
    if word.endswith("s"):
        found.add(word[:-1])
    if word.endswith("es"):
        found.add(word[:-2])
    if word.endswith("ies"):
        found.add(f"{word[:-3]}y")
    if word == "people":
        found.add("person")
    return frozenset(found)


@cache
def own_names(table: str) -> frozenset[str]:
    """Give what one row of a table may be called, plain: `order_items` gives `orderitem`."""
    parts = words(table)
    return (
        frozenset("".join(parts[:-1]) + word for word in singulars(parts[-1])) if parts else frozenset((plain(table),))
    )


def own_names_of(tables: Collection[str]) -> Mapping[str, frozenset[str]]:
    """Give what one row of each table may be called; without the prefix that most of them have in common as well."""
    firsts = Counter(words(table)[0] for table in tables if len(words(table)) > 1)
    prefix, times = max(firsts.items(), key=lambda each: (each[1], each[0]), default=("", 0))
    common = times >= 3 and 4 * times >= 3 * len(tables)
    whole = {name for table in tables for name in own_names(table)}
    found = {}
    for table in tables:
        bare = words(table)[1:] if common and words(table)[0] == prefix else ()
        found[table] = own_names(table) | (own_names("_".join(bare)) - whole if bare else frozenset())
    return found


@cache
def names_parent(column: str, parent: str, key: str) -> bool:
    """Say whether a column is called after the table it points at: `productId` for `business_products`.

    A column that says more or something else (`createdBy`, `primaryBusinessId`) tells a role, not the parent.
    """
    parts = words(parent)
    called = {"".join(parts[start:-1]) + word for start in range(len(parts)) for word in singulars(parts[-1])}
    endings = ("", "id", "ptr", "ptrid", "uuid", plain(key))
    return plain(column) in {name + ending for name in called for ending in endings}


@cache
def is_role_of(column: str, parent: str) -> bool:
    """Say whether a column says more than its target's name: `primaryShopId`, but neither `shopId` nor `org_id`."""
    said = plain(column)
    whole = [name for name in own_names(parent) if name and name in said]
    return bool(whole) and not any(said in {name + ending for ending in ("", "id", "uuid")} for name in whole)


@cache
def mentions(column: str, *, required: bool) -> bool:
    """Say whether a column only mentions a row (who made, what was visited last, what somebody prefers).

    Args:
        required: it is NOT NULL; then it is no mere preference.
    """
    said = set(words(column))
    mere = _MAKERS | _PASSING | (frozenset() if required else _CHOICES)
    return bool(said & mere) or (len(said) <= 1 and _FOLDED.match(column) is not None)


@cache
def is_passing(column: str) -> bool:
    """Say whether a column says what is or was at one moment: `lastVisitedShopId`, `current_team`."""
    folded = re.match(r"(?:last|latest|current|active|selected|previous|recent)\w{3,}$", column) is not None
    return bool(set(words(column)) & _PASSING) or folded


@cache
def is_above(column: str) -> bool:
    """Say whether a column that points at its own table names what a row is a part of: `parentId`, `reply_to`."""
    return bool(set(words(column)) & _ABOVE) or plain(column).startswith("parent")


def reads_like_state(table: str) -> str:
    """Give the word of a table's name that suggests a device's own or passing state; empty without one."""
    found = next((word for word in words(table) if singulars(word) & _STATE_WORDS), "")
    return found or (words(table)[-1] if _last(table, _STATE_ENDINGS) else "")


def reads_like_people(table: str) -> bool:
    """Say whether the rows of a table seem to be people, who may belong to several tenants."""
    return _last(table, _PEOPLE_WORDS)


def reads_like_members(table: str) -> bool:
    """Say whether a table seems to say who belongs to what."""
    return any(singulars(word) & _MEMBER_WORDS for word in words(table))


def reads_like_lookup(table: str) -> bool:
    """Say whether a table seems to be a list that everybody looks things up in."""
    return _last(table, _LOOKUP_WORDS)


def reads_like_tenants(table: str) -> int:
    """Say how much a table's name says that its rows are the tenants: 2, 1, or 0 for not at all."""
    if _last(table, _SURE_TENANT_WORDS) and len(words(table)) <= 2:
        return 2
    return int(_last(table, _TENANT_WORDS) and len(words(table)) <= 2)


def reads_like_list_key(column: str, table: str) -> bool:
    """Say whether a column is what entries of a list are called by, e.g. `name`; in a lookup table also a `code`."""
    last = words(column)[-1:]
    return bool(last) and (last[0] in _LIST_WORDS or (last[0] in _CODE_WORDS and reads_like_lookup(table)))


def table_can_stand(table: str) -> bool:
    """Say whether a name can be an entry of a group: it has no glob characters."""
    return bool(table) and not _GLOB.search(table)


def can_be_pointed(columns: Iterable[str], tables: Iterable[str]) -> bool:
    """Say whether names can stand in `table.column`: there are no commas in them, and no dots in those of columns."""
    return all(name and not _SEPARATORS.search(name) and name == name.strip() for name in columns) and all(
        name and "," not in name and name == name.strip() for name in tables
    )


def _last(table: str, known: frozenset[str]) -> bool:
    last = words(table)[-1:]
    return bool(last) and bool(singulars(last[0]) & known)
