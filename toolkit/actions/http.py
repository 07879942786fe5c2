"""The action `http`: send a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import urllib3

from toolkit import __version__
from toolkit.actions.context import Context
from toolkit.actions.plain import plain
from toolkit.errors import InputError, TaskError
from toolkit.model.outcome import Outcome

TIMEOUT = 30.0
MAX_CONTENT = 1024 * 1024
"""How many bytes of an answer are read; it is kept in memory and in the report."""

_SAFE = frozenset({"GET", "HEAD"})
_SHOWN = 200


def http(arguments: Mapping[str, Any], context: Context) -> Outcome:
    """Send a request and check the status of the answer. No proxy, no retry; redirects are followed for GET and HEAD.

    In check mode only GET and HEAD are sent.

    Returns:
        Facts `status`, `headers` (names in lower case) and, with `return_content`, `content` and, where the answer is
        JSON, `json`. Changed for every method but GET and HEAD.

    Raises:
        TaskError: no answer within `timeout` seconds, or one with another status.
    """
    method = str(arguments.get("method", "GET")).upper()
    if context.check and method not in _SAFE:
        return Outcome(skipped=f"check mode: would send {method}")
    status, headers, content = _exchange(method, arguments)
    wanted = arguments.get("status_code", 200)
    facts: dict[str, Any] = {"status": status, "headers": headers}
    if arguments.get("return_content"):
        facts["content"] = content
        facts |= _parsed(content, headers)
    if status not in (wanted if isinstance(wanted, list | tuple) else [wanted]):
        message = f"the answer's status is {status}, not {wanted}: {content[:_SHOWN].strip()}".rstrip(": ")
        return Outcome(message=message, facts=facts, exit_code=1)
    return Outcome(changed=method not in _SAFE, message=f"status {status}", facts=facts)


def _exchange(method: str, arguments: Mapping[str, Any]) -> tuple[int, dict[str, str], str]:
    headers = {"User-Agent": f"playback/{__version__}"}
    headers |= {name: plain(value) for name, value in (arguments.get("headers") or {}).items()}
    body: bytes | None = None
    if "json" in arguments:
        headers = {"Content-Type": "application/json", **headers}
        body = json.dumps(_revealed(arguments["json"]), ensure_ascii=False).encode()
    elif "body" in arguments:
        body = plain(arguments["body"]).encode()
    retries = urllib3.Retry(total=5, connect=0, read=0, status=0, other=0, redirect=5 if method in _SAFE else 0)
    timeout = float(arguments.get("timeout", TIMEOUT))
    try:
        with urllib3.PoolManager() as pool:
            answer = pool.request(
                method,
                plain(arguments["url"]),
                headers=headers,
                body=body,
                timeout=timeout,
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


def _revealed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _revealed(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_revealed(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else plain(value)
