"""Reading JSON backups: the pieces of a document, its canonical text, and values as PostgreSQL reads them."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.old_backups import dumped
from tests.sweeps import EVERYTHING, SEED
from toolkit.config.backup_file import read_blocks
from toolkit.errors import InputError
from toolkit.planning.json_backup.canonical import canonical
from toolkit.planning.json_backup.document import Document, Form, Model, Record
from toolkit.planning.json_backup.faults import Faults
from toolkit.planning.json_backup.javascript import as_javascript, lost_numbers
from toolkit.planning.json_backup.metadata import source_of
from toolkit.planning.json_backup.names import AmbiguousError, Names
from toolkit.planning.json_backup.scanner import DocumentError
from toolkit.planning.json_backup.values import MisfitError, converter

BUSINESS: dict[str, list[object]] = {
    "tenants": [{"id": "t1", "name": 'Öne "1" \\ \n{['}, {"id": "t2", "name": "🗝\u2028"}],
    "empty": [],
    "files": [
        {"id": 1, "data": {"type": "Buffer", "data": [1, 2]}, "text": "]}", "list": [[1.50, -0.0, 1e300]], "no": None},
        {},
        {"id": 12345678901234567890, "nested": {"a": {"b": [{}, [], "x\ty"]}}},
    ],
}


def written(business: object = BUSINESS) -> str:
    """A backup in format 2.0 with its checksum, as JavaScript writes it."""
    text = dumped(business)
    metadata = {
        "version": "2.0",
        "timestamp": "2024-05-01T18:00:00.000Z",
        "checksums": {"businessData": hashlib.sha256(text.encode()).hexdigest()},
        "stats": {"totalRecords": 5, "totalTables": 3},
    }
    return f'{{"metadata":{dumped(metadata)},"businessData":{text}}}'


def blocks(data: bytes, size: int) -> Iterator[bytes]:
    """The same in blocks."""
    return (data[at : at + size] for at in range(0, len(data), size))


def read(data: bytes, size: int = 1 << 20) -> tuple[list[Model | Record], Faults]:
    """Read a document, with what it says of itself; gives what is in it, and what is wrong."""
    faults = Faults()
    document = Document(blocks(data, size), Form.AUTO, faults)
    events = list(document.events())
    source_of(document, faults)
    return events, faults


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1 << 20])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_document_is_the_same_in_blocks_of_any_size(size: int, indent: int | None) -> None:
    """Records come with their places, whatever the blocks and the white space; the checksum is of the compact text."""
    text = written()
    data = text if indent is None else json.dumps(json.loads(text, parse_float=str), indent=indent, ensure_ascii=False)
    if indent is not None:  # numbers keep their text
        data = data.replace('"1.5"', "1.5").replace('"-0.0"', "-0.0").replace('"1e+300"', "1e+300")
    events, faults = read(data.encode(), size)
    assert list(faults) == []
    records = [event for event in events if isinstance(event, Record)]
    assert [json.loads(record.text) for record in records] == [each for rows in BUSINESS.values() for each in rows]
    assert all(data.encode()[record.offset : record.offset + 1] == b"{" for record in records)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{ "a" : [ 1 , 2.50 ] }', '{"a":[1,2.50]}'),
        ('"\\/\\u0041\\u00e9\\ud83d\\ude00"', '"/Aé😀"'),
        ('"\\u000A\\u0008\\u001F\\u0022\\u005c"', '"\\n\\b\\u001f\\"\\\\"'),
        ('"\\\\u0041\\\\/"', '"\\\\u0041\\\\/"'),
        ('" a  b "', '" a  b "'),
    ],
)
def test_the_canonical_text_is_that_of_javascript(text: str, wanted: str) -> None:
    """Escapes are those of JSON.stringify, white space is gone, numbers stay as they are."""
    assert canonical(text.encode()).decode() == wanted


@pytest.mark.parametrize(
    ("text", "wanted", "lost"),
    [
        ("[1.50,1E5,-0,-0.0,0e9,100]", "[1.5,100000,0,0,0,100]", 0),
        (
            "[1e21,123456789012345680000,0.000001,1e-7,1.5e-10]",
            "[1e+21,123456789012345680000,0.000001,1e-7,1.5e-10]",
            0,
        ),
        ("[9007199254740993,1e400,-1e400,1e-400]", "[9007199254740992,null,null,0]", 4),
        ("0.1000000000000000055", "0.1", 1),
        ('{"b":1,"10":2,"9":3,"01":4,"-1":5}', '{"9":3,"10":2,"b":1,"01":4,"-1":5}', 0),
        ('{"4294967295":1,"4294967294":2}', '{"4294967294":2,"4294967295":1}', 0),
        ('{"a":1,"b":2,"a":{"1":3,"0":4}}', '{"a":{"0":4,"1":3},"b":2}', 0),
        ('{"a":"1.50,","1":["[1.50]","\\ud83d","\\""]}', '{"1":["[1.50]","\\ud83d","\\""],"a":"1.50,"}', 0),
    ],
)
def test_javascript_writes_again_what_it_has_read(text: str, wanted: str, lost: int) -> None:
    """The cases are from Node.js: JSON.stringify(JSON.parse(text))."""
    assert as_javascript(text.encode()).decode() == wanted
    assert lost_numbers(text.encode()) == lost


def test_a_part_without_models_needs_no_checksum() -> None:
    """There is nothing in it that could be another."""
    assert not refused(f'{written()[:-1]},"deviceData":{{}}}}'.encode())
    assert refused(f'{written()[:-1]},"deviceData":{{"nodes":[]}}}}'.replace('"totalTables":3,', "").encode())


UNLIKE = '{"tenants":[{"id":"t1","rate":1.50,"big":9007199254740993,"n":{"b":-0,"10":1e5,"9":[]}}]}'
UNLIKE_SEEN = '{"tenants":[{"id":"t1","rate":1.5,"big":9007199254740992,"n":{"9":[],"10":100000,"b":0}}]}'


@pytest.mark.parametrize(
    ("checksums", "of_text", "taken"),
    [
        (UNLIKE, None, True),
        (UNLIKE_SEEN, None, False),
        (UNLIKE_SEEN, UNLIKE, True),
        (UNLIKE_SEEN, UNLIKE_SEEN, False),
        (UNLIKE.replace("1.50", "1.51"), None, False),
    ],
)
def test_checksums_are_of_the_text_or_of_what_javascript_reads(
    checksums: str, of_text: str | None, taken: bool
) -> None:
    """Either is taken, unless digits are in the text that JavaScript does not see; one of the text has to fit."""

    def checksum(text: str) -> dict[str, str]:
        return {"businessData": hashlib.sha256(text.encode()).hexdigest()}

    metadata = {"version": "2.0", "timestamp": "2024-05-01T18:00:00.000Z", "checksums": checksum(checksums)}
    if of_text is not None:
        metadata["textChecksums"] = checksum(of_text)
    if checksums is UNLIKE_SEEN and of_text is None:
        fewer = UNLIKE.replace("9007199254740993", "9007199254740992")
        assert not refused(f'{{"metadata":{dumped(metadata)},"businessData":{fewer}}}'.encode())
    assert (not refused(f'{{"metadata":{dumped(metadata)},"businessData":{UNLIKE}}}'.encode())) is taken


BROKEN: dict[str, Callable[[str], str]] = {
    "the end is missing": lambda text: text[:-1],
    "it is cut within a record": lambda text: text[: text.index("ne ")],
    "something follows": lambda text: text + "{}",
    "half a surrogate": lambda text: text.replace('"t1"', '"\\ud83d"'),
    "a number is none": lambda text: text.replace('"id":1,', '"id":01,'),
    "a comma too many": lambda text: text.replace("},{}", "},,{}"),
    "a model is there twice": lambda text: text.replace('"empty":', '"tenants":[],"empty":'),
    "a model is no list": lambda text: text.replace('"empty":[]', '"empty":{}'),
    "no checksum of it": lambda text: text.replace('"businessData":"', '"deviceData":"', 1),
    "another checksum": lambda text: text.replace('"checksums":{"businessData":"', '"checksums":{"businessData":"0'),
    "another count": lambda text: text.replace('"totalRecords":5', '"totalRecords":6'),
    "another number of tables": lambda text: text.replace('"totalTables":3', '"totalTables":4'),
    "a name is there twice in the metadata": lambda text: text.replace('"version":', '"version":"1.0","version":'),
    "another version": lambda text: text.replace('"version":"2.0"', '"version":"3.0"'),
    "a time before all years": lambda text: text.replace("2024-05-01T18:00:00.000Z", "0001-01-01T00:00:00+14:00"),
    "a filter that nobody knows": lambda text: text.replace('"version":', '"businessFilter":{"ids":["t1"]},"version":'),
    "no time": lambda text: text.replace('"timestamp":"2024', '"timestamp":"yesterday'),
    "another part": lambda text: text.replace('"businessData":{', '"other":{},"businessData":{'),
    "neither form": lambda text: '{"version":1,' + text[1:],
    "no object": lambda text: f"[{text}]",
    "no metadata": lambda text: '{"businessData":' + text.partition('"businessData":{')[2].join(("{", "")),
    "no business data": lambda text: text.partition(',"businessData":{')[0] + "}",
    "nothing": lambda text: "",
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_documents_are_refused(what: str) -> None:
    """What is no JSON, cut off, or not what its own metadata say is refused."""
    broken = BROKEN[what](written())
    assert broken != written()
    assert refused(broken.encode())


def refused(data: bytes) -> str:
    """Why a document is refused; empty where it is not."""
    try:
        _, faults = read(data)
    except DocumentError as error:
        return error.message if 0 <= error.offset <= len(data) else ""
    return "; ".join(faults)


def test_no_mutated_document_passes_for_the_other() -> None:
    """Bytes that are changed, lost, doubled, moved or put in anywhere in the data are noticed, or change nothing."""
    data = written().encode()
    begin = data.index(b'"businessData":{')
    random = Random(SEED)
    for number in range(250 if EVERYTHING else 60):
        mutated = mutate(data, begin, random)
        if mutated != data and not refused(mutated):
            assert json.loads(mutated) == json.loads(data), f"mutation {number} of seed {SEED}"


def mutate(data: bytes, begin: int, random: Random) -> bytes:
    """Damage a file somewhere behind a place."""
    at, size = random.randrange(begin, len(data)), random.choice((1, 1, 2, 5, 40))
    other = random.randrange(begin, len(data))
    return random.choice(
        (
            data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :],
            data[:at] + data[at + size :],
            data[:at] + data[at : at + size] + data[at:],
            data[:at],
            data[:at] + data[other : other + size] + data[at:],
            data[:at] + random.choice((b'"', b"{", b"}", b"[", b"]", b",", b"0", b"\\", b"\x00", b"\xff")) + data[at:],
        )
    )


def test_damaged_compression_is_refused(tmp_path: Path) -> None:
    """A compressed file that is cut off or changed is refused, or is the same."""
    data = written().encode()
    packed, file = gzip.compress(data), tmp_path / "old.json"
    random = Random(SEED)
    for _ in range(40):
        at = random.randrange(2, len(packed))
        cut = random.randrange(2)
        file.write_bytes(packed[:at] if cut else packed[:at] + bytes([packed[at] ^ 16]) + packed[at + 1 :])
        try:
            found = b"".join(read_blocks(file, control=tmp_path))
        except InputError:
            continue
        assert found == data


def test_a_document_that_is_not_utf_8_is_refused_by_its_byte() -> None:
    """The byte that is no UTF-8 is named, wherever blocks end."""
    data = written().encode().replace("Ö".encode(), b"\xd6", 1)
    for size in (1, 3, 1000):
        with pytest.raises(DocumentError) as caught:
            read(data, size)
        assert caught.value.offset == data.index(b"\xd6")


FITTING = [
    ("text", '"a\\u0041"', "aA"),
    ("character varying(3)", '"äöü"', "äöü"),
    ("numeric(10,2)", "1.500", "1.500"),
    ("numeric(10,2)", '"-1e1"', "-1e1"),
    ("numeric", "123456789012345678901234567890.5", "123456789012345678901234567890.5"),
    ("bigint", '"9007199254740993"', "9007199254740993"),
    ("double precision", "0.1", "0.1"),
    ("double precision", '"NaN"', "NaN"),
    ("real", "1.100000023841858", "1.100000023841858"),
    ("boolean", "true", "t"),
    ("timestamp(3) without time zone", '"2024-01-01T00:00:00.123Z"', "2024-01-01 00:00:00.123Z"),
    ("timestamp(3) without time zone", '"2024-01-01T01:00:00.123+02:00"', "2023-12-31 23:00:00.123Z"),
    ("timestamp(3) without time zone", '"2024-01-01 00:00"', "2024-01-01 00:00Z"),
    ("timestamp(3) with time zone", '"2024-01-01T00:00:00.1230"', "2024-01-01 00:00:00.1230Z"),
    ("date", '"2024-01-01T00:00:00.000Z"', "2024-01-01"),
    ("time(3) without time zone", '"1970-01-01T12:30:00.500Z"', "12:30:00.500"),
    ("jsonb", '{"a":[1.0]}', '{"a":[1.0]}'),
    ("bytea", '{"type":"Buffer","data":[0,255]}', "\\x00ff"),
    ("text[]", '["a\\"b",null,""]', '{"a\\"b",NULL,""}'),
    ("numeric(3,1)[]", '"[0:1]={1.5,NULL}"', '[0:1]={"1.5",NULL}'),
    ("timestamp(3) without time zone[]", '"{\\"2024-01-01T01:00:00+02\\"}"', '{"2023-12-31 23:00:00Z"}'),
    ("boolean[]", '"{t,f}"', '{"t","f"}'),
    ("jsonb[]", "[[1,2],null]", '{"[1,2]","null"}'),
    ("time(3) with time zone", '"24:00:00-15:59"', "24:00:00-15:59"),
    ("date", '"5874897-12-31"', "5874897-12-31"),
    ("interval", '"414080 seconds"', "414080 seconds"),
    ("interval", '"-1 mons +2 days -03:00:00.5"', "-1 mons +2 days -03:00:00.5"),
    ("interval", '"P1DT2H0.5S"', "P1DT2H0.5S"),
    ("integer[]", "[[1,2],[3,4]]", '{{"1","2"},{"3","4"}}'),
]
MISFITS = [
    ("text", "1"),
    ("character varying(3)", '"abc "'),
    ("numeric(10,2)", "1.501"),
    ("numeric(10,2)", "1e-3"),
    ("integer", "1.0"),
    ("integer", "true"),
    ("double precision", "0.12345678901234567891"),
    ("real", "0.123456789"),
    ("boolean", '"true"'),
    ("boolean", "1"),
    ("timestamp(3) without time zone", '"now"'),
    ("timestamp(3) without time zone", "1704067200000"),
    ("timestamp(3) without time zone", '"2024-01-01T00:00:00.1234Z"'),
    ("timestamp(3) without time zone", '"2024-01-01T24:00:00Z"'),
    ("date", '"2024-01-01T10:00:00Z"'),
    ("jsonb", '{"a":1,"a":2}'),
    ("bytea", '"aGVsbG8="'),
    ("bytea", '{"type":"Buffer","data":[256]}'),
    ("bytea", '{"type":"Buffer","data":[1],"more":1}'),
    ("bytea", '{"type":"Buffer","data":[1],"data":[2]}'),
    ("text[]", '[[[[[[["a"]]]]]]]'),
    ("text", '"\\ud83d"'),
    ("numeric(3,1)[]", '"{1.55}"'),
    ("interval", '"5"'),
    ("interval", '"1.5 months"'),
    ("interval", '"0.0000001 s"'),
    ("time(3) without time zone", '"24:00:01"'),
    ("text", '"\\ude00\\ud83d"'),
    ("text[]", "[1]"),
    ("text", '"a\\u0000"'),
]


@pytest.mark.parametrize(("kind", "value", "wanted"), FITTING)
def test_a_value_is_the_text_that_means_the_same(kind: str, value: str, wanted: str) -> None:
    """What a value of JSON is as text of a type."""
    assert converter(kind)(value.encode()).decode() == wanted


@pytest.mark.parametrize(("kind", "value"), MISFITS)
def test_a_value_that_would_be_changed_is_refused(kind: str, value: str) -> None:
    """What a type would round, cut off, guess at or read as something else is no value of it."""
    with pytest.raises(MisfitError):
        converter(kind)(value.encode())


def test_names_are_found_by_their_style() -> None:
    """What a person said comes first, then the exact name, then camelCase and PascalCase; what is ambiguous is not."""
    names = Names(["business_products", "orderItems", "order_items", "wifi_usage"], {"WiFi": "wifi_usage"})
    found = [names.find(each) for each in ("businessProducts", "BusinessProducts", "business_products", "orderItems")]
    assert found == ["business_products", "business_products", "business_products", "orderItems"]
    assert (names.find("WiFi"), names.find("businessproducts")) == ("wifi_usage", None)
    with pytest.raises(AmbiguousError, match="orderItems or order_items"):
        names.find("OrderItems")
