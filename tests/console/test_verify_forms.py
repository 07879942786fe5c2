"""The forms of Verify: whatever they say, their playbook is right, or what is wrong is a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.console.test_backup_form import NASTY
from tests.control import Control
from tests.sweeps import examples
from toolkit.app.console.verify_forms import Compare, Known, Rehearse
from toolkit.config import playbook as playbooks
from toolkit.config.inventory import LoadedInventory, load
from toolkit.config.lint import lint_run
from toolkit.config.templates import Templates
from toolkit.errors import InputError
from toolkit.model.playbook import Place as Written
from toolkit.model.playbook import Task

LABEL = "20261120T020000Z-nightly-business"
nasty = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
hosts = st.just("shop") | st.sampled_from(["", "till", "{{ x }}", "all"])
backups = st.just(f"local/{LABEL}") | st.sampled_from(["", "local/", LABEL, f"nowhere/{LABEL}", "local/{{ x }}"])
compared = st.builds(Compare, backup=backups, host=hosts, tables=st.lists(nasty, max_size=3).map(",".join))
rehearsed = st.builds(
    Rehearse,
    host=hosts,
    backup=backups,
    businesses=st.sampled_from(["whole", "turn", "=", "x"]) | nasty.map("={}".format),
    on=st.sampled_from(["embedded", "host", "elsewhere"]),
)


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> LoadedInventory:
    """A host `shop` with a repository."""
    directory = tmp_path_factory.mktemp("forms")
    Control(directory).add_host("shop", "dbname=none")
    return load(directory / "inventory", control=directory)


@settings(max_examples=examples(80), suppress_health_check=list(HealthCheck))
@given(form=compared | rehearsed)
def test_a_form_is_a_right_playbook_or_says_what_is_wrong(inventory: LoadedInventory, form: Compare | Rehearse) -> None:
    """A playbook of a form has no problem and says just what was chosen."""
    known = Known(hosts=["shop"], repositories=inventory.repositories)
    try:
        text = form.playbook(known)
    except InputError:
        return
    file = inventory.directory / "playbook.yml"
    file.write_text(text, encoding="utf-8", newline="\n")
    assert lint_run(file, inventory, {}) == []
    [play] = playbooks.load(file, control=inventory.directory).plays
    [task] = play.tasks
    assert isinstance(task, Task)
    said: dict[str, Any] = Templates().render(task.arguments, {}, Written())
    assert (play.hosts, form.host) == ("shop", "shop")
    if isinstance(form, Compare):
        named = list(dict.fromkeys(each.strip() for each in form.tables.split(",") if each.strip()))
        assert said == {
            "backup": LABEL,
            "repository": "local",
            "against": "database",
            **({"tables": named} if named else {}),
        }
    else:
        which = {"backups": LABEL, "repository": "local"} if form.backup else {"backups": "oldest-unproven"}
        some = {"whole": {}, "turn": {"businesses": "random 1"}}
        much = some.get(form.businesses, {"businesses": [form.businesses[1:]]})
        assert said == {**which, **much, "on": form.on}
