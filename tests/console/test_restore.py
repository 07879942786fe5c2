"""`/restore`, in a real browser and without scripts: from a backup to rows that are proven to be back."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Locator, Page, expect

from tests.app.invoking import ROOT
from tests.console.running import Console
from tests.console.test_every_page import faults
from tests.control import Control, execute
from tests.restore.devices import DDL, Devices, machine
from tests.sweeps import slow_only
from toolkit.app.console.restoring.wanted import Wanted, wanted_of
from toolkit.config.templates import Templates
from toolkit.errors import ExitCode
from toolkit.model.manifest import Manifest
from toolkit.model.playbook import Place
from toolkit.postgres.servers.embedded import EmbeddedServer

SCRIPT = "<script>alert(1)</script> {{ 7 * 7 }}"
"""The name of a business that somebody gave it in the application."""


@pytest.fixture(scope="module")
def shop(pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devices]:
    """Hosts `source`, a device with node `A`, and `target`, of an application that tells devices apart."""
    names = [f"console_restore_{os.getpid()}_{role}" for role in ("source", "target")]
    for name in names:
        pg18.drop_database(name)
    pair = Devices(Control(tmp_path_factory.mktemp("shop")), *(pg18.create_database(name) for name in names))
    pair.declare()
    shutil.copy(ROOT / "tasks.py", pair.control.directory)
    yield pair
    for name in names:
        pg18.drop_database(name)


@pytest.fixture(scope="module")
def console(shop: Devices) -> Iterator[Console]:
    """A console on these two hosts."""
    with Console(directory=shop.control.directory) as running:
        yield running


def state(shop: Devices, node: str = "B") -> Manifest:
    """Both databases anew, the target as node `node` with rows of its own; gives a backup of the source."""
    shop.declare()
    shop.fill("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", *DDL)
    machine(shop.source, "A")
    execute(shop.source, f"UPDATE tenants SET name = '{SCRIPT}' WHERE id = 'b'")
    manifest = shop.control.backup("source", scope="full-device", demo="include")
    spoil(shop, node)
    return manifest


def spoil(shop: Devices, node: str = "B") -> None:
    """The target as it is before the restore."""
    tables = "tenants, items, nodes, states, queue, things, printers, marks, jobs, pages, notes"
    execute(shop.target, f"TRUNCATE {tables}")
    machine(shop.target, node)
    execute(
        shop.target,
        "UPDATE tenants SET name = 'Aa' WHERE id = 'a'",
        "INSERT INTO items VALUES (7, 'a')",
        "DELETE FROM items WHERE id = 2",
    )


def to_plan(page: Page, manifest: Manifest, *, mode: str = "Mirror") -> None:
    """Go from the menu to the plan of a restore into the target."""
    page.goto("/")
    page.get_by_role("link", name="Restore", exact=True).click()
    page.get_by_role("button", name=f"Choose {manifest.metadata.label}").click()
    page.get_by_label("Computer").last.select_option("target")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Only those that I tick").check()
    expect(page.locator("#preview")).to_contain_text("No business is ticked")
    page.get_by_label("All of the backup").check()
    page.get_by_role("radio", name=mode.lower()).check()
    expect(page.locator("#preview")).to_contain_text(f"mode: {mode.lower()}")
    page.get_by_role("button", name="See what would change").click()
    arrives(page.get_by_role("heading", name="What would change"))


def arrives(what: Locator) -> None:
    """Wait for what a run of its own brings onto the page."""
    expect(what).to_be_visible()


def run_of(page: Page) -> str:
    """The run whose page this is."""
    return page.url.rpartition("/")[2]


def test_rows_are_deleted_only_when_the_host_was_typed_and_only_as_seen(
    shop: Devices, console: Console, page: Page
) -> None:
    """Mirror on the same device: rows opened column by column, a changed target asks again, the name is typed."""
    manifest = state(shop, "A")
    address = f"/restore?backup={manifest.metadata.label}&repository=local&into=host&host=target"
    assert "Was its database copied from" in console.page(address)  # node A on a device that the inventory calls b
    shop.declare("a")
    before = shop.state()
    to_plan(page, manifest)
    expect(page.locator(".box.ok")).to_contain_text("Same device")
    assert shop.state() == before
    tenants = page.locator("section.change", has_text="tenants")
    tenants.get_by_text("Look at the rows").click()
    tenants.locator("summary", has_text="changes Aa a").click()
    expect(tenants.get_by_role("row", name="name Aa A")).to_be_visible()
    assert not faults(page)
    page.get_by_label("Type target").fill("Target")
    page.get_by_role("button", name="Restore into target").click()
    expect(page.get_by_role("alert")).to_contain_text("not the name of the computer")
    assert shop.state() == before
    execute(shop.target, "INSERT INTO items VALUES (8, 'a')")
    page.get_by_label("Type target").fill("target")
    page.get_by_role("button", name="Restore into target").click()
    arrives(page.get_by_text("Nothing was done"))
    arrives(page.get_by_text("items: rows that are deleted: 2 now, 1 when you looked"))
    assert shop.rows("SELECT id FROM items ORDER BY id") == [(1,), (7,), (8,)]
    page.get_by_role("button", name="Look at the plan as it is now").click()
    page.get_by_text("The playbook that will run").click()
    shown = page.locator("#playbook").text_content()
    page.get_by_label("Type target").fill("target")
    page.get_by_role("button", name="Restore into target").click()
    arrives(page.get_by_text("Restored, and checked row by row"))
    arrives(page.get_by_role("heading", name="How it was checked"))
    assert not faults(page)
    assert shop.rows("SELECT id FROM items ORDER BY id") == [(1,), (2,)]
    assert console.playbook_of(run_of(page)) == shown
    done = shop.rows("SELECT t::text FROM tenants t ORDER BY id")
    spoil(shop, "A")
    execute(shop.target, "INSERT INTO items VALUES (8, 'a')")
    assert console.invoke("run", f".playback/runs/{run_of(page)}/playbook.yml").code == 0
    assert shop.rows("SELECT t::text FROM tenants t ORDER BY id") == done


def test_another_device_without_scripts(shop: Devices, console: Console, visitor: Callable[..., Page]) -> None:
    """Without scripts: another device's banner, one business ticked, its name shown as it is, and restored."""
    manifest = state(shop)
    page = visitor(java_script_enabled=False)
    page.goto(f"/restore?backup={manifest.metadata.label}&repository=local&into=host&host=target")
    banner = page.locator(".box.warning").first
    expect(banner).to_contain_text("Another device")
    expect(banner).to_contain_text("The backup was made on a, and target is another device")
    expect(banner).to_contain_text("things (2 rows)")
    expect(banner).to_contain_text("target keeps its own identity, B")
    page.get_by_label("Only those that I tick").check()
    page.get_by_label(SCRIPT).check()
    page.get_by_role("button", name="Show the playbook of my choice").click()
    expect(page.locator("#playbook")).to_contain_text("businesses:\n      - b")
    page.get_by_role("button", name="See what would change").click()
    arrives(page.get_by_role("heading", name="What would change"))
    expect(page.get_by_text("1 row comes back").first).to_be_visible()
    page.locator("section.change", has_text="items").locator("summary").click()
    page.get_by_role("link", name="Show the rows of items").click()
    page.locator("summary", has_text="comes back").click()
    expect(page.get_by_role("row", name="tenant b")).to_be_visible()
    page.get_by_role("link", name="Back to the plan").click()
    page.get_by_role("button", name="Restore into target").click()
    arrives(page.get_by_text("Restored, and checked row by row"))
    assert shop.rows("SELECT id FROM items ORDER BY id") == [(1,), (2,), (7,)]
    assert console.wait(run_of(page)) == 0


def test_a_conflict_and_a_question_of_drift(shop: Devices, console: Console, page: Page) -> None:
    """What the database cannot take is said and put aside, what its newer tables ask is a form."""
    manifest = state(shop)
    execute(
        shop.target,
        "ALTER TABLE items ADD CONSTRAINT small CHECK (id <> 2)",
        "ALTER TABLE items ADD colour text NOT NULL DEFAULT ''",
        "ALTER TABLE items ALTER colour DROP DEFAULT",
    )
    page.goto(f"/restore?backup={manifest.metadata.label}&repository=local&into=host&host=target")
    page.get_by_role("button", name="See what would change").click()
    arrives(page.get_by_text("The tables have changed since the backup"))
    assert not faults(page)
    page.get_by_label("Value for items.colour").fill("<b>red</b>")
    page.get_by_role("button", name="Look at the plan with these answers").click()
    arrives(page.get_by_text("Some rows cannot be restored"))
    expect(page.get_by_role("alert")).to_contain_text("small")
    assert not faults(page)
    expect(page.get_by_role("button", name="Restore into target")).to_have_count(0)
    page.get_by_role("button", name="Put these rows aside").click()
    expect(page.locator(".badges")).to_contain_text("1 row put aside")
    page.get_by_label(re.compile("^Type target")).fill("target")
    page.get_by_role("button", name="Restore into target").click()
    arrives(page.get_by_text("Restored, but for rows that were put aside"))
    playbook = console.playbook_of(run_of(page))
    assert "on_error: quarantine" in playbook
    assert "items.colour: <b>red</b>" in playbook
    assert console.wait(run_of(page)) == ExitCode.PARTIAL


def test_what_is_wrong_in_an_address_or_a_form_is_said(shop: Devices, console: Console) -> None:
    """A backup, host or business that there is not, a run of anything else, and a form of nobody do nothing."""
    manifest = state(shop)
    chosen = f"/restore?backup={manifest.metadata.label}&repository=local&into=host&host=target"
    fields = {"backup": manifest.metadata.label, "repository": "local", "host": "target", "which": "some"}
    runs = Path(console.directory, ".playback", "runs")
    before = sorted(runs.iterdir())
    for path in (chosen.replace("target", "nobody"), "/restore?backup=../../x", chosen.replace("=local", "=else")):
        assert console.client.get(path).status_code == 400, path
    assert console.post("/restore/plan", fields, form=chosen).status_code == 400
    assert console.post("/restore/plan", {**fields, "business": "nobody"}, form=chosen).status_code == 400
    assert console.post("/restore/plan", {**fields, "mode": "all"}, form=chosen).status_code == 400
    assert console.client.post("/restore/plan", data=fields).status_code == 403
    assert console.client.get("/restore/plan/20261128T172532Z-0000ff").status_code == 400
    assert sorted(runs.iterdir()) == before


def test_a_restore_of_which_nothing_is_recorded_is_told_as_one(console: Console) -> None:
    """A run that was killed, or whose record or report is gone or damaged, is no fault and never called restored."""
    text = Wanted(backup="x", repository="local", host="target").playbook()
    for number, report in enumerate((b"", b"[]", b'{"plays": 3, "problems": []}', b'{"plays": [], "problems": ')):
        run = f"20261128T172532Z-00000{number}"
        directory = Path(console.directory, ".playback", "runs", run)
        directory.mkdir(parents=True)
        Path(directory, "playbook.yml").write_text(text, encoding="utf-8")
        Path(directory, "report.json").write_bytes(report)
        for page, said in (("plan", "Nothing was changed"), ("done", "nothing says how it ended")):
            answer = console.client.get(f"/restore/{page}/{run}")
            assert (answer.status_code, said in answer.text) == (200, True), answer.text


def test_what_looks_like_a_template_means_itself() -> None:
    """Keys and values of an application stand in the playbook so that the run reads them as they are, and so do we."""
    odd = ("{{ 7 * 7 }}", "{% raw %}", "{# no #}", "a: b", "'{{'", "null", "{{ '{{' }}")
    wanted = Wanted(
        backup="b", repository="local", host="till", businesses=odd, answers={"defaults": {"a.b": "{{ host }}"}}
    )
    text = wanted.playbook({"digest": "p-1"})
    assert wanted_of(text, "run") == (wanted, {"digest": "p-1"})
    (play,) = yaml.safe_load(text)
    restore = play["tasks"][0]["restore"]
    assert tuple(Templates().render(restore["businesses"], {}, Place())) == odd
    assert Templates().render(restore["defaults"]["a.b"], {}, Place()) == "{{ host }}"


@slow_only
def test_one_business_of_the_reference_application(
    control: Control, demo_host: Callable[..., str], browser: Browser, screenshots: Path
) -> None:
    """On the demo, from the overview to one business as it was, with the pictures of the guide."""
    host, conninfo = "till-1", demo_host("till-1")
    manifest = control.backup(host, scope="full-device", demo="include")
    business, name = next(iter(manifest.selection.tenants.items()))
    execute(
        conninfo,
        f"UPDATE business_products SET name = name || ' (wrong)' WHERE \"businessId\" = '{business}'",
        f"UPDATE businesses SET name = 'Wrong' WHERE id = '{business}'",
    )
    with Console(directory=control.directory) as console:
        context = browser.new_context(base_url=console.address, viewport={"width": 1100, "height": 900})
        cookies = [{"name": e.name, "value": e.value or "", "url": console.address} for e in console.client.cookies.jar]
        context.add_cookies(cookies)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto("/")
        page.get_by_role("link", name="Restore", exact=True).click()
        page.get_by_role("button", name="Choose").first.click()
        page.get_by_role("button", name="Next").click()
        page.get_by_label(name).first.check()
        expect(page.get_by_label("Only those that I tick")).to_be_checked()
        expect(page.locator("#preview")).to_contain_text(business)
        page.get_by_role("button", name="See what would change").click()
        arrives(page.get_by_role("heading", name="What would change"))
        products = page.locator("section.change", has=page.get_by_role("heading", name="business_products", exact=True))
        products.get_by_text("Look at the rows").click()
        products.locator("details.row summary").first.click()
        products.scroll_into_view_if_needed()
        page.screenshot(path=screenshots / "restore-plan.png", full_page=True)
        page.get_by_role("button", name=f"Restore into {host}").click()
        arrives(page.get_by_text("Restored, and checked row by row"))
        context.close()
    assert control.verify(host, manifest).exit_code == 0
