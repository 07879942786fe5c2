"""Hostile text in everything that a page can show or be asked for: all pages are walked, and read as a browser does."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urldefrag, urlencode, urlsplit
from xml.etree import ElementTree

import httpx
import psycopg
import pytest
from markupsafe import escape
from starlette.routing import Mount, Route

from tests.app.invoking import ROOT, invoke
from tests.conftest import Servers
from tests.console.direct import Direct
from tests.console.markup import Markup
from tests.console.running import PATIENCE
from tests.control import Control, execute, rows
from tests.sweeps import EVERYTHING, sampled, slow_only
from toolkit.app.console.application import application
from toolkit.app.console.beginning import Starter
from toolkit.app.console.pages import routes
from toolkit.app.console.safety.entrance import Entrance
from toolkit.app.console.safety.guard import guarded
from toolkit.app.console.safety.origins import LOCAL, Names
from toolkit.app.console.site import Site
from toolkit.app.control import Control as ControlDirectory
from toolkit.app.control import utc_now
from toolkit.postgres.servers.embedded import EmbeddedServer

HOME = "http://127.0.0.1:8642"
TEXT = "\"'><xss onload=1 xss=1></script><script>alert(1)</script>{{7*7}}&lt;xss&gt;"
"""What would be an element or an attribute wherever it is not escaped."""

SECRET = "Sesame'\"<7"
"""A secret of the inventory that stands in a row as well."""

NAME = "\"'><xss=1"
"""As much of it as a name of the inventory may have."""

ODD = (
    TEXT,
    "javascript:alert(1)//",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "bundle:/etc/passwd",
    "bundle:probe",
    "a\0b",
    "%00",
    "%2e%2e%2f",
    "x" * 5000,
    "\u202egnp.exe",
    "-1",
    "1e999",
    "9" * 400,
    "{{ 7 * 7 }}",
    "${7*7}",
    "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    "",
)

FORMS = 5
"""Forms that are sent in every run; a good one begins a run, which takes a second."""

ADDRESSES, QUESTIONS = 50, 20
"""Addresses with something odd in their path, and behind it, that are asked for in every run."""

CATALOG = """
catalog: application
tenant: {table: shops, key: id, label: name}
business:
  core:
    shops: tenant
    items: {owned_by: [shop]}
    '"<xss>': {owned_by: [shop]}
"""


@pytest.fixture(scope="module")
def client(pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Somebody who came in to a console whose every name, row and file has hostile text in it."""
    name = f"console_hostile_{os.getpid()}"
    pg18.drop_database(name)
    conninfo = pg18.create_database(name)
    literal, secret = (each.replace("'", "''") for each in (TEXT, SECRET))
    execute(
        conninfo,
        "CREATE TABLE shops (id text PRIMARY KEY, name text)",
        'CREATE TABLE items (id text PRIMARY KEY, shop text NOT NULL REFERENCES shops, "<xss>" text)',
        'CREATE TABLE """<xss>" (id text PRIMARY KEY, shop text NOT NULL REFERENCES shops)',
        f"INSERT INTO shops VALUES ('{literal}', '{literal}'), ('b', '{secret}')",
        f"INSERT INTO items VALUES ('{literal}', '{literal}', '{literal}')",
    )
    directory = tmp_path_factory.mktemp("hostile")
    control = Control(directory, CATALOG)
    control.add_host("shop", conninfo, device={"id": TEXT, "name": TEXT}, note=TEXT, token={"env": "HOSTILE_SECRET"})
    control.add_host(NAME, conninfo)
    store = {"type": "local", "path": str(directory / "repository")}
    stores = {"local": store, NAME: {"type": "local", "path": str(directory / "other")}}
    (directory / "inventory" / "repositories.yml").write_text(json.dumps(stores), encoding="utf-8")
    (directory / "playbooks").mkdir()
    play = {
        "name": TEXT,
        "hosts": "all",
        "tasks": [
            {"name": TEXT, "backup": {"scope": "business", "tags": [TEXT], "job": "nightly"}},
            {"name": TEXT, "assert": {"that": ["false"], "fail_msg": TEXT}},
        ],
    }
    (directory / "playbooks" / "hostile.yml").write_text(json.dumps([play]), encoding="utf-8")
    shutil.copy(ROOT / "tasks.py", directory)
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("HOSTILE_SECRET", SECRET)
    ran = invoke("run", "playbooks/hostile.yml", cwd=directory, env={"PLAYBACK_BY": TEXT, "PYTHONPATH": str(ROOT)})
    assert ran.code == 1, ran
    with asking(directory) as client:
        yield client
    monkeypatch.undo()
    pg18.drop_database(name)


@contextlib.contextmanager
def asking(directory: Path) -> Iterator[httpx.Client]:
    """Somebody who came in to the console of a control directory; the runs that it began end with it."""
    starter = Starter(control=ControlDirectory(directory=directory), now=utc_now)
    entrance = Entrance()
    site = Site(control=starter.control, starter=starter)
    app = guarded(application(site), entrance=entrance, names=Names(local=LOCAL, port=8642))
    client = httpx.Client(transport=Direct(app, "127.0.0.1"), base_url=HOME, headers={"Origin": HOME})
    assert client.get("/", params={"token": entrance.token}).status_code == 303
    yield client
    client.close()
    for process in starter.began.values():
        # the end of its standard input stops a run, as when the console ends
        process.communicate(timeout=PATIENCE)


def looked_at(client: httpx.Client, address: str, **asked: Any) -> Markup:
    """Ask for a page, which is no defect whatever it was asked, and has nothing that runs."""
    answer = client.request(asked.pop("method", "GET"), address, **asked)
    assert answer.status_code < 500 or answer.status_code == 503, (address, asked, answer.text)
    kind = answer.headers.get("content-type", "")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not kind.startswith(("application/xhtml", "text/xml"))
    assert not any(said in answer.text for said in ("root:x:0", "is no bundle"))
    assert not re.search(r"no repository at \S*(probe|passwd)", answer.text)
    assert not any(form in answer.text for form in (SECRET, str(escape(SECRET)), html.escape(SECRET)))
    page = Markup(answer.text if kind.startswith("text/html") else "", address)
    assert page.wrong == [], (address, asked, answer.text)
    if kind.startswith("image/svg"):
        assert drawn_wrong(answer.content) == [], (address, answer.text)
    return page


def drawn_wrong(picture: bytes) -> list[str]:
    """What of a picture would run, or is none of ours."""
    wrong = []
    for each in ElementTree.fromstring(picture).iter():
        names = [str(each.tag).rpartition("}")[2], *(name.rpartition("}")[2] for name in each.attrib)]
        wrong += [name for name in names if name.startswith(("on", "xss")) or name in ("script", "foreignObject")]
        wrong += [to for name, to in each.attrib.items() if name.endswith("href") and not to.startswith(("/", "#"))]
    return wrong


@pytest.fixture(scope="module")
def pages(client: httpx.Client) -> dict[str, Markup]:
    """Every page that links lead to, by address."""
    return walked(client)


def walked(client: httpx.Client) -> dict[str, Markup]:
    """Look at every page that links and filters lead to, by address."""
    found: dict[str, Markup] = {}
    waiting = ["/", *(route.path for route in _routes() if "{" not in route.path and "GET" in (route.methods or ()))]
    while waiting:
        address = waiting.pop()
        shape = _shape(address)
        if address in found or sum(_shape(each) == shape for each in found) >= 3:
            continue
        found[address] = looked_at(client, address)
        waiting += [urldefrag(link).url for link in found[address].links if link.startswith("/")]
        for form in found[address].forms:
            if form.method == "get":
                target = urlsplit(form.action or address).path
                sent = [form.fields, *([*form.fields, choice] for choice in form.choices[:5])]
                waiting += [f"{target}?{urlencode(dict(each))}" for each in sent]
    return found


def _shape(address: str) -> str:
    """What addresses of one page have in common."""
    split = urlsplit(address)
    return (
        re.sub(r"\d{8}T\d{6}Z[^/?&]*", "ID", split.path)
        + "?"
        + ",".join(sorted(part.partition("=")[0] for part in split.query.split("&")))
    )


def _routes() -> list[Route]:
    return [route for route in routes() if isinstance(route, Route) and not isinstance(route, Mount)]


def test_hostile_names_are_text_on_every_page(pages: dict[str, Markup]) -> None:
    """All pages that links lead to show what stands in names, rows and files as text."""
    assert len(pages) >= len([route for route in _routes() if "{" not in route.path and "GET" in (route.methods or ())])


def test_hostile_addresses_are_no_defect(client: httpx.Client) -> None:
    """Whatever stands in an address in place of a label, a repository, a run: no defect, no file, no element."""
    paths = [route.path for route in _routes() if "GET" in (route.methods or ()) and "{" in route.path]
    written = [form(odd) for odd in ODD for form in (quote, lambda odd: quote(odd, safe=""))]
    cases = [each.join(re.split(r"\{[^}]+\}", path)) for path in paths for each in written]
    for address in sampled(cases, min(ADDRESSES, len(cases))):
        looked_at(client, address)


def test_hostile_questions_are_no_defect(client: httpx.Client, pages: dict[str, Markup]) -> None:
    """Whatever is asked of a page by its own links and filters is answered, or refused with a sentence."""
    cases: dict[object, str] = {}
    for address, page in pages.items():
        names = {name for name, _ in _questions(address)}
        names |= {name for form in page.forms if form.method == "get" for name, _ in (*form.fields, *form.choices)}
        path = urlsplit(address).path
        for name in sorted(names):
            kept = [(other, value) for other, value in _questions(address) if other != name]
            for odd in ODD:
                cases.setdefault((path, name, odd), f"{path}?{urlencode([*kept, (name, odd)])}")
    for address in sampled(list(cases.values()), min(QUESTIONS, len(cases))):
        looked_at(client, address)


def _questions(address: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in httpx.QueryParams(urlsplit(address).query).multi_items()]


def test_hostile_forms_are_no_defect(client: httpx.Client, pages: dict[str, Markup]) -> None:
    """Whatever is sent by a form is done, or refused with a sentence: in each of its fields in turn, and in none."""
    cases: dict[object, tuple[str, list[tuple[str, str]]]] = {}
    for address, page in pages.items():
        for form in page.forms:
            if form.method != "post" or form.action == "/sign-out":
                continue
            target, token = form.action or address, [each for each in form.fields if each[0] == "csrf"]
            names = sorted({name for name, _ in (*form.fields, *form.choices)} | set(form.free))
            cases.setdefault((_shape(target), tuple(names)), (target, token))
            for name in [each for each in names if each != "csrf"]:
                for number, odd in enumerate(ODD if EVERYTHING else ODD[:1]):
                    sent = [each for each in form.fields if each[0] != name] + [(name, odd)]
                    cases.setdefault((_shape(target), name, number), (target, sent))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for target, sent in sampled(list(cases.values()), min(FORMS, len(cases))):
        looked_at(client, target, method="POST", content=urlencode(sent).encode(), headers=kind)


FREE_TEXT = """
SELECT quote_ident(table_name), quote_ident(column_name), coalesce(character_maximum_length, 10000)
FROM information_schema.columns AS c JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type IN ('text', 'character varying')
AND NOT EXISTS (
    SELECT FROM information_schema.key_column_usage AS k
    WHERE (k.table_schema, k.table_name, k.column_name) = (c.table_schema, c.table_name, c.column_name))
"""


@slow_only
def test_script_in_every_text_of_the_demo(
    servers: Servers, demo_template: Callable[[int], str], tmp_path: Path
) -> None:
    """With an element and an attribute in every text of the demo that is no key, all pages show text."""
    conninfo = servers.database(18, template=demo_template(18))
    changed = 0
    literal = TEXT.replace("'", "''")
    for table, column, length in rows(conninfo, FREE_TEXT):
        # columns of which a rule or an index takes not every text stay as they are
        with contextlib.suppress(psycopg.Error):
            execute(conninfo, f"UPDATE {table} SET {column} = left('{literal}', {length})")
            changed += 1
    assert changed > 300
    control = Control(tmp_path)
    control.add_host("shop", conninfo)
    backup = {"name": TEXT, "backup": {"scope": "full-device", "demo": "include"}}
    (tmp_path / "hostile.yml").write_text(json.dumps([{"hosts": "all", "tasks": [backup]}]), encoding="utf-8")
    shutil.copy(ROOT / "tasks.py", tmp_path)
    ran = invoke("run", "hostile.yml", cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert ran.code == 0, ran
    with asking(tmp_path) as client:
        assert len(walked(client)) > 20
        for table in ("businesses", "users", "business_products"):
            [(key,), *_] = rows(conninfo, f"SELECT id FROM {table}")
            looked_at(client, f"/catalog/row?{urlencode({'host': 'shop', 'table': table, 'key': key})}")
            looked_at(client, f"/catalog?{urlencode({'host': 'shop', 'q': TEXT[:20]})}")


def test_nothing_is_begun_by_whoever_may_not(client: httpx.Client, pages: dict[str, Markup]) -> None:
    """Every form of every page is refused without its token, from another page, and of somebody without a session."""
    del pages
    stranger = httpx.Client(transport=client._transport, base_url=HOME, headers={"Origin": HOME})
    before = client.get("/runs").text.count("/runs/2")
    paths = [re.sub(r"\{run:[^}]+\}", "20260101T000000Z-abcdef", route.path) for route in _routes() if _is_sent(route)]
    assert len(paths) > 15
    for path in [re.sub(r"\{[^}]+\}", "local", path) for path in paths]:
        data = {"host": "shop", "repository": "local"}
        assert client.post(path, data=data).status_code == 403, path
        assert (
            client.post(path, data={"csrf": "x", **data}, headers={"Origin": "http://evil.example"}).status_code == 403
        )
        assert stranger.post(path, data=data).status_code == 401, path
        assert client.get(path, params=data).status_code < 500
    assert client.get("/runs").text.count("/runs/2") == before


def _is_sent(route: Route) -> bool:
    return "POST" in (route.methods or ())
