"""The form of a backup: whatever is chosen, its playbook is right, or what is wrong stands beside the field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from starlette.datastructures import FormData, UploadFile

from tests.control import Control
from tests.sweeps import examples
from toolkit.app.console.backup_form import Chosen, Offered, Place, offered, problems, sent, written
from toolkit.app.console.composing import literal, unescaped
from toolkit.config import playbook as playbooks
from toolkit.config.inventory import LoadedInventory, load
from toolkit.config.lint import lint_run
from toolkit.config.templates import Templates
from toolkit.model.census import Business, Census, OptionalTable
from toolkit.model.playbook import Place as Written
from toolkit.model.playbook import Task

NASTY = (
    "{{ secret }}", "{% raw %}", '{{ "', "{#", "a: b", "- x", "<script>alert(1)</script>", "'\"\\", "null", "007", "é",
    "☕",
    "line\nbreak", "\u2028", "no", "~", "{{ '{{' }}\\", "%}", "*all", "&x", "!y", "5e3", "",
)  # fmt: skip
CATALOG = {
    "catalog": "application",
    "tenant": {"table": "tenants", "key": "id", "demo": "demo"},
    "business": {
        "all": {
            "tenants": "tenant",
            "logs": {"owned_by": ["tenant"], "optional": True, "newest_by": "at"},
            "{{ more }}": {"owned_by": ["tenant"], "optional": True},
        }
    },
}
TABLES = {"logs": True, "{{ more }}": False}
FIELDS = {"host", "scope", "business", "demo", "optional", "repository", "tags", "job", "limit:logs"}
FIELDS |= {"limit:{{ more }}"}

names = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
keys = names.filter(bool)


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> LoadedInventory:
    """A host `shop` with two repositories that can be used, and one that cannot."""
    directory = tmp_path_factory.mktemp("form")
    Control(directory, catalog=json.dumps(CATALOG)).add_host("shop", "dbname=none")
    stores = {name: {"type": "local", "path": name} for name in ("local", "second")}
    stores["away"] = {"type": "s3", "bucket": {"env": "NO_SUCH_VARIABLE"}}  # type: ignore[dict-item]
    (directory / "inventory" / "repositories.yml").write_text(json.dumps(stores), encoding="utf-8")
    return load(directory / "inventory", control=directory)


@st.composite
def censuses(draw: st.DrawFn) -> Census | None:
    """The businesses of a database; None where it does not answer."""
    if draw(st.integers(0, 5)) == 0:
        return None
    found = draw(st.dictionaries(keys, st.tuples(names, st.booleans()), max_size=5))
    return Census(
        businesses=tuple(Business(key=key, name=name or key, demo=demo) for key, (name, demo) in found.items()),
        optional=tuple(
            OptionalTable(table=name, rows=1, counted=True, bytes=9, newest_by="at" if limited else "")
            for name, limited in TABLES.items()
        ),
    )


@st.composite
def forms(draw: st.DrawFn, census: Census | None) -> FormData:
    """A form as a browser sends it; of a few fields what only somebody sends who wants to do harm."""
    wild = draw(st.sampled_from([set(), set(), FIELDS]) | st.sets(st.sampled_from(sorted(FIELDS)), max_size=2))
    businesses = census.businesses if census else ()
    pairs: list[tuple[str, str | UploadFile]] = [("host", "shop")]
    demo = draw(st.sampled_from(["exclude", "include", "only"]))
    if not any(each.demo is (demo == "only") for each in businesses):
        demo = "include"
    fits = [each.key for each in businesses if demo == "include" or each.demo is (demo == "only")]
    ticked = draw(st.lists(st.sampled_from(fits), max_size=3) if fits else st.just([]))
    if "business" in wild:
        ticked = draw(st.lists(keys, max_size=2))
    pairs.append(("which", "some" if ticked and "business" not in wild else draw(st.sampled_from(["all", "some"]))))
    pairs += [("business", key) for key in ticked]
    pairs.append(("demo", demo if "demo" not in wild else draw(st.sampled_from(["exclude", "only", "x"]))))
    pairs.append(("scope", draw(st.sampled_from(["business", "full-device"])) if "scope" not in wild else "all"))
    tables = draw(st.lists(st.sampled_from(list(TABLES))))
    pairs += [("optional", table) for table in (*tables, *(["orders"] if "optional" in wild else []))]
    limit = draw(st.sampled_from(["", "5000"])) if "logs" in tables else ""
    wrong = st.sampled_from(["0", "-1", "5e3", "x", "5000", "٣"])
    pairs.append(("limit:logs", draw(wrong) if "limit:logs" in wild else limit))
    pairs.append(("limit:{{ more }}", draw(wrong) if "limit:{{ more }}" in wild else ""))
    places = ["local", "second"] + (["away", "nowhere"] if "repository" in wild else [])
    pairs += [("repository", each) for each in draw(st.lists(st.sampled_from(places), min_size=not wild, max_size=2))]
    tags = draw(st.lists(names, max_size=3))
    pairs.append(("tags", ",".join(each for each in tags if "tags" in wild or each.isprintable())))
    jobs = ["-x", "a b", "x" * 65, "{{ job }}"] if "job" in wild else ["", "by-hand", "x.y_z"]
    pairs.append(("job", draw(st.sampled_from(jobs))))
    return FormData(pairs)


def right(chosen: Chosen, offer: Offered) -> Mapping[str, Any]:
    """What the task of a form has to say, once its templates are rendered."""
    said: dict[str, Any] = {"scope": chosen.scope, "demo": chosen.demo, "job": chosen.job}
    if chosen.some:
        said["businesses"] = list(chosen.businesses)
    if chosen.optional:
        limits = {table: chosen.limits.get(table) for table in chosen.optional}
        said["optional"] = {table: {"limit": int(limit)} if limit else {} for table, limit in limits.items()}
    if tags := list(dict.fromkeys(tag.strip() for tag in chosen.tags.split(",") if tag.strip())):
        said["tags"] = tags
    places = list(chosen.repositories)
    return {**said, "repository": places[0] if len(places) == 1 else places}


@settings(max_examples=examples(60), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_form_is_a_right_playbook_or_says_what_is_wrong(inventory: LoadedInventory, data: st.DataObject) -> None:
    """Of any form the playbook has no problem and says just what was chosen; else a field has a sentence of its own."""
    census = data.draw(censuses())
    offer = offered(inventory, "shop", census)
    chosen = sent(data.draw(forms(census)))
    if wrong := problems(chosen, offer):
        assert wrong.keys() <= FIELDS
        assert all(" " in text for text in wrong.values())
        event("something is wrong")
        return
    event("right")
    file = inventory.directory / "playbook.yml"
    file.write_text(written(chosen, offer), encoding="utf-8", newline="\n")
    assert lint_run(file, inventory, {}) == []
    [play] = playbooks.load(file, control=inventory.directory).plays
    [task] = play.tasks
    assert isinstance(task, Task)
    assert Templates().render(task.arguments, {}, Written()) == right(chosen, offer)
    assert task.keywords.name.startswith("Back up ")
    assert play.hosts == "shop"


def test_forms_with_which_nothing_is_wrong(inventory: LoadedInventory) -> None:
    """The usual choices of both kinds are right at once; what is wrong is one sentence beside its field."""
    census = Census(
        businesses=(
            Business(key="{{ a }}", name="<script>", demo=False, rows=3),
            Business(key="d", name="Demo", demo=True, rows=3),
        ),
        optional=(OptionalTable(table="logs", rows=1, counted=True, bytes=9, newest_by="at"),),
    )
    offer = offered(inventory, "shop", census)
    assert [(each.name, bool(each.lacks)) for each in offer.places] == [
        ("local", False), ("second", False), ("away", True)
    ]  # fmt: skip
    for scope in ("business", "full-device"):
        assert problems(Chosen(host="shop", scope=scope, repositories=("local",)), offer) == {}
    nobody = offered(inventory, "shop", Census(businesses=()))
    for scope, wrong in (("business", ["business"]), ("full-device", [])):
        assert list(problems(Chosen(host="shop", scope=scope, repositories=("local",)), nobody)) == wrong
    one = Chosen(host="shop", some=True, businesses=("{{ a }}",), repositories=("local",))
    assert problems(one, offer) == {}
    for changed, field in (
        ({"businesses": ("z",)}, "business"),
        ({"businesses": ()}, "business"),
        ({"some": False}, "business"),
        ({"businesses": ("d",)}, "demo"),
        ({"demo": "only"}, "demo"),
        ({"repositories": ()}, "repository"),
        ({"repositories": ("away",)}, "repository"),
        ({"limits": {"logs": "5"}}, "limit:logs"),
        ({"tags": "a\x07b"}, "tags"),
    ):
        assert list(problems(replaced(one, **changed), offer)) == [field], changed


def replaced(chosen: Chosen, **changed: Any) -> Chosen:
    """The same with something else chosen."""
    fields = {name: getattr(chosen, name) for name in Chosen.__dataclass_fields__}
    return Chosen(**{**fields, **changed})


@given(text=st.text(max_size=20) | st.text(alphabet="{}%#' \"\\-\n7*", max_size=12) | st.sampled_from(NASTY))
def test_a_literal_is_no_template(text: str) -> None:
    """A text that is written as a literal comes out of a playbook as it went in, and is read back as it was."""
    assert unescaped(literal(text)) == text
    if not any("\ud800" <= each <= "\udfff" for each in text):
        assert Templates().render(literal(text), {}, Written()) == text


def test_a_host_that_cannot_be_backed_up(tmp_path: Path) -> None:
    """Without a catalog file, or with one that is not right, the form says so in place of a playbook."""
    control = Control(tmp_path, catalog="catalog: [")
    control.add_host("shop", "dbname=none")
    broken = offered(load(tmp_path / "inventory"), "shop", None)
    assert "catalog file is not right" in problems(Chosen(host="shop", repositories=("local",)), broken)["host"]
    control.add_host("carried", "dbname=none", repository="bundle:stick.playback")
    carried = offered(load(tmp_path / "inventory"), "carried", None)
    assert [each.name for each in carried.places] == ["local", "bundle:stick.playback"]
    control.add_host("bare", "dbname=none")
    del control.hosts["bare"]["catalog"]
    control.add_host("shop", "dbname=none")
    bare = offered(load(tmp_path / "inventory"), "bare", None)
    assert bare.places == (Place(name="local", where=f"the folder {tmp_path / 'repository'}"),)
    assert "cannot be backed up" in problems(Chosen(host="bare", repositories=("local",)), bare)["host"]
