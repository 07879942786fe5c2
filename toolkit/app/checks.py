"""The commands `lint`, `check` and `verify`: is everything as it should be?"""

from __future__ import annotations

from pathlib import Path

from toolkit.actions.registry import ACTIONS
from toolkit.app import units
from toolkit.app.arguments import existing
from toolkit.app.backups import one_label
from toolkit.app.console import Output
from toolkit.app.control import Control, find_backup, repositories, utc_now
from toolkit.app.failure import show
from toolkit.app.text import WARNING, TextReporter
from toolkit.config import lint as linting
from toolkit.config.templates import Templates
from toolkit.config.validation import check_arguments
from toolkit.errors import InputError, PlaybackError, UnsetError
from toolkit.model.playbook import Keywords, Play, Playbook, Task
from toolkit.runner.options import RunOptions
from toolkit.runner.results import RunRecord
from toolkit.runner.run import Runner
from toolkit.storage.check import CheckReport, FindingKind, check

DIFFERENCES = 6


def lint(control: Control, output: Output, *, paths: tuple[str, ...]) -> int:
    """Check files, or the whole control directory; every problem as `file:line: path: message`.

    Raises:
        InputError: the problems.
    """
    problems = linting.lint(control.directory, [existing(path, control.directory) for path in paths])
    if problems:
        raise InputError(problems)
    output.line("no problems found", style="green")
    return 0


def check_repository(control: Control, output: Output, *, repository: str) -> int:
    """Read back every chunk of a repository, or of all, and check every manifest.

    Returns:
        0; 6 when something is damaged, else the exit code of a repository that cannot be opened.
    """
    damaged, code = False, 0
    reporter = TextReporter(output, debug=False)
    for name, opened in repositories(control.load_inventory(), repository):
        if isinstance(opened, UnsetError) and not repository:
            output.line(f"repository {name}: {opened.brief}", style=WARNING)
            continue
        if isinstance(opened, PlaybackError):
            show(output, opened)
            code = opened.exit_code
            continue
        with reporter.progress(name, "check") as progress:
            report = check(opened, progress=progress)
        _print_report(name, report, output)
        damaged = damaged or report.damaged
    return DIFFERENCES if damaged else code


def _print_report(name: str, report: CheckReport, output: Output) -> None:
    for finding in report.findings:
        style = WARNING if finding.kind is FindingKind.FOREIGN else "red"
        output.line(f"{finding.kind}: {finding.message}", style=style)
        for heading, harmed in (("backups", finding.labels), ("tables", finding.tables)):
            if harmed:
                output.line(f"    {heading}: {', '.join(harmed)}")
    verdict = f"repository {name} is {'DAMAGED' if report.damaged else 'sound'}"
    contents = f"{report.backups} backups, {units.count(report.chunks)} chunks, {units.count(report.rows)} rows"
    sizes = f"{units.size(report.bytes)} ({units.size(report.stored)} stored)"
    output.line(f"{verdict}: {contents}, {sizes} read", style="red" if report.damaged else "green")
    if report.orphans:
        output.line(f"    {report.orphans} chunks ({units.size(report.orphan_bytes)}) belong to no backup; no harm")


def verify(control: Control, output: Output, *, labels: tuple[str, ...], host: str, repository: str) -> int:
    """Compare a backup with a host's database, as the action `verify` does; 6 when they differ."""
    label = one_label(labels, "verify")
    if not host:
        raise InputError("no host to compare with is named", hint=f"invoke verify {label} --host HOST")
    inventory = control.load_inventory()
    inventory.host(host)
    found, _, _ = find_backup(inventory, label, repository)
    arguments = {"backup": label, "repository": found, "against": "database", "host": host}
    task = Task(keywords=Keywords(name=f"Verify {label} against {host}"), action="verify", arguments=arguments)
    playbook = Playbook(file=Path("verify"), plays=(Play(name="Verify", hosts=host, tasks=(task,)),))
    runner = Runner(
        inventory=inventory,
        actions=ACTIONS,
        templates=Templates(),
        check_arguments=check_arguments,
        reporter=TextReporter(output, debug=False),
        now=utc_now,
    )
    return runner.run(playbook, RunOptions(), RunRecord())
