"""The contracts about imports fail where they are broken."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

PLANTED = {
    "postgres/compare/comparison.py": "import toolkit.postgres.restore.transaction",
    "postgres/session/connection.py": "import toolkit.postgres.session.statements",
    "storage/layout.py": "import toolkit.storage.repository",
    "model/schema.py": "import toolkit.planning.links",
    "runner/run.py": "import rich",
    "actions/debug.py": "import psycopg",
}
"""File → an import that it must not have: upwards, in a circle, or of a library with another home."""

BROKEN = {
    "layers",
    "the rooms of PostgreSQL, by stage of work",
    "no circles",
    "one place for psycopg",
    "one place for rich",
}


def test_planted_imports_break_their_contracts(tmp_path: Path) -> None:
    """Imports upwards, circles and libraries in the wrong place are found, each by its contract."""
    shutil.copytree(ROOT / "toolkit", tmp_path / "toolkit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, line in PLANTED.items():
        with (tmp_path / "toolkit" / file).open("a", encoding="utf-8") as source:
            source.write(f"{line}\n")
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", lint, "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert set(re.findall(r"^(.+?) BROKEN(?: \(\d+ ignored imports?\))?$", done.stdout, re.MULTILINE)) == BROKEN
