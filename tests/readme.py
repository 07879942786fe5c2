"""The outputs that the README shows: compared with what the commands print, or written anew by `make readme`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DIRECTORY = "/srv/playback"
"""The control directory that the README shows."""

SESSION = (
    "run playbooks/nightly.yml",
    "run playbooks/one-business.yml --extra-vars business=biz-blaze-hardware",
    "run playbooks/demo-data.yml",
    "backups",
    "show LABEL",
    "check",
)
"""The commands whose outputs are shown, in a new control directory; LABEL is that of the first backup."""

_BLOCK = re.compile(r"^```(?:console|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LABEL = re.compile(r"\d{8}T\d{6}Z-nightly-business")
_VARIES = (
    (re.compile(r"\d{8}T\d{6}Z|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\dZ)?"), "TIME"),
    (re.compile(r"\d[\d.]*( s| min)\b"), "LONG"),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An output in the README.

    Attributes:
        lines: without the command; `…` alone stands for lines left out, at the end for the rest of the line.
        start: where they begin in the README.
    """

    command: str
    lines: list[str]
    start: int


def blocks(text: str) -> Iterator[Shown]:
    """Find the outputs of the session's commands in the README; that of `make nightly` stands in a block of its own."""
    for found in _BLOCK.finditer(text):
        first, _, rest = found[1].partition("\n")
        command = _LABEL.sub("LABEL", first.removeprefix("$ invoke "))
        if first.startswith("PLAY ["):
            yield Shown(command=SESSION[0], lines=found[1].splitlines(), start=found.start(1))
        elif command in SESSION:
            yield Shown(command=command, lines=rest.splitlines(), start=found.start(1) + len(first) + 1)


def perform(run: Callable[[str], str], directory: Path) -> dict[str, list[str]]:
    """Run the session; gives the lines of every output as the README would have them."""
    printed: dict[str, list[str]] = {}
    label = ""
    for command in SESSION:
        output = _elsewhere(run(command.replace("LABEL", label)), str(directory))
        found = _LABEL.search(output)
        label = label or (found[0] if found else "")
        # how far a long action is depends on the machine
        printed[command] = [line for line in output.strip("\n").splitlines() if ", memory " not in line]
    return printed


def _elsewhere(output: str, directory: str) -> str:
    """Name the README's directory in an output, and commands as one types them there; columns stay where they are."""
    shorter = " " * (len(directory) - len(DIRECTORY))
    padded = re.sub(rf"{re.escape(directory)}(\S*)(?=  )", lambda found: f"{DIRECTORY}{found[1]}{shorter}", output)
    return re.sub(r"\bplayback (.*) --inventory demo", r"invoke \1", padded.replace(directory, DIRECTORY))


def unlike(shown: Shown, printed: list[str]) -> str:
    """Give the first line of an output in the README that the command does not print in that order; empty if none."""
    return next((line for line, like in paired(shown, printed) if like is None), "")


def paired(shown: Shown, printed: list[str]) -> Iterator[tuple[str, str | None]]:
    """Pair every line that is shown with the one printed, None where there is none; times and lengths may differ."""
    position, skipping = 0, shown.lines[0].startswith("TASK")
    for line in shown.lines:
        if line == "…":
            skipping = True
            yield line, line
            continue
        ends = len(printed) if skipping else position + 1
        like = next((at for at in range(position, min(ends, len(printed))) if _alike(line, printed[at])), None)
        yield line, None if like is None else _shortened(printed[like], line)
        position, skipping = (position if like is None else like + 1), False


def _alike(shown: str, printed: str) -> bool:
    beginning = shown.removesuffix("…")
    return _bare(printed).startswith(_bare(beginning)) if beginning != shown else _bare(printed) == _bare(shown)


def _shortened(printed: str, shown: str) -> str:
    return printed[: len(shown) - 1] + "…" if shown.endswith("…") else printed.rstrip()


def _bare(line: str) -> str:
    for pattern, word in _VARIES:
        line = pattern.sub(word, line)
    return line.strip()


def main() -> int:
    """Write the outputs of the README anew; 1 where a line of it is not printed any more."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name).resolve()
        program = "import sys; sys.argv[0] = 'playback'; from toolkit.app.program import main; main()"

        def run(command: str) -> str:
            words = [sys.executable, "-c", program, *command.split(), "--inventory", "demo"]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            return subprocess.run(
                words, cwd=directory, env=environment, stdout=subprocess.PIPE, check=True, text=True
            ).stdout

        printed = perform(run, directory)
    text = README.read_text(encoding="utf-8")
    for shown in reversed(list(blocks(text))):
        if wrong := unlike(shown, printed[shown.command]):
            print(f"{shown.command} does not print: {wrong}", file=sys.stderr)
            return 1
        end = shown.start + sum(len(line) + 1 for line in shown.lines)
        text = (
            text[: shown.start] + "".join(f"{like}\n" for _, like in paired(shown, printed[shown.command])) + text[end:]
        )
    label = next(found[0] for line in printed[SESSION[0]] if (found := _LABEL.search(line)))
    text = re.sub(rf"(?<=show ){_LABEL.pattern}", label, text)
    README.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
