"""The overview and the page that backs up: walked in a real browser, and asked for without scripts."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.held import Held
from tests.console.running import Console
from tests.control import execute
from tests.places import ROOT
from tests.sweeps import slow_only
from toolkit.actions.databases import open_database
from toolkit.app.console.pages.overview import WAIT
from toolkit.app.scheduling.record import Record, Run, write
from toolkit.config import inventory
from toolkit.model.manifest import Manifest
from toolkit.storage.local import LocalStore
from toolkit.storage.processes import Process
from toolkit.storage.repository import Repository

CATALOG = {
    "catalog": "nasty",
    "tenant": {"table": "shops", "key": "id", "label": "name", "demo": "demo"},
    "business": {"all": {"shops": "tenant", "logs": {"owned_by": ["shop"], "optional": True, "newest_by": "at"}}},
}
NASTY = "<script>alert('{{ 7*7 }}')</script>"
ASKING = "Asking the database"
"""What the form says until the businesses are known."""
FORM = {"host": "demo", "scope": "business", "which": "all", "demo": "exclude", "repository": "local", "job": "by-hand"}


@pytest.fixture(scope="module", autouse=True)
def _demo(console: Console) -> None:
    """Make the demo's database: a page that asks for its businesses gives up where a busy machine takes long."""
    loaded = inventory.load(console.directory / "inventory", control=console.directory)
    open_database(loaded.directory, loaded.host("demo").database)


def manifests(console: Console) -> dict[str, Manifest]:
    """The backups in the repository `local`, by label."""
    repository = Repository.open(LocalStore(console.directory / ".playback" / "repository"), create=False)
    return dict(repository.manifests().manifests)


def ran(console: Console, page: Page) -> tuple[str, Manifest]:
    """Wait for the run to which the page leads; gives its ID and the backup that it made."""
    page.wait_for_url(re.compile(r"/runs/\d{8}T\d{6}Z-[0-9a-f]{6}$"))
    run = page.url.rpartition("/")[2]
    assert console.wait(run) == 0
    newest = max(manifests(console))
    return run, manifests(console)[newest]


def choose_by_keys(page: Page, name: str, key: str = "Space") -> None:
    """Go on by Tab to what is called so, and press a key."""
    for _ in range(60):
        page.keyboard.press("Tab")
        found = page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).innerText")
        if str(found).strip().startswith(name):
            page.keyboard.press(key)
            return
    raise AssertionError(f"nothing called {name} is reached by Tab")


def test_the_full_device_by_keyboard(console: Console, page: Page) -> None:
    """From the overview to a full device backup without a mouse: what runs is the playbook that was shown."""
    page.goto("/")
    choose_by_keys(page, "Back up now", "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Back up")
    expect(page.get_by_text("3,117 rows")).to_be_visible()
    page.keyboard.press("Tab")
    choose_by_keys(page, "Business backup", "ArrowDown")
    playbook = page.locator("#preview pre#playbook")
    expect(playbook).to_contain_text("scope: full-device")
    choose_by_keys(page, "Tag", "b")
    page.keyboard.type("efore-update")
    expect(playbook).to_contain_text("before-update")
    shown = playbook.text_content()
    choose_by_keys(page, "Back up now", "Enter")
    run, made = ran(console, page)
    assert console.playbook_of(run) == shown
    assert (made.metadata.backup_type, made.metadata.tags) == ("full-device", ("before-update",))
    assert made.metadata.stats.device_records > 0


def test_one_business(console: Console, page: Page) -> None:
    """A ticked business is all that is backed up, `invoke run` of the same does the same, and the overview knows it."""
    page.goto("/backup")
    page.get_by_label("Umoja Grill").check()
    expect(page.get_by_label("Only those that I tick")).to_be_checked()
    page.get_by_label("Demo Hardware").check()
    expect(page.locator("#wrong-demo")).to_contain_text("Demo Hardware is a demo business, and those are left out")
    page.get_by_label("Demo Hardware").uncheck()
    page.get_by_label("only the newest").fill("100")
    expect(page.get_by_label("audit_logs")).to_be_checked()
    playbook = page.locator("#preview pre#playbook")
    expect(playbook).to_contain_text("limit: 100")
    shown = playbook.text_content()
    page.get_by_role("button", name="Back up now").click()
    run, made = ran(console, page)
    assert console.playbook_of(run) == shown
    assert made.metadata.business_filter.business_ids == ("biz-umoja-grill",)
    again = console.invoke("run", f".playback/runs/{run}/playbook.yml")
    assert again.code == 0, again.text
    other = manifests(console)[max(manifests(console))]
    assert other.metadata.label != made.metadata.label
    assert (other.tables, other.metadata.checksums) == (made.tables, made.metadata.checksums)
    page.goto("/")
    row = page.get_by_role("region", name=re.compile("^demo")).get_by_role("row", name=re.compile("by-hand"))
    expect(row).to_contain_text(f"{other.metadata.stats.total_records:,} rows")
    expect(row).to_contain_text("not yet")


def test_a_tick_while_an_answer_is_on_its_way(console: Console, page: Page) -> None:
    """What is ticked while businesses are counted stays ticked when the numbers come, and the playbook follows."""
    console.settled("/backup", ASKING)
    held = Held(page, "**/backup/businesses")
    page.goto("/backup")
    page.locator("#field-business").evaluate("(each) => { each.dataset.old = ''; }")
    how = "{source: '#field-business', target: '#field-business', swap: 'outerHTML'}"
    page.evaluate(f"void htmx.ajax('POST', '/backup/businesses', {how})")
    held.wait()
    page.get_by_label("Umoja Grill").check()
    held.let_go()
    expect(page.locator("#field-business:not([data-old])")).to_be_visible()
    expect(page.get_by_label("Umoja Grill")).to_be_checked()
    expect(page.get_by_label("Only those that I tick")).to_be_checked()
    expect(page.locator("pre#playbook")).to_contain_text("biz-umoja-grill")


def test_without_scripts(console: Console) -> None:
    """The playbook is shown, saved and scheduled; what is wrong stands beside its field, and nothing runs."""
    console.settled("/backup", ASKING)
    shown = console.post("/backup", {**FORM, "do": "show", "tags": "a, b"}, form="/backup")
    assert shown.status_code == 200
    assert "- a\n      - b\n" in shown.text
    runs = console.directory / ".playback" / "runs"
    before = sorted(runs.iterdir()) if runs.exists() else []
    wrong = {**FORM, "do": "run", "which": "some", "optional": "audit_logs", "limit:audit_logs": "many", "job": "-"}
    refused = console.post("/backup", wrong, form="/backup")
    assert refused.status_code == 422
    assert "Tick at least one business" in refused.text
    assert "Write a whole number of rows" in refused.text
    assert re.search(r'name="limit:audit_logs" value="many"', refused.text)
    saved = console.post("/backup", {**FORM, "do": "save"}, form="/backup")
    assert saved.headers["content-disposition"] == 'attachment; filename="demo-by-hand.yml"'
    assert saved.text.startswith("- name: Business backup of demo\n")
    line = re.search(r"(?:invoke|playback) (schedule \S+ --at 02:00) --install", shown.text)
    assert line
    (console.directory / "playbooks").mkdir()
    (console.directory / "playbooks" / "demo-by-hand.yml").write_bytes(saved.content)
    scheduled = console.invoke(*line[1].split())
    assert scheduled.code == 0, scheduled.text
    for _ in range(2):
        nightly = console.post("/backup", {**FORM, "do": "nightly"}, form="/backup")
        assert nightly.headers["location"] == "/schedules/new?playbook=playbooks%2Fdemo-every-night.yml"
    assert 'value="playbooks/demo-every-night.yml" checked' in console.page(nightly.headers["location"])
    kept = sorted((console.directory / "playbooks").glob("*night*"))
    assert [each.read_text("utf-8") for each in kept] == [saved.text.replace("job: by-hand", "job: every-night")]
    assert (sorted(runs.iterdir()) if runs.exists() else []) == before
    ticked = {**FORM, "which": "some", "business": "biz-umoja-grill"}
    part = console.post("/backup/businesses", ticked, form="/backup")
    assert re.search(r'value="biz-umoja-grill" checked', part.text)
    assert console.client.get("/backup?host=nobody").status_code == 400


@pytest.fixture
def nasty(console: Console, new_database: Callable[[], str]) -> Iterator[str]:
    """A host whose businesses are called as nobody should be; another one has a secret, and does not answer."""
    database = new_database()
    execute(
        database,
        "CREATE TABLE shops (id text PRIMARY KEY, name text, demo boolean)",
        "CREATE TABLE logs (id integer PRIMARY KEY, shop text REFERENCES shops, at timestamptz)",
        f"INSERT INTO shops VALUES ($${NASTY}$$, $${NASTY}$$, true)",
    )
    file = console.directory / "inventory" / "hosts.yml"
    before = file.read_text("utf-8")
    (console.directory / "secret").write_text("hunter-22", encoding="utf-8")
    (console.directory / "secret").chmod(0o600)
    there = {"host": "127.0.0.1", "port": 9, "dbname": "hunter-22", "user": "me", "password": {"file": "secret"}}
    console.add_host("secretive", there, catalog="nasty")
    (console.directory / "inventory" / "catalogs" / "nasty.yml").write_text(json.dumps(CATALOG), encoding="utf-8")
    console.add_host("nasty", database, catalog="nasty", device={"id": "x", "name": NASTY})
    yield "nasty"
    file.write_text(before, encoding="utf-8")


def test_names_that_are_scripts(console: Console, nasty: str) -> None:
    """A business named as a script or template is shown and backed up as what it is called; no secret is shown."""
    page = console.settled(f"/backup?host={nasty}", ASKING)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(&#39;{{ 7*7 }}&#39;)&lt;/script&gt;" in page
    form = {**FORM, "host": nasty, "which": "some", "business": NASTY, "demo": "include", "tags": NASTY}
    begun = console.post("/backup", {**form, "do": "run"}, form=f"/backup?host={nasty}")
    assert begun.status_code == 303, begun.text
    assert console.wait(begun.headers["location"].rpartition("/")[2]) == 0
    made = [each.metadata for each in manifests(console).values() if each.metadata.host == nasty]
    assert [(each.business_filter.business_ids, each.tags) for each in made] == [((NASTY,), (NASTY,))]
    overview = console.settled("/", "looking again")
    assert "<script>alert" not in overview
    assert "database *** on 127.0.0.1:9" in overview
    dead = console.settled("/backup?host=secretive", ASKING)
    assert "Its database does not answer now" in dead
    assert "hunter-22" not in overview + dead


def test_a_newcomer_is_told_how_to_begin(console: Console) -> None:
    """Without an inventory or without hosts the overview says the next step; a wrong host keeps no other from pages."""
    inventory = console.directory / "inventory"
    aside = console.directory / "aside"
    inventory.rename(aside)
    try:
        assert "playback init --database" in console.page("/")
        assert "How to begin" in console.page("/backup")
        shutil.copytree(aside, inventory)
        (inventory / "hosts.yml").write_text("all: {}\n", encoding="utf-8")
        assert "playback init --database" in console.page("/")
        assert "How to begin" in console.page("/backup")
        hosts = {"first": {"database": "no database at all"}, "demo": {"database": "embedded:demo"}}
        (inventory / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
        assert "Its settings are not right" in console.page("/")
        assert "Business backup of demo" in console.page("/backup")
    finally:
        shutil.rmtree(inventory, ignore_errors=True)
        aside.rename(inventory)


def test_an_overview_that_nobody_has_to_wait_for(console: Console) -> None:
    """Ten open pages are served at once, and one that has nothing new to show gets nothing."""
    for _ in range(10):
        state = re.search(r"/overview/now\?seen=(\w+)", console.settled("/", "looking again"))
        assert state
        answers = [console.client.get(f"/overview/now?seen={state[1]}") for _ in range(10)]
        if {each.status_code for each in answers} == {204}:
            break
        # a new minute, with which all ages are told anew, or twenty seconds are over
    assert {each.status_code for each in answers} == {204}
    # a busy machine may be late with one of them; who waits does so each time
    assert min(each.elapsed for each in answers).total_seconds() < WAIT
    assert console.client.get("/overview/now?seen=other").status_code == 200


@slow_only
def test_pictures_of_the_guide(console: Console, browser: Browser, screenshots: Path) -> None:
    """The overview with a backup that was proven, and the form of a backup, as the guide shows them."""
    expected = {"newest": "26h", "proven": "8d"}
    console.add_host("demo", "embedded:demo", device={"id": "demo-device", "name": "Demo device"}, expect=expected)
    shutil.copy(ROOT / "playbooks" / "nightly.yml", console.directory / "nightly.yml")
    assert console.invoke("run", "nightly.yml").code == 0
    now = datetime.now(UTC)
    run = Run(started=now, finished=now, exit_code=0, process=Process(host="shop", user="anna", process=1))
    write(console.directory, Record(name="nightly", playbook="nightly.yml", since=now, at="02:00", last=run))
    # a picture is taken with a style of its own, which the page's policy forbids and the page complains of
    context = browser.new_context(base_url=console.address, viewport={"width": 1100, "height": 900})
    cookies = [{"name": e.name, "value": e.value or "", "url": console.address} for e in console.client.cookies.jar]
    context.add_cookies(cookies)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/")
    expect(page.get_by_text("looking again")).to_have_count(0)
    expect(page.get_by_role("row", name=re.compile("nightly")).first).to_contain_text("yes")
    page.screenshot(path=screenshots / "overview.png", full_page=True)
    page.goto("/backup")
    page.get_by_label("Umoja Grill").check()
    expect(page.locator("#preview")).to_contain_text("biz-umoja-grill")
    page.screenshot(path=screenshots / "backup.png", full_page=True)
    context.close()
