"""Coming in, in a real browser and over TLS; and where the console may listen at all."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import re
import ssl
import stat
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import Browser, expect

from tests.app.invoking import invoke
from tests.console.running import Console
from tests.sweeps import sampled
from toolkit.app.console.opening import opened
from toolkit.app.console.safety.listening import Users, settled
from toolkit.app.console.site import MENU
from toolkit.app.runs import record as records
from toolkit.app.runs.record import Origin, Run
from toolkit.errors import InputError, RefusedError
from toolkit.model.console import ConsoleConfig, Role, User
from toolkit.private import files

PASSWORD = "correct horse battery"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
ANNA = User(name="anna", password=HASH, role=Role.OPERATOR)
_FIELD = re.compile(r'name="csrf" value="([^"]+)"')


def make_certificate(directory: Path, *, passphrase: bytes = b"") -> tuple[Path, Path]:
    """A certificate for this machine, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    hidden = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    written = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
    files = (directory / "console.pem", directory / "console.key")
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(written)
    return files


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console with TLS whose users are anna, who may do everything, and bo, who may look."""
    directory = tmp_path_factory.mktemp("shared")
    console = Console(directory=directory)
    # a server that is not there answers soonest
    hosts = {"all": {"hosts": {"shop": {"database": "postgresql://127.0.0.1:1/none", "catalog": "multi-business"}}}}
    (directory / "inventory" / "hosts.yml").write_text(json.dumps(hosts), encoding="utf-8")
    certificate, key = make_certificate(directory)
    users = {name: {"password": HASH, "role": role} for name, role in (("anna", "operator"), ("bo", "viewer"))}
    settings = {"users": users, "certificate": certificate.name, "key": key.name}
    (directory / "inventory" / "console.yml").write_text(json.dumps(settings), encoding="utf-8")
    console.begin(verify=ssl.create_default_context(cafile=str(certificate)))
    yield console
    console.stop()


def a_run(console: Console) -> str:
    """Keep the record of a run that failed, which may be run again."""
    now = datetime.datetime.now(datetime.UTC)
    run = Run(id=records.new_id(now), playbook="x.yml", command="run", by="anna", origin=Origin.CONSOLE, started=now)
    place = records.directory_of(console.directory, run.id)
    files.write(place / records.PLAYBOOK, b"- hosts: all\n  tasks:\n    - debug: {msg: hello}\n")
    records.write(place, records.ended(run, now=now, code=1))
    return run.id


@pytest.mark.server
@pytest.mark.command
def test_users_come_in_by_tls(shared: Console) -> None:
    """Over TLS a name and its password begin a session with a secure cookie; nothing answers without TLS."""
    assert shared.address.startswith("https://127.0.0.1:")
    page = shared.client.get("/")
    token = _FIELD.search(page.text)
    assert (page.status_code, bool(token)) == (401, True)
    assert token
    form = {"csrf": token[1], "name": "anna", "password": PASSWORD, "to": "/runs"}
    answer = shared.client.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    assert all("Secure" in cookie for cookie in answer.headers.get_list("set-cookie"))
    assert {name.partition("-playback")[0] for name in shared.client.cookies} == {"__Host"}
    page = shared.client.get(f"/runs/{a_run(shared)}")
    token = _FIELD.search(page.text)
    assert token
    begun = shared.client.post(f"{page.url.path}/again", data={"csrf": token[1]}).headers["location"]
    assert shared.wait(begun.rpartition("/")[2]) == 0
    known = records.read(shared.directory, begun.rpartition("/")[2])
    assert known
    assert known.run.by == "anna"
    assert "server" not in answer.headers
    with pytest.raises(httpx.HTTPError):
        httpx.get(shared.address.replace("https", "http"))


@pytest.mark.server
@pytest.mark.command
def test_a_person_signs_in_and_out(browser: Browser, shared: Console) -> None:
    """With the keyboard alone and without scripts: a wrong password is said, the right one leads where one wanted."""
    context = browser.new_context(base_url=shared.address, ignore_https_errors=True, java_script_enabled=False)
    page = context.new_page()
    page.goto("/no-such-page?a=1")
    page.keyboard.type("bo")
    page.keyboard.press("Tab")
    page.keyboard.type("not this one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The name or the password is not right.")
    expect(page.get_by_label("Name")).to_have_value("bo")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{shared.address}/no-such-page?a=1")
    expect(page.get_by_text("You are a viewer")).to_be_visible()
    doing = page.locator('main :is(form[method="post"] *, [hx-post], [formmethod="post"], button[form])')
    for address in (f"/runs/{a_run(shared)}", *sampled([address for _, address, _ in MENU], 2)):
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert doing.and_(page.locator(":visible")).count() == 0, address
        assert doing.count() or not address.startswith("/runs/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    context.close()


@pytest.mark.server
@pytest.mark.command
def test_the_file_that_opens_the_browser_leads_in(browser: Browser, console: Console, tmp_path: Path) -> None:
    """The browser is opened by a private file, which is gone afterwards; its history does not have the token."""
    before = console.printed
    with httpx.Client(base_url=console.address, headers={"Origin": console.address}) as client:
        token = _FIELD.search(client.get("/").text)
        assert token
        client.post("/sign-in", data={"csrf": token[1]})
    [address] = re.findall(r"http://\S+", console.printed.removeprefix(before))
    went: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("webbrowser.open", went.append)
        patch.setattr("webbrowser.get", lambda: webbrowser.GenericBrowser("/usr/bin/lynx"))
        with opened(address, tmp_path) as browse:
            browse()
            assert went == []  # it would take the window in which the address stands
            patch.setattr("webbrowser.get", lambda: webbrowser.GenericBrowser("firefox"))
            browse()
            if os.name != "nt":
                file = tmp_path / ".playback" / "console" / "open.html"
                assert (went, stat.S_IMODE(file.stat().st_mode)) == ([file.as_uri()], 0o600)
            context = browser.new_context()
            page = context.new_page()
            page.goto(went[0])
            page.wait_for_url(f"{console.address}/")
            expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
            assert "token" not in page.content()
            page.reload()
            expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert not list((tmp_path / ".playback" / "console").glob("*"))
    for name in context.cookies():
        assert (name["httpOnly"], name["sameSite"]) == (True, "Strict")
    context.close()


@pytest.mark.command
def test_a_console_that_would_be_open_to_others_is_refused() -> None:
    """Without users, certificate and names the console does not listen elsewhere; it says what is lacking, exit 4."""
    refused = invoke("console", "--listen", "0.0.0.0:0")
    assert refused.code == 4
    for said in ("console.password", "a certificate", "names, by which", "HINT: --listen 127.0.0.1:8642"):
        assert said in refused.err


@pytest.mark.parametrize(
    "listen", ["0.0.0.0", "::", "192.168.1.20", "shop-server", "fd00::1", "localhost.evil.example"]
)
def test_listening_elsewhere(listen: str, tmp_path: Path) -> None:
    """Every address that is not this machine's alone needs all three, and with them answers by their names."""
    certificate, key = make_certificate(tmp_path)
    whole = ConsoleConfig(users={"anna": ANNA}, names=("backups.example.org",), certificate=certificate, key=key)
    assert "backups.example.org" in settled(listen, 1, whole, file="f").others
    for lacking in (
        ConsoleConfig(),
        ConsoleConfig(users=whole.users, names=whole.names),
        ConsoleConfig(certificate=certificate, key=key),
        ConsoleConfig(users=whole.users, certificate=certificate, key=key),
    ):
        with pytest.raises(RefusedError):
            settled(listen, 1, lacking, file="f")


def test_listening_here() -> None:
    """Loopback needs nothing."""
    for listen in ("127.0.0.1", "::1", "localhost", "127.0.0.2"):
        assert listen in settled(listen, 8642, ConsoleConfig(), file="f").local


def test_a_certificate_that_cannot_be_used(tmp_path: Path) -> None:
    """A missing file, nonsense, another key and a passphrase are said with their place; nobody is asked for one."""
    one, other, hidden = tmp_path / "one", tmp_path / "other", tmp_path / "hidden"
    for directory in (one, other, hidden):
        directory.mkdir()
    certificate, _ = make_certificate(one)
    _, foreign = make_certificate(other)
    secret, locked = make_certificate(hidden, passphrase=b"secret")
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("nonsense", encoding="utf-8")
    for pair, said in (
        ((tmp_path / "none", foreign), "f: certificate: .*none: no such file"),
        ((certificate, tmp_path / "none"), "f: key: .*none: no such file"),
        ((certificate, foreign), "the key is not the certificate's"),
        ((nonsense, foreign), "not usable"),
        ((secret, locked), "f: key: .* has a passphrase"),
    ):
        config = ConsoleConfig(users={"anna": ANNA}, certificate=pair[0], key=pair[1])
        with pytest.raises(InputError, match=said):
            settled("127.0.0.1", 8642, config, file="f")


def test_the_file_of_users_is_read_again(tmp_path: Path) -> None:
    """A change of the file counts at once; one that is not right leaves things as they were."""
    file = tmp_path / "console.yml"
    users = Users(file, control=tmp_path)
    assert users() == {}
    file.write_text(json.dumps({"users": {"anna": {"password": HASH, "role": "viewer"}}}), encoding="utf-8")
    assert users()["anna"].role == "viewer"
    file.write_text("users: 1\n", encoding="utf-8")
    assert users()["anna"].role == "viewer"
    file.write_text(json.dumps({"users": {"bo": {"password": HASH, "role": "operator"}}}), encoding="utf-8")
    assert set(users()) == {"bo"}
