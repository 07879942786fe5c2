"""The documents are true: what they name exists, what exists is named, and the walk-through by hand works."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks import chart
from tests.control import Control, execute
from toolkit import errors
from toolkit.actions.registry import ACTIONS
from toolkit.app.command import Command
from toolkit.app.commands import commands
from toolkit.config import inventory
from toolkit.config.lint import lint
from toolkit.errors import PRECEDENCE

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GUIDE = ROOT / "docs" / "guide" / "actions.md"
OWN = (ROOT / "docs" / "guide" / "own-database.md").read_text(encoding="utf-8")
COMMANDS: dict[str, Command[Any]] = {command.name: command for command in commands()}

INVENTED = re.compile(r"(?:touch|sftp|sizes)\.")
"""Files that CONTRIBUTING.md lets the reader write."""

PARTIAL, INTERRUPTED = 3, 130
"""Exit codes that no error has: they are a run's own."""

SHOP = (
    'CREATE TABLE shops (id text PRIMARY KEY, name text, "isDemo" boolean NOT NULL)',
    'CREATE TABLE customers (id text PRIMARY KEY, "shopId" text NOT NULL REFERENCES shops)',
    'CREATE TABLE orders (id text PRIMARY KEY, "customerId" text NOT NULL REFERENCES customers)',
    "CREATE TABLE vat_rates (code text PRIMARY KEY, percent numeric)",
    'CREATE TABLE order_items (id text PRIMARY KEY, "orderId" text NOT NULL REFERENCES orders, vat text)',
    "CREATE TABLE sessions (token text PRIMARY KEY)",
)
"""The tables of the shop in docs/guide/own-database.md."""


def headings(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def invocations() -> Iterator[list[str]]:
    """The words after `invoke` wherever a document shows a command, in code blocks or between backticks."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for shown in re.findall(r"(?:^\$ |`|bin/|Scripts\\)invoke ([^`\n]+)", text, re.MULTILINE):
            yield re.sub(r"\s#.*", "", shown).split()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_resolve(document: Path) -> None:
    """Every relative link leads to a file or directory, and every anchor to a heading."""
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if target.startswith(("https://", "http://")):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name) if name else document
        assert path.exists(), f"{target}: no such file"
        assert not anchor or anchor in headings(path), f"{target}: no such heading"


def test_commands_and_options_exist() -> None:
    """Every `invoke …` in a document is a command with options that the command has."""
    shown = [words for words in invocations() if not words[0].startswith("-")]
    assert {words[0] for words in shown} == set(COMMANDS)
    for name, *words in shown:
        options = {option.flag for option in COMMANDS[name].all_options()}
        for word in words:
            if word.startswith("--") and word != "--help":
                assert word.partition("=")[0] in options, f"invoke {name} has no option {word}"


def test_playbooks_named_exist_and_are_all_named() -> None:
    """The README names every playbook that is shipped, and no other."""
    named = set(re.findall(r"playbooks/([\w-]+\.yml)", README))
    assert named == {path.name for path in (ROOT / "playbooks").glob("*.yml")}


def test_options_of_run_are_all_documented() -> None:
    """The README shows every option of `invoke run`."""
    for option in COMMANDS["run"].all_options():
        if not option.positional:
            assert option.flag in README


def test_exit_codes_are_those_of_the_errors() -> None:
    """The README's exit codes are those that errors have, beside 0 and a run's own, in the documented order."""
    of_errors = {
        found.exit_code
        for found in vars(errors).values()
        if isinstance(found, type) and issubclass(found, errors.PlaybackError)
    }
    in_table = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert in_table == {0, PARTIAL, INTERRUPTED, *of_errors}
    order = ", ".join(str(int(code)) for code in (*PRECEDENCE, 0))
    assert f"the first of {order}." in README


def test_actions_are_documented_with_their_arguments() -> None:
    """docs/guide/actions.md has a section for every action, with exactly the arguments of its schema."""
    text = GUIDE.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(sections) == set(ACTIONS)
    for action, section in sections.items():
        schema = json.loads((ROOT / "schemas" / "actions" / f"{action}.schema.json").read_text(encoding="utf-8"))
        arguments = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
        assert arguments == set(schema.get("properties", {})), action


def test_the_guide_has_the_defaults_of_the_actions() -> None:
    """Where an argument is a single value by default, docs/guide/actions.md names that value."""
    text = GUIDE.read_text(encoding="utf-8")
    compared = 0
    for action, section in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL):
        schema = json.loads((ROOT / "schemas" / "actions" / f"{action}.schema.json").read_text(encoding="utf-8"))
        for name, shown in re.findall(r"^\| `(\w+)` \| .* \| ([^|]*) \|$", section, re.MULTILINE):
            default = schema["properties"][name].get("default")
            if default is not None and not isinstance(default, list):
                compared += 1
                written = default if isinstance(default, str) else json.dumps(default)
                assert shown.startswith(f"`{written}`"), f"{action}.{name}"
    assert compared > 20


def test_examples_of_the_guide_are_valid(tmp_path: Path) -> None:
    """The tasks that docs/guide/actions.md shows pass the linter."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 5
    shown = [task for block in blocks for task in yaml.safe_load(block)]
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "tasks": shown}]), encoding="utf-8")
    assert lint(ROOT, [playbook]) == []


@pytest.mark.parametrize(("document", "name"), [("guide/schedule", "Nightly"), ("scale", "Back up every host")])
def test_playbooks_of_documents_are_valid(document: str, name: str, tmp_path: Path) -> None:
    """The playbooks that documents show whole pass the linter."""
    text = (ROOT / "docs" / f"{document}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    [shown] = [block for block in blocks if f"- name: {name}\n" in block]
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(shown, encoding="utf-8")
    assert lint(ROOT, [playbook]) == []


def test_files_named_in_documents_exist() -> None:
    """Files and directories of the project that a document names between backticks exist."""
    seen = 0
    for document in DOCUMENTS:
        for name in re.findall(r"`((?:toolkit|tests|schemas|docs)/[\w./-]+)`", document.read_text(encoding="utf-8")):
            if not INVENTED.search(name):
                assert (ROOT / name).exists(), f"{document.name}: {name} does not exist"
                seen += 1
    assert seen > 20


def test_decisions_are_headed_and_listed_alike() -> None:
    """Every decision record is headed by its number and title, and listed with both."""
    folder = ROOT / "docs" / "adr"
    files = sorted(folder.glob("[0-9]*.md"))
    headed = [file.read_text(encoding="utf-8").partition("\n")[0] for file in files]
    listed = re.findall(
        r"^\| \[(\d{4})\]\((.+?)\) \| (.+) \|$", (folder / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert [(name, f"# {number} {title}") for number, name, title in listed] == [
        (file.name, heading) for file, heading in zip(files, headed, strict=True)
    ]


def test_figures_are_those_of_a_run() -> None:
    """The README's benchmark and its chart say what the newest file of figures says."""
    results = chart.read(chart.newest())
    assert chart.with_section(README, results) == README
    assert chart.CHART.read_text("utf-8") == chart.svg(results)
    assert all(row.title in README for row in results.rows)


def test_documents_named_in_the_code_exist() -> None:
    """Documents, and their sections, that the code names are there for its readers."""
    named = [
        (file.name, *found)
        for folder in ("toolkit", "tests", "benchmarks")
        for file in (ROOT / folder).rglob("*.py")
        for found in re.findall(r"\b(docs/[\w/-]+\.md)(?:#([\w-]+))?", file.read_text(encoding="utf-8"))
    ]
    assert len(named) > 15
    for file, document, anchor in named:
        assert (ROOT / document).is_file(), f"{file}: {document} does not exist"
        assert not anchor or anchor in headings(ROOT / document), f"{file}: {document} has no section {anchor}"


def shown_files() -> dict[str, Any]:
    """The files of the walk-through by hand, by the name that the text before each YAML block gives it."""
    blocks = re.findall(r"^\*\*\d\..*?`(inventory/[\w/.-]+)`.*?^```yaml\n(.*?)^```", OWN, re.MULTILINE | re.DOTALL)
    return {name: yaml.safe_load(text) for name, text in blocks}


def test_the_walk_through_works(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """The inventory by hand lints, and its catalog backs the shop up and verifies it."""
    files = shown_files()
    assert len(files) == 3
    for name, value in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value), encoding="utf-8")
    assert lint(tmp_path) == []
    host = inventory.load(tmp_path / "inventory").host("till-1")
    assert (host.catalog, host.repository, host.device_id) == ("shop", "backups", "till-1")

    database = new_database()
    execute(
        database,
        *SHOP,
        "INSERT INTO shops VALUES ('north', 'North', false), ('try', 'Try', true)",
        "INSERT INTO customers VALUES ('c1', 'north'), ('c2', 'try')",
        "INSERT INTO orders VALUES ('o1', 'c1'), ('o2', 'c2')",
        "INSERT INTO order_items VALUES ('i1', 'o1', 'standard'), ('i2', 'o2', 'standard')",
        "INSERT INTO vat_rates VALUES ('standard', 20)",
        "INSERT INTO sessions VALUES ('s')",
    )
    catalog = {**files["inventory/catalogs/shop.yml"], "catalog": "application"}
    control = Control(tmp_path / "control", catalog=json.dumps(catalog))
    till = control.add_host("till-1", database)
    manifest = control.backup(till)
    assert {table.name: table.rows for table in manifest.tables} == {
        "shops": 1,
        "customers": 1,
        "orders": 1,
        "order_items": 1,
        "vat_rates": 1,
    }
    assert control.verify(till, manifest).exit_code == 0


def test_the_architecture_has_every_room() -> None:
    """The page of the architecture shows each room there is, and names only files that are there."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    pictures = "".join(re.findall(r"```\n(.*?)```", page, re.DOTALL))
    for place in (ROOT / "toolkit", ROOT / "toolkit" / "postgres"):
        for room in place.iterdir():
            if (room / "__init__.py").is_file():
                assert re.search(rf"\b{room.name}\b", pictures), room
    for name in re.findall(r"`([\w./]+\.py)`", page):
        places = [ROOT / name, *(ROOT / "toolkit").rglob(Path(name).name)]
        assert any(path.is_file() and path.as_posix().endswith(f"/{name}") for path in places), name
