"""The pages Repositories and Schedules: looking after what is stored, and after what runs by itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Page, expect

from tests.console.running import Console
from tests.storage.faults import flip_bit
from tests.storage.samples import sample_rows, write_backup
from tests.sweeps import EVERYTHING, slow_only
from toolkit.app.scheduling import record as schedules
from toolkit.app.scheduling.record import Record
from toolkit.private.pauses import pause_of
from toolkit.storage.checks import checks
from toolkit.storage.layout import chunk_name
from toolkit.storage.local import LocalStore
from toolkit.storage.lock_files import LockContent, LockKind, list_locks, lock_name, new_lock_id
from toolkit.storage.processes import Process, this_process
from toolkit.storage.repository import Repository

NOW = datetime.now(UTC)
RUN = re.compile(r"/runs/(\d{8}T\d{6}Z-[0-9a-f]{6})$")


@pytest.fixture(scope="module")
def repository(console: Console) -> Repository:
    """The repository `local` with a backup of each of ten days."""
    made = Repository.open(LocalStore(console.directory / ".playback" / "repository"), create=True)
    for day in range(10):
        write_backup(made, sample_rows(day // 5), now=NOW - timedelta(days=day, hours=1))
    return made


def lock(repository: Repository, holder: Process) -> str:
    """Leave a lock of a process; gives its id."""
    since = "2026-11-20T02:00:00.000000Z"
    content = LockContent(holder=holder, purpose="backup of <script>alert(1)</script>", since=since, refreshed=since)
    identity = new_lock_id()
    repository.store.put(lock_name(LockKind.SHARED, identity), msgspec.json.encode(content))
    return identity


def ran(page: Page, console: Console) -> tuple[str, int]:
    """The run to which a page has led, and its exit code."""
    page.wait_for_url(RUN)
    found = RUN.search(page.url)
    assert found
    return found[1], console.wait(found[1])


def shown(page: Page) -> str:
    """The playbook that a page shows."""
    return page.locator("#playbook").text_content() or ""


def same_again(console: Console, run: str, *options: str) -> int:
    """Run the playbook of a run once more by `invoke run`; gives the exit code."""
    return console.invoke("run", f".playback/runs/{run}/playbook.yml", *options).code


def test_a_check_from_the_page(page: Page, console: Console, repository: Repository) -> None:
    """A part is chosen, the playbook follows, runs as it was shown, and the page knows of the check; then damage."""
    page.goto("/repositories")
    local = page.get_by_role("region", name="local")
    expect(local).to_contain_text(f"{len(repository.labels())} backups")
    expect(local).to_contain_text("Never checked")
    expect(local.locator(".badge").first).to_have_text("check it")
    expect(page.get_by_role("region", name="offsite-copy")).to_contain_text("Nothing has been backed up here yet")
    page.get_by_role("link", name="Check local").click()
    page.get_by_label("A twentieth").check()
    expect(page.locator("#playbook")).to_contain_text("read_data_subset: 5%")
    before = shown(page)
    page.get_by_role("button", name="Check now").click()
    run, code = ran(page, console)
    assert (code, console.playbook_of(run)) == (0, before)
    assert same_again(console, run) == 0
    assert [bool(each.subset) for each in checks(repository)] == [True, True]
    page.goto("/repositories")
    expect(local).to_contain_text("in part, never as a whole, no damage")
    expect(local.locator(".badge").first).to_have_text("sound")


def test_thinning_out_shows_what_goes_before_it_goes(
    page: Page, console: Console, repository: Repository, screenshots: Path
) -> None:
    """Rules, the table of a run in check mode with reasons, then exactly that for good."""
    page.goto("/repositories/local/prune")
    assert "keep_daily: 14" in shown(page)
    page.get_by_label("One a day for").fill("4")
    page.get_by_label("One a week for").fill("")
    page.get_by_label("One a month for").fill("")
    expect(page.locator("#playbook")).not_to_contain_text(re.compile("keep_weekly|keep_monthly"))
    before = shown(page)
    page.get_by_role("button", name="See what would go").click()
    expect(page.get_by_text("backups would be removed for good")).to_be_visible()
    labels = repository.labels()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(10)
    expect(rows.first).to_contain_text("the newest of its day, 1 of 4 days that are kept; the newest of its kind")
    expect(rows.last).to_contain_text("no rule keeps it")
    goes = page.locator("tbody tr", has_text="goes").count()
    assert len(labels) == 10
    assert shown(page).startswith(before)
    if EVERYTHING:
        page.set_viewport_size({"width": 1000, "height": 900})
        page.screenshot(path=screenshots / "thinning-out.png")
    before = shown(page)
    # whatever comes meanwhile, nothing else goes
    write_backup(repository, sample_rows(), now=NOW - timedelta(days=9, hours=2))
    page.get_by_role("button", name=f"Remove {goes} backups for good").click()
    run, code = ran(page, console)
    assert (code, console.playbook_of(run)) == (0, before)
    assert len(repository.labels()) == 11 - goes
    assert not EVERYTHING or same_again(console, run) == 0


@slow_only
def test_locks_of_the_dead_are_taken_away(page: Page, console: Console, repository: Repository) -> None:
    """Who holds it is shown, with whatever is in its text; the dead one goes, and a living one where it is ticked."""
    lock(repository, msgspec.structs.replace(this_process(), process=2**22 - 1))
    alive = lock(repository, Process(host="till.example", user="operator", process=4711))
    page.goto("/repositories")
    local = page.get_by_role("region", name="local")
    expect(local).to_contain_text("backup of <script>alert(1)</script>, by operator on till.example since")
    expect(local.locator(".badge", has_text="left behind")).to_be_visible()
    page.get_by_role("link", name="Unlock local").click()
    assert "remove:" not in shown(page)
    page.get_by_label("I know that this run has died").check()
    expect(page.locator("#playbook")).to_contain_text(alive)
    before = shown(page)
    page.get_by_role("button", name="Remove them").click()
    run, code = ran(page, console)
    assert (code, console.playbook_of(run), list_locks(repository.store)) == (0, before, [])
    assert same_again(console, run) == 0


@slow_only
def test_copying_and_damage_without_scripts(console: Console, repository: Repository) -> None:
    """Forms alone do it: a copy; a check that finds damage fails, and the page says so in words."""
    form = "/repositories/local/copy"
    assert "that is set up on this machine" in console.post(form, {"to": "offsite"}, form=form).text
    answer = console.post(form, {"to": "offsite-copy", "do": "run"}, form=form)
    found = RUN.search(answer.headers["location"])
    assert found
    assert console.wait(found[1]) == 0
    assert "Nothing has been backed up here yet" not in console.page("/repositories")
    assert console.post(form, {"to": "nowhere", "do": "run"}, form=form).status_code == 400
    assert console.post(form, {"file": "{{ x }}", "do": "run"}, form=form).status_code == 400
    found = RUN.search(console.post(form, {"file": "a stick.playback", "do": "run"}, form=form).headers["location"])
    assert found
    assert console.wait(found[1]) == 0
    assert (console.directory / "a stick.playback").is_file()
    newest = repository.manifest(repository.labels()[-1])
    chunk = chunk_name(newest.tables[0].chunks[0].id)
    repository.store.put(chunk, flip_bit(repository.store.get(chunk), 300))
    form = "/repositories/local/check"
    found = RUN.search(console.post(form, {"part": "", "do": "run"}, form=form).headers["location"])
    assert found
    assert console.wait(found[1]) == 6
    text = console.page("/repositories")
    assert ">damaged</span>" in text
    assert newest.metadata.label in text


def test_what_repositories_are_refused_for(console: Console, repository: Repository) -> None:
    """Unknown names, a bundle by its address, rules that keep nothing, parts that are none, runs of another kind."""
    del repository
    for path in ("/repositories/nowhere/check", "/repositories/bundle:x/check", "/repositories/..%2Fx/prune"):
        assert console.client.get(path).status_code in (400, 404)
    form = "/repositories/local/prune"
    none = dict.fromkeys(("keep_last", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly"), "")
    refused = console.post(form, {**none, "do": "run"}, form=form)
    assert (refused.status_code, "no rule keeps anything" in refused.text) == (400, True)
    assert "&#39;many&#39; is not a number" in console.post(form, {"keep_daily": "many"}, form=form).text
    check = "/repositories/local/check"
    assert console.post(check, {"part": "7%", "do": "run"}, form=check).status_code == 400
    run = "20261120T020000Z-00000f"
    place = console.directory / ".playback" / "runs" / run
    place.mkdir(parents=True)
    (place / "playbook.yml").write_text("- hosts: demo\n  tasks: [{check: {repository: local}}]\n", encoding="utf-8")
    assert console.post(f"{form}/{run}", {}, form=form).status_code == 400
    assert console.client.post(check, data={"do": "run"}).status_code == 403


@pytest.fixture
def nightly(console: Console) -> Path:
    """The control directory with a scheduled playbook."""
    day = timedelta(days=1)
    schedules.write(
        console.directory, Record(name="nightly", playbook="playbooks/nightly.yml", since=NOW - day, at="02:00")
    )
    return console.directory


def test_a_schedule_is_paused_and_resumed(page: Page, console: Console, nightly: Path) -> None:
    """The list says what runs when; a pause through a day, by the playbook that is shown, and its end."""
    until = (datetime.now().astimezone() + timedelta(days=3)).date()
    page.goto("/schedules")
    region = page.get_by_role("region", name="nightly")
    expect(region).to_contain_text("02:00, every day")
    expect(region).to_contain_text("It has not run yet")
    page.get_by_role("link", name="Pause nightly").click()
    page.get_by_label("Last day of the pause").fill(str(until))
    expect(page.locator("#playbook")).to_contain_text(str(until))
    before = shown(page)
    page.get_by_role("button", name="Pause", exact=True).click()
    run, code = ran(page, console)
    assert (code, console.playbook_of(run)) == (0, before)
    pause = pause_of(nightly, "nightly", NOW.date())
    assert pause is not None
    assert pause.until == until
    assert same_again(console, run) == 0
    page.goto("/schedules")
    expect(region).to_contain_text(f"No run of it begins until the end of {until}")
    expect(region.locator(".badge")).to_have_text("paused")
    page.get_by_role("link", name="Resume nightly").click()
    assert "state: active" in shown(page)
    if EVERYTHING:
        page.get_by_role("button", name="Resume").click()
        assert ran(page, console)[1] == 0
        assert pause_of(nightly, "nightly", NOW.date()) is None


def test_a_new_schedule_and_mistakes(visitor: Callable[..., Page], console: Console, nightly: Path) -> None:
    """Without scripts: what is filled in becomes a command and a playbook; a wrong hour or day is said beside it."""
    page = visitor(java_script_enabled=False)
    page.goto("/schedules/new")
    page.locator("#at").fill("03:30")
    page.get_by_label("On", exact=True).select_option("mon-fri")
    page.get_by_role("button", name="Show the playbook").click()
    page.get_by_text("What will run (the playbook)").click()
    expect(page.locator("#line")).to_have_text(
        "playback schedule playbooks/nightly.yml --at 03:30 --on mon-fri --install"
    )
    assert "- schedule\n" in shown(page)
    assert "{{ made.stdout }}" in shown(page)
    page.locator("#at").fill("half past three")
    page.get_by_role("button", name="Schedule it").click()
    expect(page.get_by_role("alert")).to_contain_text("half past three")
    pause = "/schedules/nightly/pause"
    schedules.write(
        nightly,
        Record(name="nightly", playbook="playbooks/nightly.yml", since=NOW, at="02:00", options=("--env-file=x.env",)),
    )
    form = "/schedules/new"
    changed = console.post(form, {"playbook": "playbooks/nightly.yml", "at": "04:00", "do": "show"}, form=form).text
    assert "--at 04:00 --env-file=x.env --install" in changed
    writing = {"playbook": "playbooks/restore.yml", "do": "run"}
    assert console.post(form, writing, form=form).status_code == 400
    assert "write into data" in console.page(f"{form}?playbook=playbooks/restore.yml")
    assert console.page("/schedules/nightly/remove").count("--remove") == 1
    assert console.post(pause, {"until": "2020-01-01", "do": "run"}, form=pause).status_code == 400
    for path in ("/schedules/unknown/pause", "/schedules/unknown/log", "/schedules/..%2F..%2Fx/log"):
        assert console.client.get(path).status_code in (400, 404)
    log = schedules.log_file(nightly, "nightly")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("first\n" + "<script>alert(1)</script>\n" * 40, encoding="utf-8")
    text = console.page("/schedules/nightly/log")
    assert "&lt;script&gt;alert(1)" in text
    assert "first" not in text
