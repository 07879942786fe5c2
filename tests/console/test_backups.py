"""The pages of backups in a real browser: a backup is found, pinned, and fetched as a file."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app.many_backups import EACH, make_many
from tests.console.held import Held
from tests.console.running import Console
from tests.storage.samples import sample_rows, write_backup
from tests.storage.test_proofs import proof_of
from tests.sweeps import EVERYTHING, slow_only
from toolkit.storage.bundle.store import BundleStore
from toolkit.storage.proofs import record_proof
from toolkit.storage.records import pin, read_pins, unpin
from toolkit.storage.repository import Repository

NOW = datetime.now(UTC).replace(microsecond=0)
RUN = re.compile(r"/runs/(\d{8}T\d{6}Z-[0-9a-f]{6})$")
XSS = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def repository(console: Console) -> Repository:
    """The repository `local` with 121 backups: one with rows, which is the newest, and proven; the others of a week."""
    made = make_many(console.directory / ".playback" / "repository", 120, until=NOW - EACH)
    manifest, _ = write_backup(made, sample_rows(), job="by-hand", now=NOW)
    record_proof(made, proof_of(manifest, made, NOW))
    return made


def newest(repository: Repository) -> str:
    """The label of the backup with rows."""
    return max(repository.labels())


def ran(page: Page, console: Console) -> str:
    """Wait for the run to which a page has led; gives its ID."""
    page.wait_for_url(RUN)
    found = RUN.search(page.url)
    assert found
    assert console.wait(found[1]) == 0
    return found[1]


def shown(page: Page) -> str:
    """The playbook that a page shows."""
    return page.locator("#playbook").text_content() or ""


def test_a_backup_is_found_and_pinned(page: Page, console: Console, repository: Repository) -> None:
    """What is asked for leads to one backup; its pin follows the form, runs as shown, and again by `invoke run`."""
    label = newest(repository)
    page.goto("/backups")
    page.get_by_label("Job").select_option("by-hand")
    page.get_by_label("Business", exact=True).fill("café")
    page.get_by_label("Proven by a restore").select_option("yes")
    page.get_by_role("button", name="Show these").click()
    expect(page.locator("caption")).to_contain_text("1 backup")
    page.locator("th.made a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Business backup of demo")
    expect(page.get_by_text("Café “One”")).to_be_visible()
    page.get_by_role("link", name="Pin it").click()
    expect(page.locator("#playbook")).to_contain_text("repository: local")
    page.get_by_label("The last day it is kept").fill("2099-12-31")
    expect(page.locator("#playbook")).to_contain_text("until: 2099-12-31")
    before = shown(page)
    page.get_by_role("button", name="Keep this backup").click()
    run = ran(page, console)
    assert console.playbook_of(run) == before
    assert str(read_pins(repository).pins[label]) == "pinned until 2099-12-31"
    assert console.invoke("run", f".playback/runs/{run}/playbook.yml").code == 0
    page.goto("/backups")
    page.get_by_label("Only pinned ones").check()
    page.get_by_role("button", name="Show these").click()
    expect(page).to_have_url(re.compile("pinned=yes"))
    expect(page.locator("tbody tr")).to_have_count(1)


def test_what_is_filled_in_before_the_scripts_are_there_counts(
    visitor: Callable[..., Page], repository: Repository
) -> None:
    """The playbook follows a form that was filled in while the page's scripts were on their way."""
    page = visitor(early=True)
    held = Held(page, "**/static/**.js")
    page.goto(f"/backups/local/{newest(repository)}/pin", wait_until="commit")
    page.get_by_label("The last day it is kept").fill("2098-12-31")
    held.wait()
    held.let_go()
    expect(page.locator("#playbook")).to_contain_text("until: 2098-12-31")


def test_a_backup_is_fetched_as_one_file(page: Page, console: Console, repository: Repository) -> None:
    """The file is made by a playbook, has a plain name, and is a repository with that backup."""
    label = newest(repository)
    page.goto(f"/backups/local/{label}")
    page.get_by_role("link", name="Download it").click()
    expect(page.get_by_text("not encrypted")).to_be_visible()
    before = shown(page)
    page.get_by_role("button", name="Make the file").click()
    expect(page.get_by_role("link", name="Download the file")).to_be_visible()
    run = page.url.partition("run=")[2]
    assert console.playbook_of(run) == before
    if EVERYTHING:  # the same again finds the file whole
        assert console.invoke("run", f".playback/runs/{run}/playbook.yml").code == 0
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Download the file").click()
    assert fetched.value.suggested_filename == f"{label}.playback"
    file = BundleStore(Path(fetched.value.path()))
    assert Repository.open(file, create=False).manifest(label) == repository.manifest(label)


def test_without_scripts(visitor: Callable[..., Page], console: Console, repository: Repository) -> None:
    """A day that has passed is said beside the playbook's place and nothing runs; a button shows the playbook."""
    label = newest(repository)
    pin(repository, label, until=None, now=NOW)
    address = f"/backups/local/{label}/pin"
    wrong = console.post(address, {"what": "pin", "until": "2020-01-01", "do": "run"}, form=address)
    assert (wrong.status_code, "has passed" in wrong.text) == (400, True)
    page = visitor(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page.goto(address)
    page.get_by_label("Unpin it").check()
    page.get_by_role("button", name="Show the playbook").last.click()
    expect(page.locator("#playbook")).to_contain_text("state: absent")
    unpin(repository, label)


@slow_only
def test_pictures_of_the_guide(
    visitor: Callable[..., Page], console: Console, repository: Repository, screenshots: Path
) -> None:
    """What is kept, as the guide shows it."""
    for number, days in enumerate(range(7, 200, 4)):
        make_many(console.directory / ".playback" / "repository", 1, until=NOW - timedelta(days=days, hours=number % 5))
    page = visitor(viewport={"width": 1000, "height": 760})
    page.goto("/backups/kept?repository=local&host=demo")
    expect(page.locator("svg.timeline").first).to_be_visible()
    page.get_by_role("heading", name="Along the time").evaluate("(each) => each.scrollIntoView()")
    page.screenshot(path=screenshots / "backups-kept.png")
    assert len(repository.labels()) > 160
