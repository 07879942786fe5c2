"""The action `http`: send a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import urllib3
from msgspec import UNSET, Meta

from toolkit import __version__
from toolkit.actions.action import Action, NotBoth
from toolkit.actions.arguments import Arguments, Seconds, Value, about, matching
from toolkit.actions.context import Context
from toolkit.errors import ExitCode, InputError, TaskError
from toolkit.model.outcome import Outcome
from toolkit.stopping import apart

TIMEOUT = 30.0
MAX_CONTENT = 1024 * 1024
"""Most bytes of an answer that are read; it is kept in memory and in the report."""

_SHOWN = 200
_LONGER = 0.5
"""Seconds that the whole may take longer than each wait, which tells better what it was for."""


class Method(StrEnum):
    """The methods of a request."""

    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


_SAFE = frozenset({Method.GET, Method.HEAD})
StatusCode = Annotated[int, Meta(ge=100, le=599)]


class HttpArguments(Arguments, frozen=True, kw_only=True):
    """The request, and what is expected of the answer."""

    url: Annotated[
        str,
        matching("^https?://", "a URL begins with http:// or https://"),
        about("Where to.", "https://example.org/done"),
    ]
    method: Annotated[Method, about("The request method.", "POST")] = Method.GET
    headers: Annotated[dict[str, Value], about("Request headers.", {"Authorization": "Bearer {{ token }}"})] = (
        msgspec.field(default_factory=dict)
    )
    body: Annotated[str | None, about("The request's body, as text.", "done")] = None
    json: Annotated[Any, about("The request's body, sent as JSON.", {"label": "{{ backup.label }}"})] = UNSET
    status_code: Annotated[
        StatusCode | Annotated[tuple[StatusCode, ...], Meta(min_length=1)],
        about("The status, or statuses, that count as success.", 200, [200, 204]),
    ] = 200
    timeout: Annotated[Seconds, about("Seconds to wait for an answer.", 10)] = TIMEOUT
    return_content: Annotated[bool, about("Keep the answer's text in the registered result.", True)] = False


def run(arguments: HttpArguments, context: Context) -> Outcome:
    """Send a request and check the status of the answer. No proxy, no retry; redirects are followed for GET and HEAD.

    In check mode only GET and HEAD are sent.

    Returns:
        Facts `status`, `headers` (names in lower case) and, with `return_content`, `content` and, where the answer is
        JSON, `json`. Changed for every method but GET and HEAD.

    Raises:
        TaskError: no answer within `timeout` seconds, or one with another status.
    """
    method = arguments.method
    if context.check and method not in _SAFE:
        return Outcome(skipped=f"check mode: would send {method}")
    try:
        # each wait has that limit by itself, and says what it was for; whoever sends a byte now and then has it as well
        status, headers, content = apart(lambda: _exchange(arguments), seconds=arguments.timeout + _LONGER)
    except TimeoutError as error:
        raise TaskError(
            f"no answer: it was not whole within {arguments.timeout:g} s", hint="give it more time by `timeout`"
        ) from error
    wanted = arguments.status_code
    facts: dict[str, Any] = {"status": status, "headers": headers}
    if arguments.return_content:
        facts["content"] = content
        facts |= _parsed(content, headers)
    accepted = [wanted] if isinstance(wanted, int) else list(wanted)
    if status not in accepted:
        expected = wanted if isinstance(wanted, int) else accepted
        message = f"the answer's status is {status}, not {expected}: {content[:_SHOWN].strip()}".rstrip(": ")
        return Outcome(message=message, facts=facts, exit_code=ExitCode.FAILED)
    return Outcome(changed=method not in _SAFE, message=f"status {status}", facts=facts)


def _exchange(arguments: HttpArguments) -> tuple[int, dict[str, str], str]:
    headers = {"User-Agent": f"playback/{__version__}"}
    headers |= {name: str(value) for name, value in arguments.headers.items()}
    body: bytes | None = None
    if arguments.json is not UNSET:
        headers = {"Content-Type": "application/json", **headers}
        body = json.dumps(arguments.json, ensure_ascii=False, default=str).encode()
    elif arguments.body is not None:
        body = arguments.body.encode()
    retries = urllib3.Retry(
        total=5, connect=0, read=0, status=0, other=0, redirect=5 if arguments.method in _SAFE else 0
    )
    try:
        with urllib3.PoolManager() as pool:
            answer = pool.request(
                arguments.method,
                arguments.url,
                headers=headers,
                body=body,
                timeout=arguments.timeout,
                retries=retries,
                preload_content=False,
            )
            try:
                content = answer.read(MAX_CONTENT, decode_content=True)
            finally:
                answer.close()
    except urllib3.exceptions.LocationParseError as error:
        raise InputError("http.url is not a URL", hint="it begins with http:// or https:// and a host") from error
    except (urllib3.exceptions.HTTPError, UnicodeError, ValueError) as error:
        raise TaskError(f"no answer: {_reason(error)}", hint="is the address right, and does it answer?") from error
    found = {name.lower(): value for name, value in answer.headers.items()}
    return answer.status, found, content.decode("utf-8", errors="replace")


def _reason(error: BaseException) -> str:
    """The innermost reason, without the parts of urllib3's message that repeat the request."""
    reason = getattr(error, "reason", None)
    text = str(reason if isinstance(reason, BaseException) else error)
    return text.rpartition(": ")[2] or type(error).__name__


def _parsed(content: str, headers: Mapping[str, str]) -> dict[str, Any]:
    if "json" not in headers.get("content-type", ""):
        return {}
    try:
        return {"json": json.loads(content)}
    except ValueError:
        return {}


ACTION = Action(
    name="http",
    does="Send an HTTP request, e.g. to say that a backup is done.",
    examples=({"url": "https://example.org/done", "method": "POST", "json": {"ok": True}},),
    arguments=HttpArguments,
    run=run,
    rules=(NotBoth("body", "json"),),
    asks_others=True,
    writes=True,
)
