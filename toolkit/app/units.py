"""Numbers for people: counts, sizes, times."""

from __future__ import annotations

_SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def count(number: int) -> str:
    """A count with its thousands apart, e.g. `1,234`."""
    return f"{number:,}"


def size(number: float) -> str:
    """A size in bytes with a binary unit and three digits, e.g. `4.00 MiB`."""
    value = float(number)
    for unit in _SIZES:
        if value < 1000 or unit == _SIZES[-1]:
            break
        value /= 1024
    if unit == _SIZES[0]:
        return f"{int(value)} {unit}"
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"


def seconds(number: float) -> str:
    """A duration, e.g. `0.42 s`, `12.3 s`, `3 min 05 s`, `2 h 03 min`."""
    if number < 60:
        return f"{number:.{2 if number < 10 else 1}f} s"
    whole = round(number)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
