"""Which texts fit another type, against arithmetic and dates worked out in Python."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from toolkit.model.drift import Carried
from toolkit.model.schema import Column
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.session.connection import Connection, connect
from toolkit.postgres.stage.conversion import Conversions, converted


@dataclass(frozen=True)
class Target:
    """A type with the rule of what fits it, in Python's words."""

    written: str
    fits: Callable[[str], bool]


def integer(bits: int) -> Callable[[str], bool]:
    """Whole numbers of so many bits."""

    def fits(text: str) -> bool:
        number = Decimal(text)
        whole = number.is_finite() and number == number.to_integral_value()
        return whole and -(2 ** (bits - 1)) <= number < 2 ** (bits - 1)

    return fits


def scaled(digits: int, places: int) -> Callable[[str], bool]:
    """Numbers with so many digits, so many of them behind the point; NaN is none that would not fit."""

    def fits(text: str) -> bool:
        number = Decimal(text)
        if not number.is_finite():
            return number.is_nan()
        return number == round(number, places) and abs(number) < 10 ** (digits - places)

    return fits


def single(text: str) -> bool:
    """Double-precision numbers that single precision holds."""
    try:
        return bool(struct.unpack("f", struct.pack("f", float(text)))[0] == float(text)) or text == "NaN"
    except OverflowError:
        return False


def midnight(moment: datetime) -> datetime:
    """The beginning of its day."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def precise(unit: timedelta) -> Callable[[str], bool]:
    """Moments that are so many units after midnight."""

    def fits(text: str) -> bool:
        moment = datetime.fromisoformat(text)
        return (moment - midnight(moment)) % unit == timedelta(0)

    return fits


def at_most(length: int) -> Callable[[str], bool]:
    """Texts of so many characters."""
    return lambda text: len(text) <= length


def written_as_integer(text: str) -> bool:
    """Texts that are integers written in the one way in which a server writes them."""
    return text.removeprefix("-").isdecimal() and text.isascii() and integer(32)(text) and str(int(text)) == text


MOMENTS = st.datetimes(datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2100-01-01")).flatmap(
    lambda moment: st.sampled_from([moment, moment.replace(microsecond=0), midnight(moment)])
)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**19), max_value=10**19, places=4).flatmap(
    lambda number: st.sampled_from([f"{number:f}", f"{number.to_integral_value():f}", f"{round(number, 2):f}", "0"])
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
KINDS: dict[str, tuple[st.SearchStrategy[str], list[Target]]] = {
    "numeric": (
        NUMBERS | st.just("NaN"),
        [
            Target("smallint", integer(16)),
            Target("integer", integer(32)),
            Target("bigint", integer(64)),
            Target("numeric(8,2)", scaled(8, 2)),
            Target("numeric(20,4)", scaled(20, 4)),
        ],
    ),
    "bigint": (
        st.integers(-(2**63), 2**63 - 1).map(str) | st.integers(-40000, 40000).map(str),
        [Target("smallint", integer(16)), Target("numeric(6,0)", scaled(6, 0)), Target("text", lambda _: True)],
    ),
    "double precision": (
        st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr)
        | st.floats(allow_nan=False, allow_infinity=False).map(repr),
        [Target("real", single)],
    ),
    "timestamp(6) without time zone": (
        MOMENTS.map(lambda moment: moment.isoformat(" ").removesuffix(".000000")),
        [
            Target("timestamp(0) without time zone", precise(timedelta(seconds=1))),
            Target("timestamp(3) without time zone", precise(timedelta(milliseconds=1))),
            Target("date", precise(timedelta(days=1))),
            Target("timestamp with time zone", lambda _: True),
        ],
    ),
    "text": (
        TEXTS | st.integers(-(2**33), 2**33).map(str) | st.sampled_from(["007", " 7", "+7", "-0", ""]),
        [Target("character varying(3)", at_most(3)), Target("integer", written_as_integer)],
    ),
}


@pytest.fixture(scope="module")
def connection(pg18: EmbeddedServer) -> Iterator[Connection]:
    """A session of the server's own database, with nothing but temporary tables."""
    with connect(pg18.superuser) as opened:
        yield opened


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, Target, list[str]]:
    """A type, another one, and values of the first as a server writes them."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    values, targets = KINDS[kind]
    return kind, draw(st.sampled_from(targets)), draw(st.lists(values, max_size=8))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases())
def test_what_fits_is_what_comes_back(connection: Connection, case: tuple[str, Target, list[str]]) -> None:
    """Exactly the values that the new type can hold fit, whatever others stand beside them, and each comes back."""
    kind, target, values = case
    carried = Carried(source="v", type=kind, column=Column(name="v", type=target.written), examined=True)
    with connection.transaction(force_rollback=True):
        connection.execute("CREATE TEMPORARY TABLE given (v text)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO given VALUES (%s)", [[value] for value in [*values, None]])
        condition = Conversions(connection).misfits(sql.SQL("given"), carried)
        unfit = connection.execute(
            sql.SQL("SELECT v FROM given r WHERE {}").format(condition or sql.SQL("false"))
        ).fetchall()
        expected = [value for value in values if not target.fits(value)]
        assert sorted(value for (value,) in unfit) == sorted(expected)
        if condition is not None:
            connection.execute(sql.SQL("DELETE FROM given r WHERE {}").format(condition))
        back = sql.SQL("SELECT count(*) FROM given r WHERE {}::{} IS DISTINCT FROM v::{}").format(
            converted(sql.Identifier("v"), carried), sql.SQL(kind), sql.SQL(kind)
        )
        assert connection.execute(back.as_string(connection).encode()).fetchone() == (0,)
