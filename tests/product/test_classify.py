"""The catalog file that is proposed for the reference application, against what its generator knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg import sql

from tests.app.invoking import invoke
from tests.conftest import Servers
from tests.control import Control, execute
from toolkit.config import catalog as catalogs
from toolkit.demo import true_owners
from toolkit.demo.load import KEYS
from toolkit.errors import RefusedError
from toolkit.model.catalog import Catalog
from toolkit.model.scope import Demo, Scope
from toolkit.postgres.selection.marks import Mark
from toolkit.postgres.selection.selected import Taken
from toolkit.postgres.selection.snapshot import consistent_snapshot
from toolkit.postgres.session.connection import Connection, connect
from toolkit.shipped import DEMO_INVENTORY

HEAD = "catalog: application\nschema: public\ntenant: {table: businesses, key: id, label: name, demo: isDemo}\n"


@pytest.fixture
def place(tmp_path: Path) -> Control:
    """A control directory whose catalog file is empty."""
    return Control(tmp_path, HEAD)


@pytest.fixture
def database(place: Control, servers: Servers, demo_template: Callable[[int], str]) -> str:
    """The small demo as host `shop`; gives its conninfo."""
    conninfo = servers.database(18, template=demo_template(18))
    place.add_host("shop", conninfo)
    return conninfo


def file_of(place: Control) -> Path:
    """The catalog file."""
    return place.directory / "inventory" / "catalogs" / "application.yml"


def update(place: Control) -> str:
    """Update the catalog file on the command line; gives what was said on standard error."""
    words = ("--host", "shop", "--update", "--output", str(file_of(place)))
    done = invoke("classify", *words, "--inventory", str(place.directory / "inventory"))
    assert (done.code, done.out) == (0, ""), done.text
    return done.err


def decide(text: str) -> str:
    """The text with the first option of every open table instead of the question, in the group where it stands."""
    lines: list[str] = []
    asked = ""
    for line in text.split("\n"):
        question = re.match(r" +# DECIDE (.+?): ", line)
        if question:
            asked, first = f"# {question[1]}: ", True
        elif asked and line.strip().startswith(asked):
            lines += [line.replace("# ", "", 1)] if first else []
            first = False
        else:
            lines.append(re.sub(r"^  # (\S+:)$", r"  \1", line))
    return "\n".join(lines)


def reasons(connection: Connection, table: str, taken: Taken, columns: tuple[str, ...]) -> dict[tuple[str, ...], str]:
    """The key of every taken row of a table, and why it was taken."""
    key = sql.SQL(", ").join(sql.SQL("t.{}::text").format(sql.Identifier(column)) for column in columns)
    if taken.ids is None:
        query = sql.SQL("SELECT {} FROM public.{} t").format(key, sql.Identifier(table))
        return {tuple(row): Mark.SHARED for row in connection.execute(query)}
    # none of the demo's tables is partitioned, so that a ctid is enough to find a row again
    query = sql.SQL("SELECT {}, i.why::text FROM public.{} t JOIN {} i ON t.ctid = i.row_id").format(
        key, sql.Identifier(table), taken.ids
    )
    return {tuple(row[:-1]): row[-1] for row in connection.execute(query)}


def mistakes(conninfo: str, catalog: Catalog, *, businesses: int = 8) -> Iterator[tuple[str, str, str]]:
    """(`lost` or `foreign`, business, table) wherever a backup of one business is not what its true owners make it.

    Lost is a row of the business that is not taken; foreign one of others only that is taken for another reason than
    that a taken row points at it. Tables that the catalog leaves open are not looked at.
    """
    truth = true_owners()
    with connect(conninfo) as connection:
        keys = [key for (key,) in connection.execute("SELECT id FROM public.businesses ORDER BY id")]
        assert len(keys) == 8
        for business in keys[:businesses]:
            scope = Scope(businesses=(business,), demo=Demo.INCLUDE)
            with consistent_snapshot(connection, catalog, scope, unclassified="warn") as survey:
                for table, taken in survey.select().taken.items():
                    why = reasons(connection, table, taken, KEYS.get(table, ("id",)))
                    owners = truth[table]
                    if any(business in owners[key] and key not in why for key in owners):
                        yield "lost", business, table
                    own = [key for key, reason in why.items() if reason in (Mark.OWNED, Mark.SHARED)]
                    if any(owners[key] and business not in owners[key] for key in own):
                        yield "foreign", business, table


def test_the_proposed_file_is_right_about_every_owner(place: Control, database: str) -> None:
    """Less than 20% of the tables need a person; no decided rule loses a row or takes another business's."""
    said = update(place)
    text = file_of(place).read_text(encoding="utf-8")
    assert text.startswith(HEAD)
    proposed = catalogs.load(file_of(place))
    decisions = re.findall(r"# DECIDE (\w+): ", text)
    following = re.findall(r"# FOLLOWS (\w+): ", text)
    assert len(proposed.rules) + len(decisions) + len(following) == 144
    assert (len(decisions), len(following)) == (26, 6)
    assert len(decisions) / 144 < 0.2
    assert "26 of 144 tables (18.1 %) need a person's decision" in said
    assert list(mistakes(database, proposed)) == []


def test_backups_refuse_until_all_is_decided(place: Control, database: str) -> None:
    """A file as proposed loads, and a backup names every open table; the first options lose and leak nothing."""
    update(place)
    file = file_of(place)
    text = file.read_text(encoding="utf-8")
    with pytest.raises(RefusedError) as refused:
        place.backup("shop")
    assert set(refused.value.reasons) == set(re.findall(r"# (?:DECIDE|FOLLOWS) (\w+): ", text))
    file.write_text(decide(text), encoding="utf-8")
    update(place)
    # what followed a table that has no owner is decided with it, or asked about now
    file.write_text(decide(file.read_text(encoding="utf-8")), encoding="utf-8")
    update(place)
    complete = catalogs.load(file)
    assert len(complete.rules) == 144
    assert not re.search("# (?:DECIDE|FOLLOWS) ", file.read_text(encoding="utf-8").partition("business:")[2])
    assert list(mistakes(database, complete, businesses=3)) == []
    whole = place.backup("shop", demo="include")
    assert whole.metadata.stats.total_tables == 144


SHIPPED = DEMO_INVENTORY / "catalogs" / "multi-business.yml"


def test_the_shipped_file_follows_a_migration(control: Control, demo_host: Callable[..., str]) -> None:
    """Of new, renamed and dropped tables the file says what is to be said; every other line stays byte for byte."""
    conninfo = demo_host("shop")
    file = control.directory / "inventory" / "catalogs" / "multi-business.yml"
    words = ("classify", "--host", "shop", "--update", "--inventory", str(control.directory / "inventory"))
    assert invoke(*words, "--output", str(file)).code == 0
    assert file.read_bytes() == SHIPPED.read_bytes()
    execute(
        conninfo,
        "ALTER TABLE menu_promotions RENAME TO menu_specials",
        "ALTER TABLE emoji_lookup RENAME TO emojis_looked_up",
        "DROP TABLE reprint_logs",
        "DROP TABLE sync_metrics",
        'CREATE TABLE vehicle_tyres (id text PRIMARY KEY, "vehicleId" text NOT NULL REFERENCES vehicles)',
        'CREATE TABLE vehicle_gadgets (id text PRIMARY KEY, "vehicleId" text REFERENCES vehicles ON DELETE SET NULL)',
        'CREATE TABLE gadget_repairs (id text PRIMARY KEY, "gadgetId" text REFERENCES vehicle_gadgets)',
    )
    done = invoke(*words, "--output", str(file))
    assert done.code == 0, done.text
    for said in ("menu_specials looks like menu_promotions renamed", "no table reprint_logs", "no table sync_metrics"):
        assert said in done.err
    before, after = SHIPPED.read_text(encoding="utf-8").split("\n"), file.read_text(encoding="utf-8").split("\n")
    gone = [line for line in before if line not in after]
    names = [line.strip().partition(":")[0] for line in gone]
    assert names == ["menu_promotions", "reprint_logs", "emoji_lookup"]
    assert all(f"{line[: len(line) - len(line.lstrip())]}# {line.lstrip()}" in after for line in gone)
    # what a restore clears on another device is named in the file, which would not load without its entry
    assert after[after.index("    sync_metrics: {}") - 1].strip().startswith("# DROPPED sync_metrics: ")
    kept = iter(after)
    assert all(line in kept for line in before if line not in gone)
    added = [line.strip() for line in after if line not in before]
    assert any(
        line.startswith("menu_specials: {owned_by: [businessId]}  # looks like menu_promotions") for line in added
    )
    assert any(line.startswith("vehicle_tyres: {owned_by: [vehicleId]}  # ") for line in added)
    assert any(line.startswith("# DECIDE vehicle_gadgets: ") for line in added)
    place = after.index(next(line for line in after if "vehicle_tyres:" in line))
    assert after.index("  fleet:") < place < after.index("  restaurant:")
    again = file.read_bytes()
    assert invoke(*words, "--output", str(file)).code == 0
    assert file.read_bytes() == again
