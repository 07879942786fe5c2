"""Where the files that are shipped with the code are: schemas, playbooks, and the inventory of the demo.

The first two stand beside the package in a checkout, and inside of it once it is installed (`pyproject.toml` puts them
there).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKAGE = Path(__file__).parent
_INSTALLED = _PACKAGE / "data"

ROOT: Final = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent
SCHEMAS: Final = ROOT / "schemas"
PLAYBOOKS: Final = ROOT / "playbooks"
DEMO_INVENTORY: Final = _PACKAGE / "demo" / "inventory"


def found_file(control: Path, name: str) -> Path:
    """Give the file that a person named: below the control directory, else the shipped one of that name."""
    own, beside = control / name, ROOT / name
    return beside if not own.exists() and PLAYBOOKS in beside.parents and beside.is_file() else own
