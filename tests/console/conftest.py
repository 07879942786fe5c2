"""A console on the demo, and a real browser that came in."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.console.running import PATIENCE, Console
from toolkit.postgres.servers import embedded

expect.set_options(timeout=PATIENCE * 1000)

READY = "addEventListener('load', () => document.documentElement.setAttribute('data-ready', ''))"
"""Marks pages whose scripts are there."""

PAGES = pytest.StashKey[list[Page]]()

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = next((found for each in BROWSERS if (found := shutil.which(each))), "")
"""The browser without a window takes less than half of the other's processor time; Playwright's own is one as well."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs a console: it begins a server and commands of its own."""
    for item in items:
        if {"console", "browser", "page"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("server")
            item.add_marker("command")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell of a test that failed what its browser showed, and what the console and its runs have printed."""
    if call.excinfo and not call.excinfo.errisinstance(pytest.skip.Exception):
        for page in item.stash.get(PAGES, []):
            with suppress(Exception):  # which would hide the failure itself
                item.add_report_section(call.when, page.url, page.locator("html").aria_snapshot(timeout=5000))
        for running in getattr(item, "funcargs", {}).values():
            if isinstance(running, Console):
                item.add_report_section(call.when, "console", running.told)
    return (yield)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console on the demo, shared by the tests of a module; the demo's database is made by the first run on it."""
    directory = tmp_path_factory.mktemp("console")
    with Console(directory=directory) as running:
        yield running
    if (demo := directory / ".playback" / "demo").exists():
        embedded.stop(demo)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. It ends with the module: Playwright keeps other tests from running an event loop."""
    if not CHROMIUM:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
        options += ["--disable-background-networking", "--disable-component-update"]
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield running
        running.close()


@pytest.fixture
def visitor(browser: Browser, console: Console, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Opens pages of the console as somebody who came in; what a page's scripts complain of fails the test.

    The maker takes what Playwright's `new_context` takes, e.g. `java_script_enabled=False`. Where a click leads to
    another page, nothing is done there before its scripts are there, unless `early`: Playwright itself waits for the
    first byte alone.
    """
    contexts: list[BrowserContext] = []
    pages = request.node.stash[PAGES] = list[Page]()
    complaints: list[str] = []

    def heard(said: ConsoleMessage) -> None:
        # a page that answers 404 because it has to is told as an error as well
        status = said.text.startswith("Failed to load resource") and "/static/" not in said.location["url"]
        # what was under way when one goes to another page; a request that fails is told by other names
        left = said.text.startswith(("htmx:sendAbort", "htmx:afterRequest"))
        if said.type == "error" and not (status or left):
            complaints.append(said.text)

    def opened(*, early: bool = False, **options: object) -> Page:
        context = browser.new_context(base_url=console.address, **options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE * 1000)
        cookies = [
            {"name": each.name, "value": each.value or "", "url": console.address}
            for each in console.client.cookies.jar
        ]
        context.add_cookies(cookies)  # type: ignore[arg-type]
        page = context.new_page()
        pages.append(page)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", heard)
        if not early and options.get("java_script_enabled", True):
            page.add_init_script(READY)
            page.add_locator_handler(page.locator("html:not([data-ready])"), lambda: None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def page(visitor: Callable[..., Page]) -> Page:
    """A page of the console in the browser."""
    return visitor()


@pytest.fixture
def screenshots() -> Path:
    """Where pictures for the guide go."""
    return Path(__file__).parents[2] / "docs" / "guide" / "pictures"
