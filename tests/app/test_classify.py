"""`invoke classify` on the command line: its text, its files, its refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.invoking import Invoked, invoke
from tests.control import execute
from toolkit.app.classify_target import Target
from toolkit.errors import InputError

RULES = """\
business:
  core:
    shops: tenant  # its rows are the tenants

  other:
    orders: {owned_by: [shopId]}  # shopId points at the tenant
"""


@pytest.fixture
def inventory(tmp_path: Path, new_database: Callable[[], str]) -> Path:
    """An inventory with the host `till`, whose database has three tables, and no catalog file."""
    conninfo = new_database()
    execute(
        conninfo,
        "CREATE TABLE shops (id text PRIMARY KEY, name text)",
        'CREATE TABLE orders (id text PRIMARY KEY, "shopId" text NOT NULL REFERENCES shops)',
        "CREATE TABLE sync_queue (id text PRIMARY KEY)",
    )
    folder = tmp_path / "inventory"
    (folder / "catalogs").mkdir(parents=True)
    hosts = {"till": {"database": conninfo, "catalog": "app"}, "lost": {"database": "dbname=x host=/nowhere"}}
    (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    return folder


def classify(inventory: Path, *words: str) -> Invoked:
    """`invoke classify` with these words."""
    return invoke("classify", "--inventory", str(inventory), *words)


def test_the_text_goes_to_standard_output_and_the_summary_to_standard_error(inventory: Path) -> None:
    """So it can be redirected into a file; --output writes the same bytes, with or without a file to update."""
    printed = classify(inventory, "--host", "till")
    assert printed.code == 0
    assert RULES in printed.out
    assert "# DECIDE sync_queue: " in printed.out
    assert (
        "tenant: {table: shops, key: id, label: name}  # DECIDE: a guess, named by orders; say which table"
        in printed.out
    )
    assert "3 tables: 0 classified already, 3 new" in printed.err
    assert "1 of 3 tables (33.3 %) need a person's decision" in printed.err
    file = inventory / "catalogs" / "app.yml"
    for words in ((), ("--update",)):
        written = classify(inventory, "--host", "till", "--output", str(file), *words)
        assert (written.code, written.out) == (0, "")
        assert file.read_text(encoding="utf-8") == printed.out.replace("\r\n", "\n")
    assert [path.name for path in file.parent.iterdir()] == ["app.yml"]


def test_lint_accepts_what_was_written(inventory: Path) -> None:
    """The proposed file is a valid catalog file."""
    file = inventory / "catalogs" / "app.yml"
    assert classify(inventory, "--host", "till", "--output", str(file)).code == 0
    assert invoke("lint", str(file)).code == 0


FINISHED = "# mine\ncatalog: app\ntenant: {table: shops, key: id}\nbusiness: {all: {shops: tenant, orders: shared}}\n"


@pytest.mark.parametrize(
    ("name", "before", "words", "message"),
    [
        ("app.yml", FINISHED, (), "--update --output"),
        ("app.yml", "catalog: app\nidentity: {clear: [x]}\n", (), "classifies tables already"),
        ("other.yml", "anything", (), "is not overwritten"),
        ("other.yml", "anything", ("--update",), "is not overwritten"),
    ],
)
def test_nothing_is_overwritten(
    *, inventory: Path, name: str, before: str, words: tuple[str, ...], message: str
) -> None:
    """A file that says something stays byte for byte, with the remedy; nothing is left beside it."""
    (inventory / "catalogs" / "app.yml").write_text(FINISHED, encoding="utf-8")
    file = inventory / "catalogs" / name
    file.write_text(before, encoding="utf-8")
    there = sorted(file.parent.iterdir())
    done = classify(inventory, "--host", "till", "--output", str(file), *words)
    assert (done.code, done.out) == (2, ""), done.text
    assert message in done.err
    assert file.read_text(encoding="utf-8") == before
    assert sorted(file.parent.iterdir()) == there


def test_a_head_is_kept_and_completed(inventory: Path) -> None:
    """A file that says only which table the tenants are may be the output: its lines stay, also behind a link."""
    head = "# ours\ncatalog: app\ntenant: {table: shops, key: id}  # sure\n"
    real = inventory / "kept.yml"
    real.write_text(head, encoding="utf-8")
    file = inventory / "catalogs" / "app.yml"
    file.symlink_to(real)
    done = classify(inventory, "--host", "till", "--output", str(file))
    assert done.code == 0, done.text
    assert file.is_symlink()
    text = real.read_text(encoding="utf-8")
    assert text.startswith(head)
    assert "orders: {owned_by: [shopId]}" in text


def test_a_schema_that_changed_is_told(inventory: Path) -> None:
    """A table whose columns now say something else is told with both rules and why; the file stays as it is."""
    file = inventory / "catalogs" / "app.yml"
    rules = "    shops: tenant\n    orders: shared\n    sync_queue: {owned_by: [shopId]}\n"
    text = f"catalog: app\ntenant: {{table: shops, key: id}}\nbusiness:\n  all:\n{rules}"
    file.write_text(text, encoding="utf-8")
    for _ in range(2):
        done = classify(inventory, "--host", "till", "--update", "--output", str(file))
        assert done.code == 0, done.text
        assert "the schema speaks against 2 rules of the file" in done.err
        assert "orders: shared; a fresh look says orders: {owned_by: [shopId]}: shopId points at the tenant" in done.err
        assert (
            "sync_queue: {owned_by: [shopId]} cannot be followed: table sync_queue has no column 'shopId'" in done.err
        )
        assert file.read_text(encoding="utf-8") == text


def test_a_file_that_somebody_wrote_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    """What was read must still be there when the new text is put in its place."""
    file = tmp_path / "app.yml"
    target = Target(file="app.yml", path=file, before=None, is_draft=False)
    file.write_text("somebody's", encoding="utf-8")
    with pytest.raises(InputError, match="somebody else wrote the file"):
        target.write("ours")
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [("app.yml", "somebody's")]


@pytest.mark.parametrize(
    ("catalog", "words", "code", "message"),
    [
        (None, (), 2, "no host is named"),
        (None, ("--host", "tiller"), 2, "did you mean till"),
        (None, ("--host", "lost"), 1, "cannot connect"),
        (None, ("--host", "till", "--output", "no/such/directory/app.yml"), 1, "cannot be written"),
        ("", ("--host", "till", "--update"), 2, "the catalog file is empty"),
        ("catalog: app\nschema: other\n", ("--host", "till"), 4, "no schema 'other'"),
        ("catalog: app\ntenant: {table: people, key: id}\n", ("--host", "till"), 2, "no table people"),
        ("catalog: app\ntenant: {table: shops, key: nr}\n", ("--host", "till"), 2, "no column 'nr'"),
        ("catalog: app\ntennant: x\nbusiness: {}\n", ("--host", "till", "--update"), 2, "tennant"),
        ("catalog: [app\n", ("--host", "till", "--update"), 2, "not valid YAML"),
    ],
)
def test_what_is_wrong_is_said(
    *, inventory: Path, catalog: str | None, words: tuple[str, ...], code: int, message: str
) -> None:
    """One clear message, the documented exit code, and nothing on standard output or in the file."""
    file = inventory / "catalogs" / "app.yml"
    if catalog is not None:
        file.write_text(catalog, encoding="utf-8")
    done = classify(inventory, *words)
    assert (done.code, done.out) == (code, ""), done.text
    assert message in done.err
    assert not file.exists() or file.read_text(encoding="utf-8") == catalog
