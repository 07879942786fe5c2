"""Our own statements leave with every name qualified."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from psycopg import sql

from tests.control import ROOT
from toolkit.postgres.session.qualifying import Verbatim, qualified, type_name

STATEMENTS = {
    "SELECT count(*), t.* FROM pg_class c": "SELECT pg_catalog.count(*), t.* FROM pg_catalog.pg_class c",
    "a.b || 'x' = %s AND c > -1": "a.b OPERATOR(pg_catalog.||) 'x' OPERATOR(pg_catalog.=) %s AND"
    " c OPERATOR(pg_catalog.>) -1",
    "k IN ('r', 'p')": "k OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p'])",
    "k NOT IN (SELECT 1)": "k OPERATOR(pg_catalog.<>) ALL (SELECT 1)",
    "UPDATE x SET a = b WHERE c = d": "UPDATE x SET a = b WHERE c OPERATOR(pg_catalog.=) d",
    " SET (a, b) = (c, d = e)": " SET (a, b) = (c, d OPERATOR(pg_catalog.=) e)",
    "SET LOCAL jit = off": "SET LOCAL jit = off",
    'x::text::bigint::"char" COLLATE "C"': 'x::pg_catalog.text::bigint::pg_catalog."char" COLLATE pg_catalog."C"',
    "'pg_class'::regclass": "'pg_catalog.pg_class'::pg_catalog.regclass",
    "unnest(a) AS k(x), unnest(a, b) k(x, y)": "pg_catalog.unnest(a) AS k(x), unnest(a, b) k(x, y)",
    "x OPERATOR(public.=) max(y)": "x OPERATOR(public.=) pg_catalog.max(y)",
    "coalesce(a, b) IS DISTINCT FROM NULL": "coalesce(a, b) IS DISTINCT FROM NULL",
    "'SELECT a = b'": "'SELECT a = b'",
    "coalesce(a, '{}') = b": "coalesce(a, '{}') OPERATOR(pg_catalog.=) b",
}

REFUSED = (
    "a BETWEEN b AND c",
    "nullif(a, b)",
    "CASE a WHEN b THEN c END",
    "a IS DISTINCT FROM b",
    "a LIKE b",
    "x JOIN y USING (a)",
    "a NATURAL JOIN b",
    "a = b || c",
    "a + b * c",
    "a IN (",
)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_names_operators_types_and_tables_are_qualified(statement: str) -> None:
    """Functions, operators, types, collations and tables of pg_catalog are named with their schema."""
    assert qualified(statement) == STATEMENTS[statement]
    template = sql.SQL(statement.replace("{", "{{").replace("}", "}}"))
    assert qualified(template.format()) == STATEMENTS[statement]


@pytest.mark.parametrize("statement", REFUSED)
def test_what_cannot_be_qualified_is_refused(statement: str) -> None:
    """Forms that find operators by the search path, or would be read otherwise once qualified, raise an error."""
    with pytest.raises(ValueError, match=r"otherwise|parentheses"):
        qualified(statement)


def test_text_of_others_stays_as_it_is() -> None:
    """Conditions of the catalog file and bytes are not touched; types are qualified where they are the server's."""
    assert qualified(sql.SQL("a = b AND ({})").format(Verbatim("c = d"))) == "a OPERATOR(pg_catalog.=) b AND (c = d)"
    assert qualified(b"a = b") == b"a = b"
    kinds = ("text[]", "public.x", "numeric(5,2)", '"char"')
    assert [qualified(type_name(kind)) for kind in kinds] == ["pg_catalog.text[]", *kinds[1:3], 'pg_catalog."char"']
    assert qualified(sql.SQL("{}").format(sql.Literal(["a"]))) in ("'{a}'", "'{a}'::pg_catalog.text[]", "ARRAY['a']")


def test_every_statement_of_the_toolkit_can_be_qualified() -> None:
    """Each template, whole and in the pieces between its placeholders, names nothing that the search path decides."""
    texts = list(_templates())
    assert len(texts) > 500
    for text in texts:
        pieces = [text.replace("CASE {}", "CASE WHEN {}"), *re.split(r"\{\w*\}", text)]
        for piece in pieces:
            if not piece.endswith("CASE "):  # its WHEN is a piece of its own
                qualified(piece)


def _templates() -> Iterator[str]:
    """The texts that `sql.SQL` is called with, and other constants that hold a query."""
    for file in (ROOT / "toolkit").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "SQL":
                yield from _constants(node.args[0])
            elif isinstance(node, ast.Constant) and re.search(r"\bSELECT\b.*\bFROM\b", str(node.value), re.DOTALL):
                yield str(node.value)


def _constants(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)
