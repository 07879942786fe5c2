"""The console begins, is entered, says what is wrong, and ends."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
from playwright.sync_api import Page, expect

from tests.app.invoking import invoke
from tests.console.running import Console


def test_the_menu_leads_to_the_overview(page: Page) -> None:
    """The overview is there, and named as the page that one is on."""
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page.get_by_role("link", name="Overview")).to_have_attribute("aria-current", "page")


def test_nothing_moves_without_scripts_either(visitor: Callable[..., Page]) -> None:
    """A page that does not exist says so, with the menu, without scripts."""
    page = visitor(java_script_enabled=False)
    page.goto("/no-such-page")
    expect(page.get_by_role("alert")).to_contain_text("There is no such page")
    page.get_by_role("link", name="Overview").first.click()
    expect(page).to_have_url(re.compile("/$"))


def test_files_that_there_are_not_are_no_defect_for_strangers(console: Console) -> None:
    """Below `/static/`, where nobody is asked who he is, what is not there or cannot be is told in a sentence."""
    for path in ("nope.css", "..%2f..%2fx", "%00", "", "%FF", "x" * 3000):
        answer = httpx.get(f"{console.address}/static/{path}")
        assert (answer.status_code, "There is no such page" in answer.text) == (404, True), (path, answer.text)


def test_an_address_that_cannot_be_listened_on(console: Console) -> None:
    """One that is taken, and one that is none, are refused with the remedy."""
    taken = console.address.removeprefix("http://")
    for listen, said in ((taken, "cannot be listened on"), ("8642", "is not ADDRESS:PORT")):
        refused = invoke("console", "--listen", listen)
        assert refused.code == 2
        assert said in refused.err
        assert "HINT: " in refused.err
