"""The commands `explain` and `leaks` on the real command line."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.app.invoking import Invoked, invoke
from tests.control import Control, execute
from tests.installed import copied_database
from toolkit.postgres.servers.embedded import EmbeddedServer


@dataclass(frozen=True, slots=True)
class Shop:
    """A host `shop` with a copy of the small demo that tests only read."""

    inventory: Path

    def __call__(self, command: str, *words: str) -> Invoked:
        """Run a command on it."""
        return invoke(command, "--host", "shop", *words, "--inventory", str(self.inventory))


@pytest.fixture(scope="module")
def shop(
    demo_template: Callable[[int], str], pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """The shop."""
    name = f"explain_{uuid.uuid4().hex[:12]}"
    conninfo = copied_database(pg18, name, demo_template(18))
    control = Control(tmp_path_factory.mktemp("control"))
    control.add_host("shop", conninfo)
    yield Shop(control.directory / "inventory")
    pg18.drop_database(name)


def test_explain_says_in_words_why_a_row_is_taken(shop: Shop) -> None:
    """The text names owners and ways, the mark and its reason, and what the row brings in."""
    words = ("loan_transactions", "loan-l-cty-0-2", "--businesses", "biz-city-style")
    text = shop("explain", *words).out
    for line in (
        "row:    loan_transactions id=loan-l-cty-0-2",
        "table:  business/misc, owned_by: [loanId]",
        "scope:  business, biz-city-style, demo: exclude",
        "taken:  yes, as owned",
        "        owned by City Style Clothing (biz-city-style), which the scope selects",
        "owned by Umoja Grill (biz-umoja-grill)",
        "    loan_transactions.loanId = inter_business_loans.id, row loan-l-cty-0",
        "    inter_business_loans.lenderBusinessId = businesses.id, row biz-umoja-grill",
        "what it brings in:",
    ):
        assert line in text.splitlines()


def test_explain_as_json_has_the_same_facts(shop: Shop) -> None:
    """With --json a program gets owners with their ways, the mark, the reasons and the samples."""
    words = ("receipt_sequences", "biz-umoja-grill,2025-02-01", "--scope", "full-device", "--optional", "audit_logs=9")
    ran = shop("explain", *words, "--json")
    assert ran.code == 0, ran.text
    document = json.loads(ran.out)
    assert document["scope"] == {
        "type": "full-device",
        "businesses": [],
        "demo": "exclude",
        "optional": {"audit_logs": 9},
        "without": [],
    }
    assert (document["taken"], document["mark"], document["table"]) == (True, "owned", "receipt_sequences")
    assert document["key"] == {"businessId": "biz-umoja-grill", "date": "2025-02-01"}
    assert document["rule"] == {"category": "business", "group": "reference", "text": "owned_by: [businessId]"}
    [owner] = document["owners"]
    assert (owner["tenant"], owner["demo"], owner["selected"]) == ("biz-umoja-grill", False, True)
    assert owner["path"] == [
        {
            "row": {"table": "receipt_sequences", "values": ["biz-umoja-grill", "2025-02-01"]},
            "columns": ["businessId"],
            "owner": {"table": "businesses", "values": ["biz-umoja-grill"]},
            "owner_columns": ["id"],
        }
    ]
    assert "businesses" in {each["table"] for each in document["brings"]}


def test_explain_of_a_table_alone_says_whose_its_rows_are_and_which_are_taken(shop: Shop) -> None:
    """A table without a row is told by its rule, the ways to its owners, and the references on both sides."""
    text = shop("explain", "loan_transactions", "--businesses", "biz-city-style").out.splitlines()
    assert text[0].startswith("table:  loan_transactions, ")
    for line in (
        "rule:   business/misc, owned_by: [loanId]",
        "        rows that belong to the businesses that the scope selects",
        "        rows that nobody owns stay out: the scope names businesses",
        "    inter_business_loans.borrowerBusinessId = businesses.id",
        "    inter_business_loans.lenderBusinessId = businesses.id",
        "    loan_transactions.personalExpenseId → personal_expenses.id: foreign key",
    ):
        assert line in text
    document = json.loads(shop("explain", "audit_logs", "--json").out)
    assert (document["taken"], document["ways"], document["key"]) == (False, [], ["id"])
    assert document["reasons"] == ["it is optional, and the scope does not name it"]
    named = json.loads(shop("explain", "audit_logs", "--optional", "audit_logs=5", "--json").out)
    assert named["taken"]
    assert "the newest 5 by" in named["reasons"][-1]


def test_explain_says_what_is_wrong_with_the_question(shop: Shop) -> None:
    """Missing words and options that are not right are one error each, all of them told, with exit code 2."""
    for words, message in (
        ((), "no table and no row are named"),
        (("user",), "no table 'user'"),
        (("users", "nobody"), "table users has no row with id=nobody"),
        (("users", "user-admin", "--optional", "users"), "not an optional table"),
    ):
        ran = shop("explain", *words)
        assert (ran.code, ran.out) == (2, ""), ran.text
        assert message in ran.err
    wrong = shop("explain", "users", "user-admin", "--demo", "no", "--scope", "all", "--optional", "audit_logs=x")
    assert wrong.code == 2
    assert all(option in wrong.err for option in ("--demo:", "--scope:", "--optional:"))
    unnamed = invoke("leaks")
    assert (unnamed.code, unnamed.err.splitlines()[0]) == (2, "ERROR: no host is named")


def test_leaks_are_a_failure_only_where_that_is_asked_for(shop: Shop) -> None:
    """The report ends with 0, with --strict with 6; as JSON it has the same counts."""
    ran = shop("leaks")
    assert ran.code == 0
    strict = shop("leaks", "--strict", "--json")
    assert strict.code == 6
    document = json.loads(strict.out)
    rows = sum(each["rows"] for each in document["co_owned"])
    pairs = sum(each["pairs"] for each in document["references"])
    assert f"rows with several owners: {rows:,} in {len(document['co_owned'])} tables" in ran.out
    assert f"rows that point at another tenant's rows: {pairs:,} by {len(document['references'])} references" in ran.out
    assert len(document["tenants"]) == 8


def test_tenants_that_are_apart_have_no_leaks(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """Shared rows, unowned rows and each tenant's own are no leaks; the strict report ends with 0."""
    conninfo = new_database()
    execute(
        conninfo,
        "CREATE TABLE shops (id text PRIMARY KEY); INSERT INTO shops VALUES ('a'), ('b')",
        "CREATE TABLE rates (id int PRIMARY KEY); INSERT INTO rates VALUES (1)",
        "CREATE TABLE kinds (id int PRIMARY KEY, shop text REFERENCES shops); INSERT INTO kinds VALUES (1, NULL)",
        "CREATE TABLE orders (id int PRIMARY KEY, shop text REFERENCES shops, rate int REFERENCES rates,"
        " kind int REFERENCES kinds); INSERT INTO orders VALUES (1, 'a', 1, 1), (2, 'b', 1, 1)",
    )
    rules = {"shops": "tenant", "rates": "shared", "kinds": {"owned_by": ["shop"]}, "orders": {"owned_by": ["shop"]}}
    catalog = {"catalog": "application", "tenant": {"table": "shops", "key": "id"}, "business": {"all": rules}}
    control = Control(tmp_path, catalog=json.dumps(catalog))
    control.add_host("shop", conninfo)
    ran = Shop(tmp_path / "inventory")("leaks", "--strict")
    assert (ran.code, ran.err) == (0, "")
    assert "no leaks" in ran.out
