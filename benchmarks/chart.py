"""The chart and the README's section, made of a run's figures: `python -m benchmarks.chart [FILE]`.

Without a file it takes the newest of `benchmarks/results`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from msgspec import json

from benchmarks.place import ROOT
from benchmarks.results import RESULTS, Number, Results, line, missed
from benchmarks.rows import Kind

CHART = ROOT / "docs" / "benchmark.svg"
README = ROOT / "README.md"
BEGIN, END = "<!-- benchmark: made by python -m benchmarks.chart -->", "<!-- /benchmark -->"

_WIDTH, _LEFT, _ROW, _TOP = 900, 330, 32, 64
_LONGEST = 2.0
"""The ratio at the right edge; longer bars are cut there."""

_LEGEND = (
    "green: holds what it must; purple: misses it; grey: only shown."
    " Thick mark: must; thin mark: goal; line: spread of the rounds"
)
_STYLE = """
text { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; }
.small, .axis { font-size: 11px; fill: #59636e; }
.held { fill: #1a7f37; } .missed { fill: #bf3989; } .shown { fill: #6e7781; }
.peer { stroke: #1f2328; stroke-width: 1; stroke-dasharray: 4 3; }
.must { stroke: #1f2328; stroke-width: 2; } .goal { stroke: #1f2328; stroke-width: 1; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.spread { stroke: #1f2328; stroke-width: 1; opacity: 0.55; }
"""


def main() -> None:
    """Draw the chart and write the README's section."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else newest()
    results = read(file)
    CHART.write_text(svg(results), encoding="utf-8")
    README.write_text(with_section(README.read_text("utf-8"), results), encoding="utf-8")
    print(f"{CHART.relative_to(ROOT)} and {README.name} say what {file.name} says")


def newest() -> Path:
    """Give the newest file of figures."""
    files = sorted(RESULTS.glob("*.json"))
    if not files:
        raise SystemExit(f"there are no figures in {RESULTS}: run `make bench`")
    return files[-1]


def read(file: Path) -> Results:
    """Read a run's figures."""
    return json.decode(file.read_bytes(), type=Results)


def with_section(text: str, results: Results) -> str:
    """Give the README with the section that says a run's figures."""
    section = "\n".join((BEGIN, *_section(results), END))
    return re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: section, text, count=1, flags=re.DOTALL)


def svg(results: Results) -> str:
    """Draw the ratios as bars, each with its spread, and marks for what it must be and what it should be."""
    rows = [row for row in results.rows if row.kind == Kind.RATIO]
    height = _TOP + _ROW * len(rows) + 34
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>Time of Playback beside its peers</title><style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        '<text class="title" x="16" y="24">Time beside the peer\'s: shorter is quicker, 1.0 is as quick</text>',
        f'<text class="small" x="16" y="42">{_LEGEND}</text>',
    ]
    for tick in (0, 0.5, 1, 1.5, 2):
        kind = "peer" if tick == 1 else "grid"
        x = _x(tick)
        lines.append(f'<line class="{kind}" x1="{x}" x2="{x}" y1="{_TOP - 8}" y2="{height - 26}"/>')
        lines.append(f'<text class="axis" x="{x}" y="{height - 10}" text-anchor="middle">{tick:g}</text>')
    for number, row in enumerate(rows):
        lines += _bar(row, _TOP + _ROW * number)
    return "\n".join([*lines, "</svg>", ""])


def _bar(row: Number, y: int) -> Iterator[str]:
    middle = y + _ROW // 2
    yield f'<text x="{_LEFT - 10}" y="{middle - 2}" text-anchor="end">{escape(row.title)}</text>'
    yield f'<text class="small" x="{_LEFT - 10}" y="{middle + 11}" text-anchor="end">{escape(row.peer)}</text>'
    if row.median is None:
        yield f'<text class="small" x="{_LEFT + 6}" y="{middle + 4}">{escape(row.missing.partition(":")[0])}</text>'
        return
    kind = "shown" if row.must is None else "missed" if missed(row) else "held"
    yield f'<rect class="{kind}" x="{_LEFT}" y="{middle - 7}" width="{_x(row.median) - _LEFT:.1f}" height="14"/>'
    yield (
        f'<line class="spread" x1="{_x(row.low or 0):.1f}" x2="{_x(row.high or 0):.1f}" y1="{middle}" y2="{middle}"/>'
    )
    for mark, value in (("must", row.must), ("goal", row.goal)):
        if value is not None:
            yield f'<line class="{mark}" x1="{_x(value)}" x2="{_x(value)}" y1="{middle - 9}" y2="{middle + 9}"/>'
    place = min(max(_x(row.median), _x(row.high or 0), _x(row.must or 0)), _x(_LONGEST))
    yield f'<text x="{place + 6:.1f}" y="{middle + 4}">{row.median:.2f}</text>'


def _x(value: float) -> float:
    return _LEFT + min(value, _LONGEST) / _LONGEST * (_WIDTH - _LEFT - 60)


def _section(results: Results) -> Iterator[str]:
    machine = results.machine
    yield f"![Time of each work beside its peer's]({CHART.relative_to(ROOT).as_posix()})"
    yield ""
    yield "| work | Playback | peer | | ratio | must | goal | processor | peak memory | stored |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for row in results.rows:
        cells = line(results, row)
        if missed(row):
            cells[4] = f"**{cells[4].replace(' MISSED', '')}**"
        cells[2] = f"`{cells[2]}`" if cells[2].startswith("pg_") else cells[2]
        work, ours, peer, theirs, *rest = cells
        yield f"| {' | '.join((work, _seconds(ours), peer, _seconds(theirs), *rest))} |"
    yield ""
    yield (
        f"Measured on {results.date}, commit {results.commit}, at {results.scale:g} of full scale:"
        f" {machine.processor}, {machine.cores} processors, {machine.memory / 2**30:.0f} GiB, {machine.system},"
        f" Python {machine.python}, PostgreSQL {machine.postgres} with its default settings."
        f" Medians of {results.pairs} rounds after a warm-up, `pg_dump` at its best: `{results.best_dump}`."
        " Bold is what misses what it must be."
    )


def _seconds(text: str) -> str:
    return f"{text} s" if text else ""


if __name__ == "__main__":
    main()
