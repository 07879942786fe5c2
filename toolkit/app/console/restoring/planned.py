"""What came of a run that looked at the plan of a restore, or that restored, out of its record and its report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.app.console.restoring.wanted import Wanted, wanted_of
from toolkit.app.console.site import Site
from toolkit.app.runs import record
from toolkit.app.runs.telling import meaning
from toolkit.errors import ExitCode, InputError
from toolkit.model.conversion import Conversion
from toolkit.model.drift import Option, Question
from toolkit.model.plan import LEFT_BY_MERGE
from toolkit.planning.answer_text import LISTS, flow, line
from toolkit.wording import counted

_QUESTIONS = Conversion(tuple[Question, ...])
_UNREADABLE = "the record of this run is damaged or gone"
_LOOK = "look at the plan again: it shows what is otherwise than in the backup now"

_ENDINGS = {
    ExitCode.COMMITTED: "Rows were restored, and then something went wrong",
    ExitCode.UNDECIDED: "Whether it was restored is not known",
}
NUMBERS = ("inserts", "updates", "deletes", "set_null", "unchanged", "quarantined", "conflicts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer that would do.

    Attributes:
        said: what it means.
        key: the table or column that it is about.
        written: what it would write into the playbook.
        value: what a person may write in its place; None where it is no plain value.
    """

    said: str
    key: str
    written: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question of drift, as a form asks it."""

    number: int
    reason: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A run of a restore, or of a look at its plan.

    Attributes:
        seen: the plan that it is bound to.
        result: of its only task, as the report has it; empty while it runs, and where it came to none.
        problems: why it did not begin, or how it ended without a report.
        lost: it goes on no more, and nothing says what it has done.
        stopped: by whom it was stopped, and what that means; empty where nobody did.
    """

    run: str
    playbook: str
    wanted: Wanted
    seen: Mapping[str, Any] | None
    running: bool
    result: Mapping[str, Any]
    problems: tuple[str, ...] = ()
    lost: bool = False
    stopped: str = ""

    @property
    def plan(self) -> Mapping[str, Any]:
        """Its plan; empty without one."""
        return self.result.get("plan") or {}

    @property
    def facts(self) -> Mapping[str, Any]:
        """Its facts."""
        return self.result.get("facts") or {}

    @property
    def done(self) -> bool:
        """Whether it ended well."""
        return self.result.get("status") in ("ok", "changed")

    @property
    def partial(self) -> bool:
        """Whether it ended well but for rows that were put aside."""
        return self.result.get("exit_code") == ExitCode.PARTIAL

    @property
    def totals(self) -> dict[str, int]:
        """Its numbers over all tables."""
        tables = self.plan.get("tables", ())
        totals = {what: sum(table[what] for table in tables) for what in NUMBERS}
        return {**totals, "kept": sum(map(kept_of, tables))}

    @property
    def tables(self) -> list[Mapping[str, Any]]:
        """Tables of which something is to be said, those with deletes and conflicts first."""
        concerned = [
            table
            for table in self.plan.get("tables", ())
            if kept_of(table) or any(table[what] for what in NUMBERS if what != "unchanged")
        ]
        return sorted(concerned, key=lambda table: (not table["conflicts"], not table["deletes"], table["table"]))

    @property
    def still(self) -> list[Mapping[str, Any]]:
        """The other ones."""
        shown = {table["table"] for table in self.tables}
        return [table for table in self.plan.get("tables", ()) if table["table"] not in shown]

    @property
    def differs(self) -> tuple[str, ...]:
        """How the plan differs from the one that was confirmed, by table; empty where it does not."""
        if "plan_differs" not in self.facts:
            return ()
        now, then = self.facts["seen"].get("tables", {}), (self.seen or {}).get("tables", {})
        changed = (name for name in sorted({*now, *then}) if now.get(name) != then.get(name))
        found = tuple(f"{name}: {_difference(now.get(name, {}), then.get(name, {}))}" for name in changed)
        return found or tuple(self.facts["plan_differs"])

    @property
    def excepted(self) -> bool:
        """Whether the proof has exceptions: rows that are otherwise than in the backup, of those that it has."""
        kept = (rows for table in self.tables for reason, rows in table["kept"].items() if reason != LEFT_BY_MERGE)
        followed = (self.facts.get("identity") or {}).get("followed")
        return bool(any(kept) or self.totals["quarantined"] or followed)

    @property
    def confirmable(self) -> bool:
        """Whether there is a plan that can be carried out."""
        return bool(self.plan) and not self.plan["conflicts"] and bool(self.plan["seen"])

    @property
    def bound(self) -> str:
        """The playbook that restores exactly what was looked at."""
        return self.wanted.playbook(self.plan["seen"])

    @property
    def refusal(self) -> tuple[str, ...]:
        """Why it ended badly: one line and, where there are several reasons, these."""
        if self.stopped:
            return (self.stopped,)
        if not self.result:
            return self.problems
        first, *reasons = str(self.result.get("message", "")).splitlines()[:40] or [""]
        return first, *(reason.strip().removeprefix("- ") for reason in reasons)

    @property
    def hint(self) -> str:
        """What to do about that; empty where nobody knows."""
        return _LOOK if self.lost else str(self.result.get("hint", ""))

    @property
    def ending(self) -> str:
        """How a restore that did not end well stands, in a few words."""
        if self.lost:
            return "It was cut off, or nothing says how it ended"
        if self.stopped and not self.done:
            return "It was stopped before its end"
        return _ENDINGS.get(self.result.get("exit_code", ExitCode.FAILED), "It was not restored")

    def questions(self) -> tuple[Question, ...]:
        """Give what drift asks."""
        return _QUESTIONS(self.facts.get("questions", ()))

    def asked(self) -> Iterator[Asked]:
        """Give the same as a form asks it."""
        for number, question in enumerate(self.questions()):
            yield Asked(number=number, reason=question.reason, answers=tuple(map(_answer, question.options)))


def planned(site: Site, run: str) -> Planned:
    """Read a run; InputError where it was not prepared on this page."""
    directory = site.runs / run
    try:
        text = (directory / record.PLAYBOOK).read_bytes().decode("utf-8")
    except OSError as error:
        raise InputError(f"there is no run {run}", hint="the list of runs has those that are kept") from error
    (wanted, seen), known = wanted_of(text, run), record.read(site.control.directory, run)
    beginning = run in site.starter.began and site.starter.began[run].poll() is None
    report = known.report() if known else None
    if report is None:
        running = beginning or (known is not None and known.state is record.State.RUNNING)
        cut_off = known is not None and known.state is record.State.KILLED
        return Planned(
            run=run,
            playbook=text,
            wanted=wanted,
            seen=seen,
            running=running,
            result={},
            problems=() if running else (meaning(known) if known and cut_off else _UNREADABLE,),
            lost=not running,
        )
    results = [result for play in report["plays"] for task in play["tasks"] for result in task["results"]]
    return Planned(
        run=run,
        playbook=text,
        wanted=wanted,
        seen=seen,
        running=False,
        result=results[0] if results else {},
        stopped=meaning(known) if known and known.state is record.State.INTERRUPTED else "",
        problems=tuple(str(each["message"]) for each in report["problems"]) or ("nothing was done",),
    )


def _difference(now: Mapping[str, Any], then: Mapping[str, Any]) -> str:
    words = {
        "inserts": "come back",
        "updates": "change",
        "deletes": "are deleted",
        "set_null": "lose their link to a deleted row",
        "kept": "stay as they are",
        "put_aside": "are put aside",
    }
    numbers = ((said, now.get(what, 0), then.get(what, 0)) for what, said in words.items())
    parts = [f"rows that {said}: {new} now, {old} when you looked" for said, new, old in numbers if new != old]
    return "; ".join(parts) or "as many rows as when you looked, but other rows, other values or other columns"


def kept_of(table: Mapping[str, Any]) -> int:
    """Give how many rows of a table stay otherwise than in the backup."""
    return sum(table["kept"].values())


def changes_of(table: Mapping[str, Any]) -> str:
    """Say what becomes of a table in words, e.g. `3 rows come back, 1 row is deleted`."""
    words = {
        "inserts": ("comes back", "come back"),
        "updates": ("changes", "change"),
        "deletes": ("is deleted", "are deleted"),
        "set_null": ("loses its link to a deleted row", "lose their link to a deleted row"),
        "quarantined": ("is put aside", "are put aside"),
        "conflicts": ("cannot be restored", "cannot be restored"),
    }
    parts = [f"{counted(table[what], 'row')} {verbs[table[what] != 1]}" for what, verbs in words.items() if table[what]]
    if kept := kept_of(table):
        parts.append(f"{counted(kept, 'row')} {'stays as it is' if kept == 1 else 'stay as they are'}")
    return ", ".join(parts)


def answers_of(questions: Sequence[Question], chosen: Mapping[int, int], values: Mapping[int, str]) -> dict[str, Any]:
    """Put the answers to drift into the arguments that take them.

    Args:
        chosen: by the number of a question, which of its answers.
        values: what a person wrote in place of an answer's value.

    Raises:
        InputError: a question has no such answer.
    """
    answers: dict[str, Any] = {}
    for number, question in enumerate(questions):
        if number not in chosen:
            continue
        if not 0 <= chosen[number] < len(question.options):
            raise InputError(f"there is no such answer to: {question.reason}")
        option = question.options[chosen[number]]
        if option.section in LISTS:
            answers.setdefault(option.section, []).append(option.key)
        else:
            shown, value = _editable(option), option.value
            if shown is not None and values.get(number, shown) != shown:
                value = values[number]
            answers.setdefault(option.section, {})[option.key] = value
    return answers


def _answer(option: Option) -> Answer:
    said = {
        "rename": f"It is called {option.value} now",
        "drop_tables": f"Leave the rows of {option.key} in the backup",
        "drop_columns": f"Leave the values of {option.key} in the backup",
        "defaults": f"Give every row that has no {option.key.rpartition('.')[2]} this value",
        "convert": "Turn its values into others",
    }[option.section]
    return Answer(said=said, key=option.key, written=f"{option.section}: {line(option)}", value=_editable(option))


def _editable(option: Option) -> str | None:
    """The text of a value that a person may change; the server reads it as the column's type."""
    if option.section != "defaults" or isinstance(option.value, Mapping | list) or option.value is None:
        return None
    return option.value if isinstance(option.value, str) else flow(option.value)
