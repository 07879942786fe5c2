"""What keeps strangers, foreign pages and viewers from doing anything: attacks on a small application behind it."""

from __future__ import annotations

import asyncio
import getpass
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.console.direct import Direct
from tests.console.markup import Markup
from toolkit.app.console.safety.attempts import Attempts, place_of
from toolkit.app.console.safety.bodies import FIELDS, BodiesMiddleware
from toolkit.app.console.safety.entrance import Entrance, HeldError
from toolkit.app.console.safety.guard import guarded
from toolkit.app.console.safety.origins import LOCAL, Names
from toolkit.app.console.safety.sessions import IDLE, LIFE, MOST, Sessions
from toolkit.model.console import Role, User

HOME = "http://127.0.0.1:8642"
FAR = "https://backups.example.org"
PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Makes hashes that cost less than those of `invoke console.password`, so that many attempts take no time."""
ANNA = User(name="anna", password=CHEAP.hash(PASSWORD), role=Role.OPERATOR)
BO = User(name="bo", password=CHEAP.hash(PASSWORD), role=Role.VIEWER)
_FIELD = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass(kw_only=True)
class Place:
    """A console of one page, and a clock that goes when it is told to.

    Attributes:
        users: those who may sign in; none where the printed address lets in.
        done: what the page did, and who did it.
        told: tokens that were announced.
    """

    users: dict[str, User] = field(default_factory=dict)
    proxies: tuple[str, ...] = ()
    done: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    time: float = 1000.0

    def __post_init__(self) -> None:
        self.entrance = Entrance(
            lambda: self.users,
            announce=self.told.append,
            tell=self.told.append,
            sessions=Sessions(lambda: self.time),
            clock=lambda: self.time,
        )
        names = Names(local=LOCAL, port=8642, others=frozenset({"backups.example.org"}))
        app = Starlette(
            routes=[Route("/", self._page, methods=["GET", "POST"]), Route("/live", _live), Route("/defect", _defect)]
        )
        self.app = guarded(app, entrance=self.entrance, names=names, proxies=self.proxies)

    async def _page(self, request: Request) -> Response:
        self.seen.append(str(request.url))
        if request.method == "POST":
            self.done.append(f"{request.state.session.name}: {(await request.form(max_fields=FIELDS))['what']}")
        return PlainTextResponse(f'name="csrf" value="{request.state.session.csrf}"')

    def client(self, base: str = HOME, *, address: str = "10.0.0.1", **headers: str) -> httpx.Client:
        """A browser that does as it is told: it follows nothing, and sends the headers it is given."""
        sent = {"Origin": base, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return httpx.Client(transport=Direct(self.app, address), base_url=base, headers=sent)

    def visitor(self, base: str = HOME, **options: Any) -> httpx.Client:
        """A browser that came in by the printed address."""
        client = self.client(base, **options)
        assert client.get("/", params={"token": self.entrance.token}).status_code in (200, 303)
        return client

    def sign_in(self, client: httpx.Client, name: str, password: str = PASSWORD, **fields: str) -> Any:
        """Send the form of the sign-in page."""
        data = {"csrf": token_of(client.get("/sign-in")), "name": name, "password": password, **fields}
        return client.post("/sign-in", data=data)


def token_of(answer: Any) -> str:
    """The token of the form on a page."""
    found = _FIELD.search(answer.text)
    assert found, answer.text
    return found[1]


async def _live(request: Request) -> Response:
    async def events() -> AsyncIterator[str]:
        yield "data: 1\n\n"
        request.app.state.between()
        yield "data: 2\n\n"
        yield "data: 3\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


def _defect(request: Request) -> Response:
    raise ZeroDivisionError(request.url.path)


@pytest.fixture
def place() -> Place:
    """A console for whoever sees what it prints."""
    return Place()


@pytest.fixture
def users() -> Place:
    """A console whose users sign in by name."""
    return Place(users={"anna": ANNA, "bo": BO})


# the printed address


def test_without_a_token_nothing_is_shown_or_done(place: Place) -> None:
    """No token, a wrong one, an old cookie, and a token in another place let nobody in."""
    good = place.entrance.token
    for path in (
        "/",
        "/?token=",
        "/?token=wrong",
        f"/?token={good}x",
        f"/live?token={good}",
        "/?token=%00",
        "/?token=é",
    ):
        answer = place.client().get(path)
        assert (answer.status_code, "The console is locked" in answer.text) == (401, True), path
    stale = place.client()
    stale.cookies.set("playback-8642-session", good)
    assert stale.get("/").status_code == 401
    for answer in (place.client().post("/", data={"what": "delete"}), stale.post("/", data={"what": "delete"})):
        assert (answer.status_code, place.done) == (401, [])
    assert place.client().get("/static/x").status_code == 404


def test_the_token_lets_one_browser_in(place: Place) -> None:
    """It works once, gives a cookie that no script and no other site can use, and is not in the address any more."""
    token = place.entrance.token
    answer = place.client().get("/", params={"token": token})
    assert (answer.status_code, answer.headers["location"], answer.headers["referrer-policy"]) == (
        303,
        "/",
        "no-referrer",
    )
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("playback-8642-session=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    again = place.client().get("/", params={"token": token})
    assert (again.status_code, "does not let anybody in any more" in again.text) == (401, True)
    visitor = place.visitor()
    assert visitor.get("/").status_code == 200
    assert visitor.get("/", params={"token": token}).headers["location"] == "/"
    assert not any("token" in url for url in place.seen)


def test_a_look_ahead_does_not_use_the_token(place: Place) -> None:
    """A browser that fetches an address before anybody goes there, or asks for its head alone, does not use it up."""
    token = place.entrance.token
    assert place.client(Sec_Purpose="prefetch;prerender").get("/", params={"token": token}).status_code == 401
    assert place.client().head("/", params={"token": token}).status_code == 401
    assert token == place.entrance.token


def test_from_another_site_the_cookie_comes_along_by_a_page_of_ours(place: Place) -> None:
    """A link elsewhere, or the file that opens the browser, leads in all the same; its address stays ours."""
    headers = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    client = place.client(**headers)
    del client.headers["origin"]
    answer = client.get("/", params={"token": place.entrance.token})
    assert (answer.status_code, 'content="0;url=/"' in answer.text) == (200, True)
    follower = place.client(**headers)
    del follower.headers["origin"]
    moved = follower.get('/runs/"><script>?a=1&b="')
    assert 'content="0;url=/runs/%22%3E%3Cscript%3E?a=1&amp;b=%22"' in moved.text
    assert follower.get(f"{HOME}//evil.example/").status_code == 401


def test_a_new_address_is_printed_for_whoever_asks(place: Place) -> None:
    """The button has the address printed again where the console was started, seldom; the page never has it."""
    client = place.client()
    for expected in (1, 1):
        answer = client.post("/sign-in", data={"csrf": token_of(client.get("/"))})
        assert (answer.status_code, len(place.told), place.told[0] in answer.text) == (401, expected, False)
    place.time += 11
    client.post("/sign-in", data={"csrf": token_of(client.get("/"))})
    assert place.told == [place.entrance.token] * 2
    assert client.post("/sign-in", data={"csrf": "0"}).status_code == 401
    assert len(place.told) == 2


# names and origins


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8642",
        "127.0.0.1.evil.example:8642",
        "localhost.:8642",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1:8642@evil.example",
        "[::ffff:127.0.0.1]:8642",
        "127.1:8642",
        "0.0.0.0:8642",
        "",
        " ",
        "backups.example.org.evil.example",
    ],
)
def test_a_foreign_name_is_refused(host: str, place: Place) -> None:
    """A name that somebody else has led to this machine gets nothing, with or without a cookie (DNS rebinding)."""
    visitor = place.visitor()
    answer = visitor.get("/", headers={"Host": host, "Origin": f"http://{host}"})
    assert (answer.status_code, "names" in answer.text, host in answer.text and len(host) > 1) == (421, True, False)
    assert len(place.seen) == 0


def test_our_own_names_are_taken() -> None:
    """localhost and both loopback addresses with the port; names that are listed by https alone."""
    place = Place()
    for base in (HOME, "http://localhost:8642", "http://LOCALHOST:8642", "http://[::1]:8642", FAR, f"{FAR}:8443"):
        assert place.client(base).get("/").status_code == 401, base
    answer = place.client("http://backups.example.org").get("/")
    assert (answer.status_code, "https alone" in answer.text) == (403, True)


FOREIGN: dict[str, dict[str, str]] = {
    "another site": {"Origin": "http://evil.example"},
    "no site": {"Origin": "null"},
    "another port": {"Origin": "http://127.0.0.1:9999", "Sec-Fetch-Site": "same-site"},
    "another scheme": {"Origin": "https://127.0.0.1:8642"},
    "another of our names": {"Origin": "http://localhost:8642"},
    "no word of it": {"Origin": ""},
    "a browser's word": {"Sec-Fetch-Site": "cross-site"},
    "a browser's word on another port": {"Sec-Fetch-Site": "same-site"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_page_sends_nothing(headers: dict[str, str], place: Place) -> None:
    """A form of another page is refused though it has the cookie and even the token; so are its events."""
    visitor = place.visitor()
    form = {"csrf": token_of(visitor.get("/")), "what": "delete"}
    assert visitor.post("/", data=form, headers=headers).status_code == 403
    watching = visitor.get("/live", headers={"Accept": "text/event-stream", **headers})
    assert watching.status_code == 403
    assert place.done == []


def test_a_page_of_ours_sends_forms(place: Place) -> None:
    """With the cookie, the token and our own origin a form does what it says, as the operating system's user."""
    visitor = place.visitor(Sec_Fetch_Site="same-origin")
    visitor.post("/", data={"csrf": token_of(visitor.get("/")), "what": "back up"})
    assert place.done == [f"{getpass.getuser()}: back up"]


def test_neither_origin_nor_fetch_metadata_sends_nothing(place: Place) -> None:
    """A form of which nobody says where it comes from is refused."""
    visitor = place.visitor()
    form = {"csrf": token_of(visitor.get("/")), "what": "delete"}
    del visitor.headers["origin"]
    assert visitor.post("/", data=form).status_code == 403
    assert visitor.get("/").status_code == 200


def test_no_frame_and_no_script_of_another_site_reads(place: Place) -> None:
    """What another site puts into itself is refused; a link that is followed is not."""
    visitor = place.visitor()
    del visitor.headers["origin"]
    for mode, dest, status in (
        ("navigate", "document", 200),
        ("navigate", "iframe", 403),
        ("no-cors", "image", 403),
        ("no-cors", "script", 403),
        ("cors", "empty", 403),
    ):
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
        assert visitor.get("/", headers=headers).status_code == status


def test_other_methods_are_refused(place: Place) -> None:
    """Pages are read and forms are sent, nothing else."""
    visitor = place.visitor()
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"):
        assert visitor.request(method, "/").status_code == 405
    assert place.done == []


# forms


def test_a_form_needs_the_token_of_its_session(place: Place) -> None:
    """None, a wrong one, one of another session, one in the address, or one in a file: nothing is done."""
    visitor, other = place.visitor(), place.visitor()
    foreign, own = token_of(other.get("/")), token_of(visitor.get("/"))
    for data in ({}, {"csrf": ""}, {"csrf": "é"}, {"csrf": own[:-1]}, {"csrf": foreign}):
        answer = visitor.post("/", data={"what": "delete", **data})
        assert (answer.status_code, "Go back, load the page again" in answer.text) == (403, True)
    assert visitor.post(f"/?csrf={own}", data={"what": "delete"}).status_code == 403
    assert visitor.post("/", data={"what": "delete"}, files={"csrf": own.encode()}).status_code == 400
    assert place.done == []


def test_what_is_no_form_is_refused(place: Place) -> None:
    """JSON, plain text and broken forms do nothing, whatever they hold."""
    visitor = place.visitor()
    token = token_of(visitor.get("/"))
    assert visitor.post("/", json={"csrf": token, "what": "delete"}).status_code == 415
    plain = {"Content-Type": "text/plain"}
    assert visitor.post("/", content=f"csrf={token}&what=delete", headers=plain).status_code == 415
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert visitor.post("/", content=b"--x\r\nnonsense", headers=broken).status_code in (400, 403)
    assert visitor.post("/", content=b"", headers={"Content-Type": "multipart/form-data"}).status_code in (400, 403)
    assert place.done == []


def test_forms_are_bounded(place: Place) -> None:
    """Too many bytes, said or not, and too many fields are refused; twenty thousand ticks are not."""
    visitor = place.visitor()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    token = token_of(visitor.get("/"))
    large = f"csrf={token}&what={'x' * 3_000_000}".encode()

    def pieces() -> Iterator[bytes]:
        yield large

    assert visitor.post("/", content=large, headers=kind).status_code == 413
    assert visitor.post("/", content=pieces(), headers=kind).status_code == 413
    assert visitor.post("/", content=f"csrf={token}&what=x{'&a' * 20_000}", headers=kind).status_code == 400
    ticks = "&business=00000000-0000-0000-0000-000000000000" * 19_000
    assert visitor.post("/", content=f"csrf={token}&what=x{ticks}", headers=kind).status_code == 200
    assert len(place.done) == 1


def test_a_form_that_comes_too_slowly_is_given_up(place: Place) -> None:
    """Who sends a body drop by drop is answered that it took too long, and the page does not see it."""
    sent: list[Any] = []

    async def drop() -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def answered(message: Any) -> None:
        sent.append(message)

    slow = BodiesMiddleware(innermost(place.app), seconds=0.1)
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "query_string": b"", "scheme": "http"}
    asyncio.run(slow(scope, drop, answered))
    assert (sent[0]["status"], place.seen) == (408, [])


# sessions


def test_a_session_ends(place: Place) -> None:
    """By signing out, after an hour without a page, and after twelve hours whatever one does."""
    visitor = place.visitor()
    place.time += IDLE - 1
    assert visitor.get("/").status_code == 200
    place.time += IDLE + 1
    assert visitor.get("/").status_code == 401
    visitor, ends = place.visitor(), place.time + LIFE
    while place.time < ends:
        assert visitor.get("/").status_code == 200
        place.time += IDLE - 1
    assert visitor.get("/").status_code == 401
    visitor = place.visitor()
    cookies = dict(visitor.cookies)
    out = visitor.post("/sign-out", data={"csrf": token_of(visitor.get("/"))})
    assert (out.status_code, 'session=""' in out.headers["set-cookie"]) == (303, True)
    visitor.cookies.update(cookies)
    assert visitor.get("/").status_code == 401


def test_signing_out_needs_a_form_of_ours(place: Place) -> None:
    """Nobody is signed out by an address or by another session's form."""
    visitor = place.visitor()
    assert visitor.get("/sign-out").status_code == 404
    assert visitor.post("/sign-out", data={"csrf": "x"}).status_code == 403
    assert visitor.get("/").status_code == 200


def test_a_form_sent_after_the_session_ended_says_so(place: Place) -> None:
    """The page says that nothing was done, and htmx loads it whole instead of putting it into another one."""
    visitor = place.visitor()
    form = {"csrf": token_of(visitor.get("/")), "what": "delete"}
    place.time += IDLE + 1
    answer = visitor.post("/", data=form, headers={"HX-Request": "true"})
    assert (answer.status_code, "nothing was done" in answer.text, answer.headers["hx-refresh"]) == (401, True, "true")
    assert place.done == []


def test_events_end_with_their_session(place: Place) -> None:
    """Who signed out in another tab is sent no more; who only watches stays signed in."""
    visitor = place.visitor()
    session = place.entrance.sessions.find(visitor.cookies["playback-8642-session"])
    assert session

    def between(app: Any, happens: Callable[[], object]) -> None:
        app.state.between = happens

    inner = innermost(place.app)
    between(inner, lambda: setattr(place, "time", place.time + 2 * IDLE))
    assert visitor.get("/live").text.count("data:") == 3
    assert visitor.get("/").status_code == 200
    between(inner, lambda: place.entrance.sessions.end(session))
    assert visitor.get("/live").text.count("data:") == 1
    assert session.watched == 0
    assert visitor.get("/").status_code == 401


def innermost(app: Any) -> Any:
    """The application behind everything that stands before it."""
    while not isinstance(app, Starlette):
        app = app._app if hasattr(app, "_app") else app.app
    return app


def test_sessions_are_bounded() -> None:
    """Of too many sessions those end that were not used for longest."""
    time = [0.0]
    sessions = Sessions(lambda: time[0])
    cookies = []
    for _ in range(MOST + 5):
        time[0] += 1
        cookies.append(sessions.begin(name="x", operator=False))
    assert [sessions.find(cookie) is None for cookie in cookies] == [True] * 5 + [False] * MOST


# headers


def test_every_answer_has_the_headers(place: Place) -> None:
    """Pages, refusals, what is not there and defects: no script but ours, no frame, nothing kept on a disk."""
    visitor = place.visitor()
    for client, path, status in (
        (visitor, "/", 200),
        (visitor, "/none", 404),
        (visitor, "/defect", 500),
        (place.client(), "/", 401),
        (place.client("http://evil.example"), "/", 421),
        (visitor, "/static/none", 404),
    ):
        answer = client.get(path)
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert (answer.status_code, policy["default-src"], policy["script-src"]) == (status, "'none'", "'self'")
        assert (policy["frame-ancestors"], policy["base-uri"], policy["form-action"]) == ("'none'", "'none'", "'self'")
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")


# names and passwords


def test_users_sign_in_by_name(users: Place) -> None:
    """A name and its password begin a session of that name, and lead to where one wanted to go."""
    client = users.client()
    assert "Sign in" in client.get("/").text
    answer = users.sign_in(client, "anna", to="/runs?a=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs?a=1")
    client.post("/", data={"csrf": token_of(client.get("/")), "what": "back up"})
    assert users.done == ["anna: back up"]
    users.sign_in(users.client(address="10.0.0.9"), "anna", "guess")
    users.sign_in(users.client(address="10.0.0.9"), "my password")
    signed = ["anna signed in from 10.0.0.1"]
    assert users.told == [*signed, "anna: a wrong password, from 10.0.0.9", "a name that nobody has, from 10.0.0.9"]
    assert users.client().get("/", params={"token": users.entrance.token}).status_code == 401


def test_what_was_typed_is_text(users: Place) -> None:
    """A name, and where somebody wanted to go, stand on the page as text."""
    hostile = "\"'><xss onload=1 xss=1></script><script>alert(1)</script>"
    shown = users.sign_in(users.client(), hostile, to=f"/{hostile}")
    page = Markup(shown.text, "/")
    assert (shown.status_code, page.wrong) == (403, [])
    [form] = page.forms
    assert (dict(form.fields)["name"], dict(form.fields)["to"]) == (hostile, f"/{hostile}")
    assert Markup(users.client().get(f"/{hostile}?{hostile}").text, "/").wrong == []


def test_what_is_wrong_is_not_told_apart(users: Place) -> None:
    """A wrong name and a wrong password read the same, and take as long."""
    texts = set()
    for name, password in (("anna", "wrong"), ("nobody", PASSWORD), ("ANNA\0", PASSWORD)):
        answer = users.sign_in(users.client(address=f"10.0.1.{len(password)}"), name, password)
        assert answer.status_code == 403
        texts.add(re.sub(r'value="[^"]*"|autofocus| ', "", answer.text))
    assert len(texts) == 1


def test_signing_in_leads_nowhere_else(users: Place) -> None:
    """Where one goes after signing in is a page of the console, whatever the form says."""
    evil = ("//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/a\nb", "", "\\\\evil")
    for to in evil:
        assert users.sign_in(users.client(), "anna", to=to).headers["location"] == "/"


def test_a_session_is_not_one_that_was_there_before(users: Place) -> None:
    """A cookie that somebody has planted in a browser becomes nobody's session."""
    client = users.client()
    client.cookies.set("playback-8642-session", "planted", domain="127.0.0.1", path="/")
    users.sign_in(client, "anna")
    planted = users.client()
    planted.cookies.set("playback-8642-session", "planted")
    assert planted.get("/").status_code == 401


def test_signing_in_needs_the_form_of_the_browser(users: Place) -> None:
    """Nobody is signed in as somebody else by a form that was made for another browser."""
    made = token_of(users.client().get("/"))
    for client, token in ((users.client(), made), (users.client(), "")):
        client.get("/")
        answer = client.post("/sign-in", data={"csrf": token, "name": "anna", "password": PASSWORD})
        assert (answer.status_code, "set-cookie" in answer.headers and "session" in answer.headers["set-cookie"]) == (
            401,
            False,
        )


def test_a_viewer_reads_and_does_nothing(users: Place) -> None:
    """A viewer's form is refused with a sentence, though its token is right; signing out is not."""
    client = users.client()
    users.sign_in(client, "bo")
    token = token_of(client.get("/"))
    answer = client.post("/", data={"csrf": token, "what": "delete"})
    assert (answer.status_code, "You may look, not change" in answer.text, users.done) == (403, True, [])
    assert client.post("/sign-out", data={"csrf": token}).status_code == 303


def test_a_change_of_users_holds_at_once(users: Place) -> None:
    """Who is taken out, or gets another password or role, has it with the next page."""
    client, other = users.client(), users.client()
    users.sign_in(client, "anna")
    users.sign_in(other, "anna")
    token = token_of(client.get("/"))
    users.users["anna"] = User(name="anna", password=ANNA.password, role=Role.VIEWER)
    assert client.post("/", data={"csrf": token, "what": "delete"}).status_code == 403
    users.users["anna"] = User(name="anna", password=CHEAP.hash("another password"), role=Role.OPERATOR)
    assert client.get("/").status_code == 401
    del users.users["anna"]
    assert other.get("/").status_code == 401
    assert users.done == []


def test_under_tls_cookies_are_secure(users: Place) -> None:
    """Under TLS every cookie is sent by TLS alone, and can be set by nobody but this very host."""
    client = users.client(FAR)
    answer = users.sign_in(client, "anna")
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert cookie.startswith("__Host-playback-8642-")
        assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))


def test_guesses_are_slowed_down(users: Place) -> None:
    """After five failures a place waits, twice as long each time, at most a minute; the right password waits too."""
    client = users.client()
    for _ in range(5):
        assert users.sign_in(client, "anna", "guess").status_code == 403
    waits = []
    for _ in range(9):
        held = users.sign_in(client, "anna")
        assert (held.status_code, "Please wait" in held.text) == (429, True)
        waits.append(int(held.headers["retry-after"]))
        users.time += waits[-1]
        assert users.sign_in(client, "anna", "guess").status_code == 403
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    users.time += 60
    assert users.sign_in(client, "anna").status_code == 303


def test_guesses_of_others_do_not_lock_anybody_out(users: Place) -> None:
    """From another place, and in a browser that signed in before even from the same one, the right password works."""
    owner, attacker = users.client(), users.client()
    users.sign_in(owner, "anna")
    for _ in range(8):
        users.sign_in(attacker, "anna", "guess")
    assert users.sign_in(attacker, "anna").status_code == 429
    assert users.sign_in(users.client(address="10.0.0.2"), "anna").status_code == 303
    del owner.cookies["playback-8642-session"]
    assert users.sign_in(owner, "anna").status_code == 303
    # but it does not help with guessing
    thief = users.client()
    thief.cookies.set("playback-8642-known", owner.cookies["playback-8642-known"])
    for _ in range(5):
        users.sign_in(thief, "anna", "guess")
    assert users.sign_in(thief, "anna").status_code == 429
    forged = users.client()
    forged.cookies.set("playback-8642-known", "a.b")
    assert users.sign_in(forged, "anna").status_code == 429


def test_many_attempts_at_once_take_nobodys_turn(users: Place) -> None:
    """Of attempts that one place makes at once one is looked at, and that of another place beside it."""

    async def tried(password: str, address: str) -> str:
        try:
            begun, _ = await users.entrance.sign_in("anna", password, address=address, introduced="")
        except HeldError:
            return "held"
        return "in" if begun else "wrong"

    async def all_at_once() -> list[str]:
        return await asyncio.gather(*(tried("guess", "10.0.0.9") for _ in range(30)), tried(PASSWORD, "10.0.0.1"))

    assert asyncio.run(all_at_once()) == ["wrong", *["held"] * 29, "in"]


def test_a_name_that_is_guessed_from_everywhere_is_held_not_refused() -> None:
    """Many failures on one name make further attempts take seconds, and are forgotten; memory is bounded."""
    time = [0.0]
    attempts = Attempts(lambda: time[0])
    holds = []
    for number in range(120):
        attempts.begin(f"10.1.0.{number}", "anna")
        holds.append(attempts.hold("anna"))
    assert (holds[0], holds[19], holds[99], attempts.hold("bo"), attempts.wait("10.9.9.9")) == (0, 2, 5, 0, 0)
    time[0] += 1000
    assert attempts.hold("anna") == 0
    for number in range(30_000):
        attempts.begin(f"place {number}", f"name {number}")
    assert len(attempts._failures) <= 10_000


def test_places() -> None:
    """A machine with IPv6 has a whole network to itself, and is one place."""
    assert place_of("fd00:1:2:3::1") == place_of("fd00:1:2:3:ffff::2") != place_of("fd00:1:2:4::1")
    assert place_of("::ffff:10.0.0.1") == "10.0.0.1" == place_of("10.0.0.1")
    assert place_of("fe80::1%eth0") == "fe80::/64"
    assert place_of("") == "unknown"


# reverse proxies

FORWARDED = {"X-Forwarded-For": "10.9.9.9", "X-Forwarded-Proto": "https"}


def test_forwarded_headers_are_believed_of_named_proxies_alone() -> None:
    """From a proxy that is named, the address and https count; from anybody else nothing of it does."""
    for proxies, status in ((("10.0.0.0/24",), 401), ((), 403), (("10.0.1.1",), 403)):
        place = Place(users={"anna": ANNA}, proxies=proxies)
        client = place.client("http://backups.example.org", Origin=FAR, **FORWARDED)
        assert client.get("/").status_code == status
    place = Place(users={"anna": ANNA}, proxies=("10.0.0.1",))
    for number in range(12):
        client = place.client(FAR, **{**FORWARDED, "X-Forwarded-For": f"10.8.0.{number}"})
        assert place.sign_in(client, "anna", "guess").status_code == 403
