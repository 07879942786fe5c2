"""By which rules repositories are thinned out here, as the playbooks say it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from toolkit.app.control import Control
from toolkit.app.retention_rules import rules_for
from toolkit.app.scheduling import record


def test_the_rules_of_the_nearest_task(tmp_path: Path) -> None:
    """Own playbooks before shipped ones, a task that names the repository, scheduled ones first; broken ones never."""
    control = Control(directory=tmp_path)
    shipped = rules_for(control, "local")
    assert shipped is not None
    assert (shipped.playbook, shipped.arguments["keep_daily"]) == ("playbooks/nightly.yml", 14)
    assert "repository" not in shipped.arguments
    folder = tmp_path / "playbooks"
    folder.mkdir()

    def write(name: str, *tasks: str) -> None:
        text = "- hosts: all\n  tasks:\n" + "".join(f"    - {task}\n" for task in tasks)
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")

    def found(repository: str) -> tuple[str, object]:
        rules = rules_for(control, repository)
        assert rules is not None
        return rules.playbook, dict(rules.arguments)

    write("broken", "{prune: {keep_dayly: 3}}")
    write("a", "{block: [{prune: {keep_last: 5, lock_wait: 60}}]}")
    write("b", "{prune: {keep_last: 9, repository: offsite, time_zone: Europe/Berlin}}")
    write("c", "{prune: {keep_last: '{{ many }}', repository: other}}", "{prune: {keep_daily: 2}}")
    assert found("local") == ("playbooks/a.yml", {"keep_last": 5})
    assert found("offsite") == ("playbooks/b.yml", {"keep_last": 9, "time_zone": "Europe/Berlin"})
    assert found("other") == ("playbooks/a.yml", {"keep_last": 5})
    scheduled = record.Record(name="c", playbook="playbooks/c.yml", since=datetime.now(UTC))
    record.write(tmp_path, scheduled)
    assert found("local") == ("playbooks/c.yml", {"keep_daily": 2})
