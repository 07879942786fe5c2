"""Which rows an export takes, what it says of those it does not, and what it refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.control import Control
from tests.formats.conftest import Exporting
from tests.formats.loading import content, load
from tests.formats.nasty import NAMES
from tests.storage.faults import flip_bit
from toolkit.config import masking
from toolkit.errors import DamageError, InputError, RefusedError, TaskError
from toolkit.formats.targets import target_at
from toolkit.storage.chunks import file_of

SECRET = "k9-geheim-7Qx2"
WHERE = {"kinds": f"i IS NOT NULL AND t <> '{SECRET}'", "parts": "day < '2026-01-01' -- the old ones"}


def files(directory: Path) -> Mapping[str, bytes]:
    """The files with rows."""
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name != "README.md"}


def test_a_business_is_what_its_own_backup_holds(shop: Control, export: Exporting, tmp_path: Path) -> None:
    """To the byte: what it owns and points at, and what is shared; no database is asked."""
    wider = {"backup": shop.repository.labels()[0], "businesses": ["a"]}
    told = export("csv", "told", **wider)
    own = shop.backup("shop", businesses=["a"], job="own")
    export("csv", "own", backup=own.metadata.label)
    assert files(tmp_path / "told") == files(tmp_path / "own")
    assert told.facts["tables"] == {entry.name: entry.rows for entry in own.tables}
    assert "businesses: a (A & Söhne), as a backup of their own would hold" in told.details
    shop.repository.store.delete(f"backups/{own.metadata.label}/manifest.json")
    shop.repository.store.delete(f"published/{own.metadata.label}.json")


def test_a_condition_is_answered_by_a_scratch_database(
    shop: Control, export: Exporting, tmp_path: Path, elsewhere: str
) -> None:
    """It is about its table alone, beside businesses that the database tells apart; psql loads the rest."""
    masking.remember(SECRET)
    chosen = {"tables": ["org", "staff", "team", "kinds", "parts*"], "businesses": ["a"], "where": WHERE}
    outcome = export("sql", "some.sql", like="maker", on="host", **chosen)
    assert outcome.facts["tables"] == {"kinds": 2, "org": 1, "parts": 1, "staff": 2, "team": 1}
    assert outcome.warnings == ()
    load(elsewhere, tmp_path / "some.sql")
    source = content(shop.hosts["shop"]["database"], NAMES)
    found = content(elsewhere, NAMES)
    kinds = [line.split("\t") for line in source["kinds"]]
    assert found["kinds"] == ["\t".join(row) for row in kinds if row[1] == "a" and row[3] != r"\N"]
    assert found["parts"] == ["1\ta\t2025-05-05\n"]
    head = (tmp_path / "some.sql").read_text(encoding="utf-8").partition("BEGIN;")[0]
    assert "t <> '***'" in head
    assert SECRET not in f"{head} {outcome}"
    assert "rows of parts where day < '2026-01-01' -- the old ones" in head
    assert "NOT IN IT: 5 tables not asked for" in head


def test_what_keys_may_lead_to_is_said(export: Exporting) -> None:
    """A part of the tables points at rows that are not in the file, and PostgreSQL would refuse it."""
    outcome = export("copy", "some.sql.gz", tables=["org", "team", "Bill*"])
    assert outcome.warnings == (
        '2 rows of Bill "Ing".invoice (colour) point at rows of colours, which are not in it:'
        " the key invoice_colour_fkey refuses the file",
        "1 row of org (head) point at rows of staff, which are not in it: the key has_head refuses the file",
        "2 rows of team (lead) point at rows of staff, which are not in it: the key team_lead_fkey refuses the file",
    )
    assert 'not in it: rows of colours that Bill "Ing".invoice (colour) may point at' in outcome.details


def test_what_tables_need_comes_along(shop: Control, export: Exporting, tmp_path: Path, elsewhere: str) -> None:
    """The rows that others point at, around circles too, so that PostgreSQL takes all of it, and no other rows."""
    given = {"tables": ["Bill*", "team"], "businesses": ["b"], "referenced": True}
    check = export("sql", "some.sql", check=True, **given)
    outcome = export("sql", "some.sql", **given)
    expected = {'Bill "Ing".invoice': 2, "colours": 1, "org": 1, "staff": 1, "team": 1}
    assert check.facts["tables"] == outcome.facts["tables"] == expected
    assert outcome.warnings == ()
    assert "of colours, org, staff the rows that these point at" in outcome.details
    load(elsewhere, tmp_path / "some.sql")
    found, source = content(elsewhere, NAMES), content(shop.hosts["shop"]["database"], NAMES)
    assert found["colours"] == ["1\tred\n"]
    assert found["staff"] == [line for line in source["staff"] if line.split("\t")[1] == "b"]


def test_check_mode_says_what_would_be_written(export: Exporting, tmp_path: Path) -> None:
    """Tables, rows and bytes; nothing is written, and no scratch database is made."""
    whole = export("sql", "x.sql", check=True)
    assert whole.message.startswith("would export 3,0")
    assert whole.changed
    counted = export("csv", "x", check=True, businesses=["b"], tables=["kinds", "bare"])
    assert counted.facts["tables"] == {"bare": 4, "kinds": 2}
    unknown = export("csv", "x", check=True, tables=["kinds"], where={"kinds": "true"}, like="maker", on="host")
    assert unknown.message.startswith("would export at most 4 rows of 1 table")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("to", "arguments", "message"),
    [
        ("sql:x", {}, "export.directory: sql is one file; name it by `file`"),
        ("csv:x.csv", {}, "export.file: csv has a file per table; name a `directory`, or a file.zip"),
        ("sql:x.sql", {"compress": True}, "export.compress: it is for directories"),
        ("jsonl:x", {"null_text": "NULL", "bom": True}, "export.bom: it is for `format: csv`"),
        ("sql:away/deeper/x.sql", {}, "export.file: there is no directory"),
        ("csv:x", {"null_text": '"'}, "export.null_text: it has no quotes"),
        ("csv:x", {"tables": ["kind", "bare"]}, "has no table kind; did you mean kinds?"),
        ("csv:x", {"where": {"kinds": "true"}}, "export.where: a condition is SQL, which a database has to answer"),
        (
            "csv:x",
            {"where": {"kins": "true"}, "like": "maker", "on": "host"},
            "has no table kins; did you mean kinds?",
        ),
        (
            "csv:x",
            {"where": {"kinds": "true"}, "tables": ["bare"], "like": "maker", "on": "host"},
            "kinds is not among the `tables`",
        ),
        (
            "csv:x",
            {"where": {"kinds": "nope = 1"}, "like": "maker", "on": "host"},
            'export.where.kinds: column "nope" does not exist',
        ),
        ("csv:x", {"where": {"kinds": "1) OR (1"}, "like": "maker", "on": "host"}, "export.where.kinds: "),
        ("csv:x", {"where": {"kinds": "true) OR (true"}, "like": "maker", "on": "host"}, "export.where.kinds: syntax"),
        ("csv:x", {"where": {"kinds": "true LIMIT 1"}, "like": "maker", "on": "host"}, "export.where.kinds: syntax"),
        ("csv:x", {"where": {"bare": "true"}, "like": "elsewhere"}, "elsewhere"),
        ("csv:x", {"businesses": ["A & Söhne"]}, "does not have the businesses A & Söhne"),
        ("csv:x", {"backup": "20200101T000000Z-none-business"}, "20200101T000000Z-none-business"),
    ],
)
def test_wrong_arguments_are_refused(
    export: Exporting, tmp_path: Path, to: str, arguments: dict[str, Any], message: str
) -> None:
    """With the place and what is right instead; nothing is written."""
    with pytest.raises((InputError, RefusedError)) as refused:
        export(*to.split(":"), **arguments)
    assert message in f"{refused.value}"
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays_unless_it_is_an_export_and_may_go(export: Exporting, tmp_path: Path) -> None:
    """Files and directories alike; a directory with anything else in it is never replaced."""
    tables = {"tables": ["colours"]}
    export("csv", "out", **tables)
    export("sql", "out.sql", **tables)
    for kind, to in (("csv", "out"), ("sql", "out.sql")):
        with pytest.raises(InputError, match="is there already; `overwrite: true` replaces it"):
            export(kind, to, **tables)
    export("jsonl", "out", overwrite=True, **tables)
    export("copy", "out.sql", overwrite=True, **tables)
    assert sorted(files(tmp_path / "out")) == ["colours.jsonl"]
    assert "COPY" in (tmp_path / "out.sql").read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.sql"]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("dear", encoding="utf-8")
    (tmp_path / "out" / "mine.csv").write_text("dear", encoding="utf-8")
    for to, other in (("mine", "letter.txt"), ("out", "mine.csv")):
        with pytest.raises(InputError, match=f"holds {other}, which is no part of an export"):
            export("csv", to, overwrite=True, **tables)


def test_what_was_there_comes_back_where_the_new_one_cannot_take_its_name(tmp_path: Path) -> None:
    """A directory that was moved aside for the new one gets its name again, and nothing else is left."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "colours.csv").write_text("old", encoding="utf-8")
    with pytest.raises(FileNotFoundError), target_at(out, several=True, compress=False):  # noqa: PT012
        (begun,) = tmp_path.glob(".*.tmp")
        begun.rmdir()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert files(out) == {"colours.csv": b"old"}


@pytest.mark.parametrize(("kind", "to"), [("csv", "out"), ("jsonl", "out.zip"), ("copy", "out.sql")])
def test_a_damaged_backup_leaves_nothing(shop: Control, export: Exporting, tmp_path: Path, kind: str, to: str) -> None:
    """What was there before is there still, and nothing that is half done."""
    export(kind, to, tables=["colours"])
    place = tmp_path / to
    before = place.read_bytes() if place.is_file() else files(place)
    manifest = shop.repository.manifest(shop.repository.labels()[0])
    entry = manifest.table("parts")
    assert entry is not None
    name, at = file_of(entry.chunks[0], manifest.packs), entry.chunks[0].at
    good = shop.repository.store.get(name)
    shop.repository.store.put(name, flip_bit(good, 8 * at + 60))
    try:
        with pytest.raises(DamageError, match="table parts"):
            export(kind, to, overwrite=True)
    finally:
        shop.repository.store.put(name, good)
    assert (place.read_bytes() if place.is_file() else files(place)) == before
    assert [path.name for path in tmp_path.iterdir()] == [to]


def test_a_place_that_cannot_be_written_is_named(export: Exporting, tmp_path: Path) -> None:
    """It is below a file, say."""
    (tmp_path / "letter").write_text("dear", encoding="utf-8")
    for kind, to in (("sql", "letter/x.sql"), ("csv", "letter/x")):
        with pytest.raises(TaskError, match=re.escape(f"{tmp_path / to} cannot be written: ")):
            export(kind, to, tables=["colours"])


def test_only_the_owner_reads_it(shop: Control, export: Exporting, tmp_path: Path) -> None:
    """Files have mode 0600 and directories 0700, whatever the umask."""
    for kind, to in (("csv", "out"), ("jsonl", "out.zip"), ("sql", f"{shop.directory}/deep/out.sql")):
        export(kind, to, tables=["colours"])
    paths = [*tmp_path.rglob("*"), shop.directory / "deep", shop.directory / "deep" / "out.sql"]
    modes = {path: path.stat().st_mode & 0o777 for path in paths}
    assert modes == {path: 0o600 if path.suffix else 0o700 for path in paths}
