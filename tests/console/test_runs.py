"""The pages of runs: the list, and one run while it goes on and afterwards."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.console.running import PATIENCE, Console
from toolkit.app.console.beginning import Starter
from toolkit.app.console.composing import playbook
from toolkit.app.control import Control, utc_now

NASTY = "<script>alert('x')</script>"
PYTHON = json.dumps(sys.executable)


def sleeping(seconds: int) -> dict[str, object]:
    """A task that takes a while."""
    return {"name": "Take a while", "command": {"argv": [sys.executable, "-c", f"import time; time.sleep({seconds})"]}}


@pytest.fixture
def begin(console: Console) -> Iterator[Callable[..., str]]:
    """Begins runs as the console does, and ends them with the test; gives the ID."""
    starter = Starter(control=Control(directory=console.directory), now=utc_now)

    def begun(*tasks: dict[str, object], name: str = "Something", by: str = "Ann") -> str:
        return starter.begin(playbook(name, "demo", tasks), [], by=by)

    yield begun
    for each in starter.began.values():
        assert each.stdin is not None
        each.stdin.close()
        each.wait(PATIENCE)


def test_a_backup_is_watched_to_its_end(
    console: Console, page: Page, begin: Callable[..., str], visitor: Callable[..., Page]
) -> None:
    """Its page moves by itself, ends with the numbers of the manifest, and has the playbook that ran."""
    task = {"name": "Back up", "backup": {"scope": "business", "job": "watched"}}
    run = begin(task, name=f"Back up {NASTY}", by="Bo")
    page.goto(f"/runs/{run}")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Back up {NASTY}")
    expect(page.get_by_text("The backup is made: ")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    [entry] = json.loads(console.invoke("backups", "--json", "--job", "watched").out)["backups"]
    facts = page.locator("dl.facts")
    expect(facts).to_contain_text(entry["label"])
    expect(facts).to_contain_text(f"{entry['stats']['totalRecords']:,} rows of {entry['stats']['totalTables']} tables")
    assert entry["createdBy"] == "Bo"
    shown = page.locator("#playbook").text_content()
    assert shown == console.playbook_of(run)
    file = console.directory / "copied.yml"
    file.write_text(shown, encoding="utf-8")
    again = console.invoke("run", "copied.yml")
    assert (again.code, "stored before" in again.out) == (0, True)
    page.goto("/runs")
    rows = page.get_by_role("row")
    expect(rows.nth(1)).to_contain_text("command line")
    expect(rows.nth(2)).to_contain_text(f"Back up {NASTY}")
    page.get_by_label("Begun by").select_option("Bo")
    page.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(2)
    plain = visitor(java_script_enabled=False)
    plain.goto(f"/runs/{run}")
    expect(plain.locator("dl.facts")).to_contain_text(entry["label"])


def test_a_run_is_stopped_and_begun_again(
    console: Console, page: Page, begin: Callable[..., str], visitor: Callable[..., Page]
) -> None:
    """Stopped by somebody without scripts, as Ctrl-C does; who watches sees it, and begins it again from there."""
    run = begin(sleeping(60), name="Wait")
    page.goto("/runs")
    expect(page.get_by_role("row").nth(1)).to_contain_text("running")
    page.get_by_role("link", name="Wait").first.click()
    expect(page.get_by_text("Take a while").first).to_be_visible()
    plain = visitor(java_script_enabled=False)
    plain.goto(f"/runs/{run}")
    # Playwright's way to turn scripts off leaves <noscript> out
    again = '<noscript><meta http-equiv="refresh" content="3"></noscript>'
    assert again in console.page(f"/runs/{run}")
    plain.get_by_role("button", name="Stop").click()
    expect(plain).to_have_url(re.compile(run))
    box = page.locator("section.box")
    expect(box).to_contain_text("Stopped by")
    expect(box).to_contain_text("No backup or restore is half done")
    assert console.wait(run) == 130
    # another page, as this one may be loading itself again
    plain = visitor(java_script_enabled=False)
    plain.goto(f"/runs/{run}")
    expect(plain.locator("section.box")).to_contain_text("Stopped by")
    assert again not in console.page(f"/runs/{run}")
    page.get_by_role("button", name="Run it again").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    second = page.url.rpartition("/")[2]
    assert console.playbook_of(second) == console.playbook_of(run)
    page.get_by_role("button", name="Stop").click()
    assert console.wait(second) == 130


def test_what_failed_says_what_to_do(console: Console, begin: Callable[..., str]) -> None:
    """A failure, and a playbook with a fault, stand on the page with message and hint, escaped."""
    run = begin({"assert": {"that": "false", "fail_msg": NASTY}})
    assert console.wait(run) == 1
    text = console.page(f"/runs/{run}")
    assert "&lt;script&gt;" in text
    assert NASTY not in text
    run = begin({"backup": {"scpoe": "business"}})
    assert console.wait(run) == 2
    text = console.page(f"/runs/{run}")
    assert "did you mean scope?" in text
    run = begin({"restore": {"from": "latest", "mode": "merge", "repository": "offsite-copy"}})
    assert console.wait(run)
    text = console.page(f"/runs/{run}")
    assert "What to do:" in text, text


def test_what_is_no_run(console: Console) -> None:
    """An ID that is not there, and one that is none, are not found; nothing can be stopped by reading."""
    for address in ("/runs/20200101T000000Z-000000", "/runs/..%2f..%2finventory", "/runs/x"):
        assert console.client.get(address).status_code == 404
    assert console.client.get("/runs/20200101T000000Z-000000/stop").status_code == 405
    assert console.client.get("/runs/20200101T000000Z-000000/events").status_code == 404
