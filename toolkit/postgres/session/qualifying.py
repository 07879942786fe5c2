"""Our own statements with every name qualified, so that they mean the same under any search path.

A session has the search path that its role and database have, because functions of the application run in it: in
triggers, constraints, indexes and defaults. What the path finds first may be an operator, function, type or table of
somebody else. The plain names in our statements, `count(*)`, `=`, `::text`, `pg_class`, mean those of pg_catalog, and
are qualified here, where every statement leaves. Text of others, `Verbatim`, is left as it is.

Our SQL has keywords in capitals, and functions and names in small letters. A few forms of SQL find an operator by the
search path and cannot be qualified: BETWEEN, NULLIF, `CASE x WHEN`, `IS DISTINCT FROM` another value than NULL, LIKE,
JOIN … USING. They are refused. `IN` is written as `= ANY`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import AdaptContext

Query = str | bytes | sql.Composable


class Verbatim(sql.SQL):
    """SQL that is not ours: conditions of the catalog file, expressions and names as the server prints them."""

    def __init__(self, text: str) -> None:
        super().__init__(text)  # type: ignore[arg-type,unused-ignore]


class QualifyingCursor(psycopg.Cursor[tuple[Any, ...]]):
    """Runs statements with their names qualified; bytes are sent as they are."""

    def execute(self, query: Query, *args: Any, **options: Any) -> Any:  # type: ignore[override]
        """Run a statement."""
        return super().execute(qualified(query, self), *args, **options)

    def copy(self, statement: Query, *args: Any, **options: Any) -> Any:  # type: ignore[override]
        """Start a COPY."""
        return super().copy(qualified(statement, self), *args, **options)


class _Sent(sql.Composable):
    """A statement of another session of ours, in which all names are qualified."""

    def __init__(self, text: str) -> None:
        super().__init__(text)

    def as_bytes(self, context: AdaptContext | None = None) -> bytes:
        """Give it as it is."""
        return str(self._obj).encode()


def as_sent(text: str) -> sql.Composed:
    """Give a statement that `qualified` gave for a session of another process."""
    return sql.Composed([_Sent(text)])


def qualified(query: Query, context: AdaptContext | None = None) -> Any:
    """Give a statement with all names of pg_catalog in it qualified."""
    if isinstance(query, bytes):
        return query
    if isinstance(query, str):
        return rewritten(query)
    done, ours = list[str](), list[str]()
    _add(query, context, done, ours)
    if "".join(done[:1] or ours).startswith("SET "):
        return query.as_string(context)
    return "".join([*done, rewritten("".join(ours))])


def _add(query: sql.Composable, context: AdaptContext | None, done: list[str], ours: list[str]) -> None:
    """Add a part of a statement to what is done of it; what stands side by side of our text is read as one.

    A template is cut in two where a brace is doubled.
    """
    kind = type(query)  # asking for base classes costs as much as all the rest, so seldom
    if kind is sql.SQL:
        ours.append(query.as_string())
    elif kind is not sql.Identifier and isinstance(query, sql.Composed):
        for part in query:
            _add(part, context, done, ours)
    else:
        if ours:
            done.append(rewritten("".join(ours)))
            ours.clear()
        # names are quoted alike on every connection of ours, which all speak UTF-8
        text = query.as_string(None if kind is sql.Identifier else context)
        done.append(_literal(text) if kind is sql.Literal else text)


def _literal(text: str) -> str:
    """A literal, whose type psycopg may have added."""
    value, cast, kind = text.rpartition("'::")
    return f"{value}'::{type_text(kind)}" if cast and "'" not in kind else text


def printed(text: str) -> Verbatim:
    """Give an expression that the server printed where only pg_catalog is in the search path, for use in a statement.

    It has an operator per pair of parentheses.
    """
    try:
        return Verbatim(rewritten(text))
    except ValueError:  # forms that nobody can qualify
        return Verbatim(text)


def type_name(text: str) -> Verbatim:
    """Give a type, as `format_type` prints it where only pg_catalog is in the search path, for use in a statement."""
    return Verbatim(type_text(text))


def type_text(text: str) -> str:
    """Give the same as text."""
    word = re.match(r'"(?:[^"]|"")*"|\w+', text)
    own = word is None or word[0] in TYPE_KEYWORDS or text[word.end() : word.end() + 1] == "."
    return text if own else f"pg_catalog.{text}"


TYPE_KEYWORDS = frozenset(
    "bigint bit boolean char character dec decimal double float int integer interval national nchar numeric real"
    " smallint time timestamp varchar".split()
)
"""The types that the grammar itself takes from pg_catalog."""

_GRAMMAR = frozenset("coalesce extract greatest least overlay position substring trim".split())
"""What looks like a function and is of the grammar, which takes it from pg_catalog."""

_TOKENS = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")*")
      | (?P<value>\{\w*\} | %\(\w+\)s | %s | \d[\w.]*)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<cast>::)
      | (?P<operator>[-+*/<>=~!@\#%^&|`?]+)
      | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)

_STRENGTH = {"^": 5, "*": 4, "/": 4, "%": 4, "%%": 4, "+": 3, "-": 3} | dict.fromkeys(
    ("=", "<", ">", "<=", ">=", "<>", "!="), 1
)
"""How strongly operators bind; others do by 2, and so do all of them once they are qualified."""

_REFUSED = frozenset("BETWEEN ILIKE SIMILAR NATURAL NULLIF nullif".split())


class _Tokens:
    """Reads a piece of SQL token by token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found = [(str(match.lastgroup), match[0]) for match in _TOKENS.finditer(text)]

    def beside(self, place: int, step: int) -> tuple[str, str]:
        """The next token, or with -1 the one before, that is no blank; ("end", "") where the piece ends."""
        place += step
        while 0 <= place < len(self.found):
            if self.found[place][0] != "space":
                return self.found[place]
            place += step
        return "end", ""

    def after(self, place: int) -> str:
        """All text behind a token."""
        return "".join(token for _, token in self.found[place + 1 :])

    def refuse(self, what: str) -> ValueError:
        """The error for a form that cannot be qualified."""
        return ValueError(f"{what} finds operators by the search path; write it otherwise: {self.text}")


@lru_cache(maxsize=4096)
def rewritten(text: str) -> str:
    """Give a piece of our SQL with its names qualified; ValueError for what cannot be."""
    if text.startswith("SET "):  # settings, no expressions; those of UPDATE come after a blank
        return text
    tokens = _Tokens(text)
    done: list[str] = []
    chains = [0]  # per parenthesis that is open, how strongly the operator before binds
    listed: list[bool] = []  # whether it is a list after IN
    for place, (kind, token) in enumerate(tokens.found):
        if kind == "operator" and _is_operator(tokens, place):
            chains[-1] = _chained(tokens, token, chains[-1])
            done.append(f"OPERATOR(pg_catalog.{token})")
        elif kind == "mark":
            _nest(token, chains)
            _enumerate(tokens, place, done, listed)
        elif kind == "word":
            if token.isupper():
                chains[-1] = 0
                _check_keyword(tokens, place, token)
            done.append(
                _membership(done) if (token, tokens.beside(place, 1)[1]) == ("IN", "(") else _word(tokens, place, token)
            )
        elif kind == "quoted" and tokens.beside(place, -1)[1] in ("::", "COLLATE"):
            done.append(token if tokens.beside(place, 1)[1] == "." else f"pg_catalog.{token}")
        elif kind == "string" and _names_catalog(tokens, place):
            done.append(f"'pg_catalog.{token[1:]}")
        else:
            done.append(token)
    return "".join(done)


def _names_catalog(tokens: _Tokens, place: int) -> bool:
    """Whether it is text such as in `'pg_class'::regclass`."""
    after = [token for _, token in tokens.found[place : place + 3]]
    return after[0].startswith("'pg_") and after[1:] == ["::", "regclass"]


def _is_operator(tokens: _Tokens, place: int) -> bool:
    token = tokens.found[place][1]
    (before, left), (after, right) = tokens.beside(place, -1), tokens.beside(place, 1)
    if token == "=>" or left == "." or (token == "=" and _assigns(tokens, place)):
        return False
    if token in ("*", "-", "+"):  # all columns; a sign
        ends = before in ("string", "quoted", "value", "end") or left in (")", "]")
        ends = ends or (before == "word" and (not left.isupper() or left in ("END", "NULL")))
        return ends and not (token == "*" and (after == "end" or right in (",", ")", "FROM", "WHERE")))
    return True


def _assigns(tokens: _Tokens, place: int) -> bool:
    """Whether it is the first `=` after SET: `SET a =`, `SET (a, b) =`."""
    significant = [token for kind, token in tokens.found[:place] if kind != "space"]
    for number in range(len(significant) - 1, -1, -1):
        if significant[number] == "SET":
            return True
        if not (significant[number] in "(),." or re.fullmatch(r'\w+|".*"', significant[number])):
            return False
        if significant[number].isupper():
            return False
    return False


def _chained(tokens: _Tokens, operator: str, before: int) -> int:
    """How strongly an operator binds; ValueError where that is more than the one before it."""
    strength = _STRENGTH.get(operator, 2)
    if before and strength > before:
        raise ValueError(f"put what {operator} binds in parentheses: {tokens.text}")
    return strength


def _nest(token: str, chains: list[int]) -> None:
    if token in "([":
        chains.append(0)
    elif token in ")]" and len(chains) > 1:
        chains.pop()
    elif token in ",;":
        chains[-1] = 0


def _enumerate(tokens: _Tokens, place: int, done: list[str], listed: list[bool]) -> None:
    """Add a mark; the list after IN becomes an array."""
    token = tokens.found[place][1]
    if token == "(":
        member = tokens.beside(place, -1)[1] == "IN" and tokens.beside(place, 1)[1] not in ("SELECT", "WITH", "VALUES")
        if member and tokens.beside(place, 1)[0] == "end":
            raise tokens.refuse("IN with values of its own")
        listed.append(member)
        done.append("(ARRAY[" if member else token)
    elif token == ")" and listed and listed.pop():
        done.append("])")
    else:
        done.append(token)


def _membership(done: list[str]) -> str:
    """What stands for IN, and for the NOT before it."""
    place = next((place for place in range(len(done) - 1, -1, -1) if not done[place].isspace()), None)
    if place is not None and done[place] == "NOT":
        del done[place:]
        return "OPERATOR(pg_catalog.<>) ALL"
    return "OPERATOR(pg_catalog.=) ANY"


def _check_keyword(tokens: _Tokens, place: int, word: str) -> None:
    following = tokens.beside(place, 1)[1]
    if word in _REFUSED or (word == "CASE" and following != "WHEN"):
        raise tokens.refuse(word)
    if word == "LIKE" and tokens.beside(place, -1)[1] not in ("(", ","):
        raise tokens.refuse(word)
    if word == "FROM" and tokens.beside(place, -1)[1] == "DISTINCT" and following != "NULL":
        raise tokens.refuse("IS DISTINCT FROM a value")
    if word == "USING" and following == "(" and re.match(r"\s*\([\w{}\"]+\s*[,)]", tokens.after(place)):
        raise tokens.refuse("JOIN … USING")
    if word == "IN" and not following:
        raise tokens.refuse("IN")


def _word(tokens: _Tokens, place: int, word: str) -> str:
    if word in _REFUSED:
        raise tokens.refuse(word)
    left = tokens.beside(place, -1)[1]
    following = tokens.found[place + 1][1] if place + 1 < len(tokens.found) else ""
    if left == "." or following == "." or word.isupper():
        return word
    if left == "::":
        return type_text(word)
    if following == "(":
        own = word in _GRAMMAR or (word == "unnest" and _arguments(tokens, place) > 1)
        return word if own or _names_columns(tokens, place) else f"pg_catalog.{word}"
    return f"pg_catalog.{word}" if word.startswith("pg_") else word


def _names_columns(tokens: _Tokens, place: int) -> bool:
    """Whether a word before a parenthesis is an alias, not a function: `AS k(a, b)`, `unnest(x) k(a, b)`."""
    before, left = tokens.beside(place, -1)
    if left == ")":
        opening = max((number for number in range(place) if tokens.found[number][1] == "("), default=-1)
        return tokens.beside(opening, -1)[1] != "OPERATOR"
    return left in ("AS", "WITH", "RECURSIVE") or (before == "word" and not left.isupper())


def _arguments(tokens: _Tokens, place: int) -> int:
    """How many arguments a function has; the grammar itself knows `unnest` of several, by that name alone."""
    depth = found = 1
    for _, token in tokens.found[place + 2 :]:
        depth += (token in "([") - (token in ")]")
        if not depth:
            break
        found += depth == 1 and token == ","
    return found
