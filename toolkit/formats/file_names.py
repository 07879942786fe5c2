"""Names of files for tables: valid and told apart on Linux, macOS and Windows, whatever tables are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*%~]|[. ]$|^[. ]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9]|readme)(\.|$)", re.IGNORECASE)
_LONGEST = 180


def file_names(tables: Iterable[str], ending: str) -> Mapping[str, str]:
    """Give the name of a file for each table."""
    names: dict[str, str] = {}
    taken = set[str]()
    for table in sorted(tables):
        safe = _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), table)
        safe = f"_{safe}" if _RESERVED.match(safe) else safe
        stem, number = safe.encode()[:_LONGEST].decode(errors="ignore"), 1
        while (name := stem if number == 1 else f"{stem}~{number}").casefold() in taken:
            number += 1
        taken.add(name.casefold())
        names[table] = f"{name}{ending}"
    return names
