"""How a request is refused before any page is asked: a title, a sentence, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct
from starlette.responses import HTMLResponse

_templates: Final = Environment(
    loader=PackageLoader("toolkit.app.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


class Refusal(Struct, frozen=True, kw_only=True):
    """Why something is refused. Nothing that was sent is repeated in it.

    Attributes:
        wait: seconds after which it may be tried again; 0 where that does not help.
    """

    status: int
    title: str
    text: str
    hint: str = ""
    wait: int = 0

    def response(self) -> HTMLResponse:
        """Give it as a page."""
        answer = shown("refused.html", status=self.status, title=self.title, text=self.text, hint=self.hint)
        if self.wait:
            answer.headers["Retry-After"] = str(self.wait)
        return answer


def shown(template: str, *, status: int, **data: Any) -> HTMLResponse:
    """Give a page that stands outside of the console: it extends `outside.html`, and has no menu and no session."""
    given: Mapping[str, Any] = data
    return HTMLResponse(_templates.get_template(template).render(given), status_code=status)
