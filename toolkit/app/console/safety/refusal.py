"""How a request is refused before any page is asked: a title, a sentence, what to do."""

from __future__ import annotations

from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct
from starlette.responses import HTMLResponse

_templates: Final = Environment(
    loader=PackageLoader("toolkit.app.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


class Refusal(Struct, frozen=True, kw_only=True):
    """Why something is refused. Nothing that was sent is repeated in it."""

    status: int
    title: str
    text: str
    hint: str = ""

    def response(self) -> HTMLResponse:
        """Give it as a page."""
        return shown("refused.html", status=self.status, title=self.title, text=self.text, hint=self.hint)


def shown(template: str, *, status: int, **data: Any) -> HTMLResponse:
    """Give a page that stands outside of the console: it extends `outside.html`, and has no menu and no session."""
    return HTMLResponse(_templates.get_template(template).render(data), status_code=status)
