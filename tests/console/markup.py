"""Pages as a browser reads them: what would run, where it would lead, and what a screen reader would miss."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

_LEADS = ("href", "src", "action", "formaction", "hx-get", "hx-post", "sse-connect", "data", "poster", "xlink:href")
_FIELDS = ("input", "select", "textarea")
_UNLABELLED = ("hidden", "submit", "button")
_VOID = ("input", "img", "br", "hr", "meta", "link", "source", "wbr", "col", "area", "base", "embed", "track")


@dataclass(kw_only=True)
class Form:
    """A form.

    Attributes:
        fields: names and the values that are sent when nothing is changed.
        free: names of fields that take any text.
        choices: names and other values that may be sent: of selects, radio buttons, ticks, and buttons.
    """

    method: str
    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    free: list[str] = field(default_factory=list)
    choices: list[tuple[str, str]] = field(default_factory=list)


class Markup(HTMLParser):
    """What stands on a page.

    Attributes:
        wrong: what no page may have.
        links: addresses that it leads to.
    """

    def __init__(self, text: str, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self.address = address
        self.wrong: list[str] = []
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._open: list[str] = []
        self._headings: list[int] = []
        self._labelled: set[str] = set()
        self._ids: list[str] = []
        self._to_label: list[tuple[str, str]] = []
        self._select = ""
        self._option: tuple[str | None, bool] | None = None
        self._whole = text.lstrip().lower().startswith("<!doctype")
        self.feed(text)
        self.close()
        self._at_the_end()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element."""
        given = {name: value or "" for name, value in attrs}
        self.wrong += [f"<{tag} {each}" for each in _runs(tag, given)]
        for name in _LEADS:
            if name in given:
                self._lead(tag, name, given[name])
        if "id" in given:
            self._ids.append(given["id"])
        if re.fullmatch("h[1-6]", tag):
            self._headings.append(int(tag[1]))
        if tag == "label":
            self._labelled.add(given.get("for", ""))
        if tag == "img" and "alt" not in given:
            self.wrong.append("<img without alt")
        if tag == "form":
            self.forms.append(Form(method=given.get("method", "get").lower(), action=given.get("action", "")))
        if tag in (*_FIELDS, "button"):
            self._field(tag, given)
        if tag == "option" and self._select and "form" in self._open:
            self._option = (given.get("value"), "selected" in given)
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close an element, and those in it that need no end of their own."""
        while tag in self._open and self._open.pop() != tag:
            pass
        if tag == "select":
            chosen = [(name, value) for name, value in self.forms[-1].choices if name == self._select]
            if self._select not in dict(self.forms[-1].fields) and chosen:
                self.forms[-1].fields.append(chosen[0])
            self._select = ""

    def handle_data(self, data: str) -> None:
        """Take the text of an option for its value where it has no other."""
        if self._option is None:
            return
        given, selected = self._option
        self._option = None
        choice = (self._select, data.strip() if given is None else given)
        self.forms[-1].choices.append(choice)
        if selected:
            self.forms[-1].fields.append(choice)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        named = "label" in self._open or {"aria-label", "aria-labelledby"} & given.keys()
        if tag != "button" and kind not in _UNLABELLED and not named:
            self._to_label.append((given.get("id", ""), given.get("name", tag)))
        self._select = given.get("name", "") if tag == "select" else self._select
        if "form" not in self._open or not given.get("name"):
            return
        form = self.forms[-1]
        if kind in ("checkbox", "radio") or tag == "button":
            form.choices.append((given["name"], given.get("value", "on")))
        if (kind in ("checkbox", "radio") and "checked" not in given) or tag == "button":
            return
        if tag != "select":
            form.fields.append((given["name"], given.get("value", "")))
        if tag in ("input", "textarea") and kind not in ("hidden", "checkbox", "radio", "submit"):
            form.free.append(given["name"])

    def _lead(self, tag: str, name: str, to: str) -> None:
        split = urlsplit(to.strip())
        allowed = ("", "http", "https") if tag == "a" else ("",)
        if split.scheme.lower() not in allowed or (split.netloc and tag != "a"):
            self.wrong.append(f"<{tag} {name}={to}")
        elif tag == "a" and not split.netloc:
            self.links.append(urljoin(self.address, to))

    def _at_the_end(self) -> None:
        self.wrong += [f"no label for {name}" for at, name in self._to_label if not at or at not in self._labelled]
        self.wrong += [f"the id {each} twice" for each in set(self._ids) if self._ids.count(each) > 1]
        for form in self.forms:
            if form.method == "post" and "csrf" not in dict(form.fields):
                self.wrong.append(f"no token in the form to {form.action}")
        if self._whole:
            self.wrong += list(_out_of_order(self._headings))


def _runs(tag: str, given: dict[str, str]) -> Iterator[str]:
    """What would run, or be refused by the policy."""
    for name in given:
        if name.startswith(("on", "hx-on", "data-hx-on")) or name in ("style", "srcdoc", "hx-vals", "hx-vars"):
            yield name
        if not re.fullmatch(r"[a-z][a-z0-9:_-]*", name) or name.startswith("xss"):
            yield name
    if tag in ("style", "iframe", "object", "embed", "base", "frame") or "xss" in tag:
        yield "as an element"
    if tag == "script" and not given.get("src", "").startswith("/static/"):
        yield "inline"


def _out_of_order(headings: list[int]) -> Iterator[str]:
    if headings.count(1) != 1:
        yield f"{headings.count(1)} headings of level 1"
    for before, after in itertools.pairwise(headings):
        if after > before + 1:
            yield f"a heading of level {after} below one of level {before}"
