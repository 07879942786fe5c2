"""Every page can be read and used: by anybody's eyes, by the keyboard, on a phone, without scripts, from nowhere else.

The pages are found by following the links from the overview, so that one which is added later is looked at too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Page, Request, ViewportSize

from tests.console.running import Console
from tests.sweeps import EVERYTHING, slow_only

AUDIT = (Path(__file__).parent / "audit.js").read_text(encoding="utf-8")
LINKS = "[...document.querySelectorAll('a[href]:not([download], svg *)')].map((each) => each.href)"
LIGHT, PHONE = ViewportSize(width=1200, height=800), ViewportSize(width=390, height=844)
VIEWS: tuple[tuple[str, Literal["light", "dark"], ViewportSize], ...] = (
    ("light", "light", LIGHT),
    ("dark on a phone", "dark", PHONE),
    ("dark", "dark", LIGHT),
    ("phone", "light", PHONE),
)
SOME = 16
"""Pages that every run looks at: those of the menu come first."""
FILES = ("/static/", "/catalog/picture.svg", "/catalog/picture.css")
NAMES = re.compile(r"\d{8}T\d{6}Z-[\w-]+|[0-9a-f]{8,}")
"""Names of runs and backups in addresses."""

BACKUP = "- hosts: demo\n  tasks: [{backup: {scope: business, tags: [month-end]}}]\n"
COMPARE = "- hosts: demo\n  tasks: [{verify: {}}]\n"
CHANGE = "- hosts: demo\n  tasks: [{sql: {query: \"UPDATE businesses SET phone = '1' WHERE id = 'biz-city-style'\"}}]\n"


@pytest.fixture(scope="module")
def filled(console: Console) -> Console:
    """A console with a backup, from which the data differ meanwhile, as a run has found."""
    for name, text, code in (("backup.yml", BACKUP, 0), ("change.yml", CHANGE, 0), ("compare.yml", COMPARE, 6)):
        (console.directory / name).write_text(text, encoding="utf-8")
        ran = console.invoke("run", name)
        assert ran.code == code, ran.text
    return console


def kind(address: str) -> str:
    """What an address is about, without the names in it: of each kind one page is looked at."""
    parts = urlsplit(address)
    return f"{NAMES.sub('NAME', parts.path)}?{'&'.join(sorted({name for name, _ in parse_qsl(parts.query)}))}"


def pages(page: Page, start: str) -> Iterator[str]:
    """Open one page of each kind that links lead to."""
    waiting, known = [start], {kind(start)}
    for address in waiting:
        answer = page.goto(address)
        assert answer, address
        assert answer.ok, f"{address}: {answer.status}"
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        yield address
        links = page.evaluate(LINKS)
        for link in links:
            parts = urlsplit(link)
            here = f"{parts.path}?{parts.query}"
            same = parts.netloc == urlsplit(page.url).netloc
            if same and not parts.path.startswith(FILES) and "download" not in here and kind(here) not in known:
                known.add(kind(here))
                waiting.append(here)


def faults(page: Page) -> list[str]:
    """What is wrong with a page by light, and in the dark on a phone; in a sweep, with the other two."""
    found = []
    for name, scheme, size in VIEWS if EVERYTHING else VIEWS[:2]:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        found += [f"{name}: {fault}" for fault in page.evaluate(AUDIT)]
    page.set_viewport_size(LIGHT)
    return found


def test_every_page_can_be_read_and_used(visitor: Callable[..., Page], filled: Console) -> None:
    """One heading of the first level, the rest in order, labels, focus, contrast; no other host; nothing lost."""
    page, elsewhere = visitor(), list[str]()

    def requested(request: Request) -> None:
        if not request.url.startswith((filled.address, "data:")):
            elsewhere.append(request.url)

    page.on("request", requested)
    wrong: dict[str, list[str]] = {}
    looked = 0
    for address in islice(pages(page, "/"), None if EVERYTHING else SOME):
        looked += 1
        if found := faults(page):
            wrong[address] = found
    page.goto("/no-such-page")
    if found := faults(page):
        wrong["/no-such-page"] = found
    assert not wrong, "\n".join(f"{address}\n    " + "\n    ".join(found) for address, found in wrong.items())
    assert not elsewhere
    assert looked >= 12


@slow_only
def test_what_forms_lead_to_can_be_read_and_used_too(page: Page, filled: Console) -> None:
    """Playbooks that are shown, what a search found, a row, and each step to a restore up to its plan."""
    del filled
    wrong: dict[str, list[str]] = {}

    def look(step: str) -> None:
        page.wait_for_load_state()  # with its style
        if found := faults(page):
            wrong[f"{step}: {page.url}"] = found

    for address in ("/verify", "/schedules/new", "/repositories/local/prune", "/repositories/local/copy"):
        page.goto(address)
        page.get_by_role("button", name="Show the playbook").first.click()
        look("playbook")
    page.goto("/catalog?host=demo&q=city")
    page.get_by_text("Where was searched").click()
    look("search")
    page.goto("/catalog/row?host=demo&table=loan_transactions&key=loan-l-cty-0-2")
    look("row")
    page.goto("/restore")
    for step in ("Choose", "Next", "See what would change"):
        page.get_by_role("button", name=step).first.click()
        look(step)
    page.get_by_role("button", name="Restore into demo").wait_for()
    look("plan")
    assert not wrong, "\n".join(f"{step}\n    " + "\n    ".join(found) for step, found in wrong.items())


FAULTY = """
<body style="background: #fff; width: 1500px"><h1>One</h1><h1>Two</h1><h4>Four</h4>
<p style="color: #999">Pale</p><div style="background: #333"><p style="color: #444">Dark on dark</p></div>
<input id="a"><select id="a"></select><a href="/"></a><a href="/" class="x" style="outline: none">Link</a>
<img src="data:,"><div hx-get="/x">moves</div>
<form method="post"><label>Name <input name="name"></label></form></body>
"""


def test_what_is_looked_for_is_found(visitor: Callable[..., Page]) -> None:
    """A page with every fault is told of every one, with the place."""
    page = visitor()
    page.set_content(FAULTY)
    found = page.evaluate(AUDIT)
    for said in (
        "2 headings of the first level",
        '<h4 class=""> "Four" comes after a heading of level 1',
        "the id a is there twice",
        '<input#a class=""> "" has no label',
        '<select#a class=""> "" has no label',
        '<a class=""> "" has no name',
        '<img class=""> "" has no alt',
        '<div class=""> "moves" does nothing without scripts',
        '<form class=""> "Name" cannot be sent without scripts',
        '<form class=""> "Name" has no token',
        '<p class=""> "Pale" has a contrast of 2.85',
        '<p class=""> "Dark on dark" has a contrast of 1.30',
        '<a class="x"> "Link" does not show that it is focused',
    ):
        assert said in found
    assert any(fault.startswith("it is 15") for fault in found)


def test_the_door_can_be_read_too(visitor: Callable[..., Page], filled: Console) -> None:
    """What is shown to whoever has not come in is as good as any other page."""
    del filled
    page = visitor()
    page.context.clear_cookies()
    page.goto("/")
    assert not faults(page)
