"""The pages Catalog and Verify, as a person walks through them."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.console.running import Console
from tests.control import execute
from tests.sweeps import EVERYTHING
from toolkit.actions.databases import open_database
from toolkit.config import inventory
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository

NAME = "<script>document.title = 'taken'</script> & Sons"
BACKUP = "- hosts: demo\n  tasks: [{backup: {scope: business}}]\n"


@pytest.fixture(scope="module")
def label(console: Console) -> str:
    """A backup of the demo, of which one business has a name that a browser could take for a script."""
    loaded = inventory.load(console.directory / "inventory", control=console.directory)
    name = NAME.replace("'", "''")
    database = open_database(loaded.directory, loaded.host("demo").database)
    execute(database, f"UPDATE businesses SET name = '{name}' WHERE id = 'biz-umoja-grill'")
    (console.directory / "first.yml").write_text(BACKUP, encoding="utf-8")
    ran = console.invoke("run", "first.yml")
    assert ran.code == 0, ran.text
    [made] = Repository.open(LocalStore(console.directory / ".playback" / "repository"), create=False).labels()
    # what people do after a backup
    execute(database, "UPDATE businesses SET description = '<b>Fresh</b>' WHERE id = 'biz-green-valley'")
    execute(database, "DELETE FROM loan_transactions WHERE id = 'loan-l-cty-0-2'")
    return made


def run_of(address: str) -> str:
    """The run to which a page leads."""
    return address.rpartition("/runs/")[2]


def test_a_row_is_found_and_its_owner_and_backups_are_told(
    page: Page, console: Console, label: str, screenshots: Path
) -> None:
    """From a word that a person knows to the row, whose it is, and which backup has it; the picture leads to tables."""
    del console, label
    page.goto("/catalog")
    page.get_by_label("Search a table, a number or a name").fill("& sons")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Rows that were found")).to_contain_text(NAME)
    page.get_by_role("link", name="biz-umoja-grill").click()
    expect(page.get_by_text("This row is the business itself.")).to_be_visible()
    expect(page.locator(".box.ok")).to_contain_text("Yes, such a backup takes it")
    page.get_by_label("Of", exact=True).select_option("biz-city-style")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".box.ok")).to_contain_text("Yes, but only because other rows of such a backup need it")
    expect(page.locator(".box.ok")).to_contain_text("which the backup does not name")
    expect(page).not_to_have_title(re.compile("taken"))

    page.get_by_role("link", name="Catalog of demo").click()
    page.get_by_role("link", name="See the picture").click()
    page.get_by_role("link", name="50 %", exact=True).click()
    page.locator("svg.graph a", has_text=re.compile("^loan_transactions$")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("loan_transactions")
    expect(page.locator("ol.way").first).to_contain_text("inter_business_loans")
    expect(page.get_by_role("region", name="Columns")).to_contain_text("loanId")
    if EVERYTHING:
        page.set_viewport_size({"width": 1100, "height": 760})
        page.goto("/catalog/row?host=demo&table=loan_transactions&key=loan-l-grv-0-1")
        page.screenshot(path=screenshots / "catalog-row.png")


def test_a_comparison_is_the_playbook_that_is_shown(
    page: Page, console: Console, label: str, screenshots: Path
) -> None:
    """What is chosen makes the playbook, the button runs it to the byte, and the rows that differ can be opened."""
    page.goto("/verify")
    form = page.locator("#compare")
    form.get_by_label("Only these tables").fill("businesses, loan_*")
    form.get_by_label("Only these tables").blur()
    shown = form.locator("#playbook-compare").text_content() or ""
    assert f"backup: {label}" in shown
    form.get_by_role("button", name="Compare now").click()
    page.wait_for_url("**/runs/*")
    run = run_of(page.url)
    assert console.playbook_of(run) == shown
    assert console.wait(run) == 6
    (console.directory / "copied.yml").write_text(shown, encoding="utf-8")
    page.reload()
    expect(page.get_by_role("link", name="See which rows differ")).to_be_visible()
    again = console.invoke("run", "copied.yml")
    assert (again.code, "differ in 2 of 2 tables" in again.text) == (6, True)

    page.goto("/verify")
    history = page.get_by_role("region", name="Runs that compared or rehearsed")
    expect(history.get_by_role("row").nth(1)).to_contain_text("differ in 2 of 2 tables")
    history.get_by_text("2 tables differ").first.click()
    expect(history.get_by_role("link", name="loan_transactions").first).to_be_visible()
    form.get_by_role("button", name="See which rows differ").click()
    page.get_by_role("link", name="businesses", exact=True).click()
    opened = page.get_by_role("region", name="Columns of biz-green-valley")
    expect(opened.get_by_role("row").nth(1)).to_contain_text("description")
    expect(opened).to_contain_text("<b>Fresh</b>")
    if EVERYTHING:
        page.set_viewport_size({"width": 1100, "height": 800})
        page.screenshot(path=screenshots / "verify-differences.png")


def test_a_rehearsal_without_scripts(visitor: Callable[..., Page], console: Console, label: str) -> None:
    """A button shows the playbook, another runs it; the proof stands in the history with its duration."""
    page = visitor(java_script_enabled=False)
    page.goto(f"/verify?repository=local&backup={label}&host=demo")
    form = page.locator("#rehearse")
    form.get_by_label("How much of it").select_option("=biz-umoja-grill")
    form.get_by_role("button", name="Show the playbook").click()
    playbook = form.locator("#playbook-rehearse")
    expect(playbook).to_contain_text("- biz-umoja-grill")
    shown = playbook.text_content()
    expect(form.get_by_label("How much of it")).to_have_value("=biz-umoja-grill")
    form.get_by_role("button", name="Rehearse now").click()
    page.wait_for_url("**/runs/*")
    run = run_of(page.url)
    assert console.playbook_of(run) == shown
    assert console.wait(run) == 0
    # another page, as this one may be loading itself again
    page = visitor(java_script_enabled=False)
    page.goto(f"/runs/{run}")
    expect(page.get_by_text("Proven: restored into an empty database")).to_be_visible()
    page.goto("/verify")
    first = page.get_by_role("region", name="Proofs").get_by_role("row").nth(1)
    expect(first).to_contain_text("proven")
    expect(first).to_contain_text(NAME)
    page.goto(f"/verify/differences?of=local/{label}&host=demo&table=loan_transactions")
    expect(page.get_by_role("heading", level=1)).to_have_text("Rows of loan_transactions that differ")
    expect(page.get_by_text("loan-l-cty-0-2")).to_be_visible()


def test_what_cannot_be_shown_is_said(console: Console, label: str) -> None:
    """Names that there are not, and forms that lack something, are pages that say what to do."""
    for address, said in (
        ("/catalog?host=nobody", "unknown host nobody"),
        ("/catalog/table?host=demo&table=nothing", "no table"),
        ("/catalog/row?host=demo&table=users", "does not say which row"),
        ("/catalog/row?host=demo&table=users&key=nobody", "no row with id=nobody"),
        ("/verify/differences?of=local/none&host=demo", "there is no backup none"),
    ):
        answer = console.client.get(address)
        assert answer.status_code == 400, address
        assert said in html.unescape(answer.text)
    wrong = console.post("/verify/compare", {"backup": "", "host": "demo", "do": "run"}, form="/verify")
    assert (wrong.status_code, "no backup is chosen" in wrong.text) == (200, True)
    braces = {"backup": f"local/{label}", "host": "demo", "tables": "{{ 7 * 7 }}", "do": "run"}
    begun = console.post("/verify/compare", braces, form="/verify")
    run = run_of(begun.headers["location"])
    assert console.wait(run) == 2
    printed = (console.directory / ".playback" / "runs" / run / "output.txt").read_text("utf-8")
    assert "{{ 7 * 7 }}" in printed


def test_a_row_is_shown_by_its_name_without_its_secrets(console: Console, label: str) -> None:
    """Its columns stand on its page, but none whose name says that it holds a password or the like."""
    del label
    loaded = inventory.load(console.directory / "inventory", control=console.directory)
    database = open_database(loaded.directory, loaded.host("demo").database)
    execute(database, "ALTER TABLE businesses ADD COLUMN api_token text DEFAULT 'hidden-word'")
    text = console.client.get("/catalog/row?host=demo&table=businesses&key=biz-city-style").text
    execute(database, "ALTER TABLE businesses DROP COLUMN api_token")
    assert " ".join(re.findall(r"<h1.*?>(.*?)</h1>", text)[0].split()) == "City Style Clothing"
    assert "<dt>description</dt>" in text
    assert ("hidden-word" in text, "<dt>api_token</dt>" in text) == (False, False)


def test_295_tables_stay_quick(console: Console, label: str) -> None:
    """The list, a search and the picture of every table take well under two seconds of a processor."""
    del label
    for address in ("/catalog?host=demo", "/catalog?host=demo&q=nothing-like-it", "/catalog/picture?host=demo"):
        before = console.seconds
        assert console.page(address)
        assert console.seconds - before < 3, address
    file = console.client.get("/catalog/picture.svg?host=demo")
    assert (file.headers["content-type"], "<script" in file.text) == ("image/svg+xml", False)


def test_a_computer_that_does_not_answer_keeps_nobody_from_another(page: Page, console: Console, label: str) -> None:
    """Its page says why nothing is shown and what to do, and the others can be chosen."""
    del label
    nowhere = {"host": "127.0.0.1", "port": 1, "dbname": "none", "user": "nobody"}
    console.add_host("till-2", nowhere, catalog="multi-business")
    page.goto("/catalog?host=till-2")
    expect(page.get_by_role("alert")).to_contain_text("The data of till-2 cannot be looked at now")
    page.get_by_label("Computer").select_option("demo")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="tables of demo")).to_be_visible()
