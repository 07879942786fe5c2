"""The action `mail`, against a real mail server."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.actions.running import act
from tests.ports import free_port
from toolkit.config.secrets import hidden
from toolkit.errors import InputError, TaskError

PASSWORD = "Kq7-mail-8wZ"
MAIL = {"host": "127.0.0.1", "from": "Backups <backups@shop.test>", "to": "ops@shop.test", "subject": "It failed"}


@dataclass
class MailServer:
    """A mail server that keeps what it takes; it takes nothing for nobody@ and knows one password."""

    port: int = 0
    taken: list[Any] = field(default_factory=list)
    users: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the name that the server calls
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Take an address, but no nobody."""
        if address.startswith("nobody@"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the same
        """Keep a message, its addresses and whether it came encrypted."""
        self.taken.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default), session.ssl))
        return "250 OK"

    def log_in(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        """Know one password."""
        assert isinstance(data, LoginPassword)
        self.users.append(data.login.decode())
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate for 127.0.0.1 that nobody else trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("certificate") / "mail.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def serving(made: MailServer, **options: Any) -> Controller:
    """Start a server on a port that is free."""
    made.port = free_port()
    controller = Controller(
        made, hostname="127.0.0.1", port=made.port, authenticator=made.log_in, ready_timeout=60, **options
    )
    controller.start()
    return controller


@pytest.fixture
def plain() -> Iterator[MailServer]:
    """A mail server without TLS."""
    controller = serving(made := MailServer(), auth_require_tls=False)
    yield made
    controller.stop()


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[MailServer]:
    """A mail server with STARTTLS that takes mails of users alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    controller = serving(made := MailServer(), tls_context=context, require_starttls=True, auth_required=True)
    yield made
    controller.stop()


def test_a_mail_goes_out(plain: MailServer, tmp_path: Path) -> None:
    """Several addresses, a subject of several lines and letters of any language arrive as they were written."""
    mail = {**MAIL, "port": plain.port, "secure": "never", "subject": "nächtlich\nfailed", "body": "Fehler: größer\n"}
    outcome = act("mail", {**mail, "to": ["ops@shop.test", "Owner <owner@shop.test>"]}, tmp_path)
    [(addresses, message, _)] = plain.taken
    assert (addresses, message["Subject"]) == (["ops@shop.test", "owner@shop.test"], "nächtlich failed")
    assert message.get_content().split() == ["Fehler:", "größer"]
    assert message["From"] == "Backups <backups@shop.test>"
    assert message["Message-ID"]
    assert message["Date"]
    assert (outcome.changed, outcome.message) == (True, "sent to ops@shop.test, Owner <owner@shop.test>")


def test_log_in_over_starttls(encrypted: MailServer, certificate: Path, tmp_path: Path) -> None:
    """The password is sent encrypted, to a server whose certificate is trusted; a wrong one is told, and not shown."""
    mail = {**MAIL, "port": encrypted.port, "username": "backups", "password": hidden(PASSWORD)}
    with pytest.raises(TaskError, match="certificate") as untrusted:
        act("mail", mail, tmp_path)
    assert "ca_bundle" in untrusted.value.hint
    act("mail", {**mail, "ca_bundle": str(certificate)}, tmp_path)
    assert (encrypted.users, len(encrypted.taken)) == (["backups"], 1)
    assert encrypted.taken[0][2] is not None
    with pytest.raises(TaskError, match="535") as refused:
        act("mail", {**mail, "ca_bundle": str(certificate), "password": "another"}, tmp_path)
    assert "another" not in str(refused.value)
    assert "username and password" in refused.value.hint


def test_tls_from_the_first_byte(certificate: Path, tmp_path: Path) -> None:
    """`secure: always` speaks TLS at once; `starttls` with a server that has none sends nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    controller = serving(made := MailServer(), ssl_context=context)
    try:
        act("mail", {**MAIL, "port": made.port, "secure": "always", "ca_bundle": str(certificate)}, tmp_path)
    finally:
        controller.stop()
    assert len(made.taken) == 1


def test_never_less_secure_than_asked(plain: MailServer, tmp_path: Path) -> None:
    """Where a server has no STARTTLS nothing is sent; a password never goes over a network unencrypted."""
    with pytest.raises(TaskError, match="STARTTLS") as refused:
        act("mail", {**MAIL, "port": plain.port}, tmp_path)
    assert "secure: always" in refused.value.hint
    assert plain.taken == []
    with pytest.raises(InputError, match="could read the password"):
        act("mail", {**MAIL, "host": "smtp.test", "secure": "never", "username": "u", "password": "p"}, tmp_path)


def test_addresses_that_are_refused(plain: MailServer, tmp_path: Path) -> None:
    """Some refused is partial and names them; all refused, and what is no address, is a failure."""
    mail = {**MAIL, "port": plain.port, "secure": "never"}
    outcome = act("mail", {**mail, "to": ["ops@shop.test", "nobody@shop.test"]}, tmp_path)
    assert outcome.exit_code == 3
    assert outcome.message == "sent to 1 of 2 addresses; refused: nobody@shop.test: 550 no such user here"
    assert outcome.facts == {"accepted": ["ops@shop.test"], "refused": ["nobody@shop.test"]}
    with pytest.raises(TaskError, match=r"none of the addresses: nobody@shop\.test: 550"):
        act("mail", {**mail, "to": "nobody@shop.test"}, tmp_path)
    with pytest.raises(InputError, match="to is not an address: 'ops'"):
        act("mail", {**mail, "to": "ops"}, tmp_path)


def test_servers_that_do_not_answer(tmp_path: Path) -> None:
    """One that takes the connection and says nothing ends the task after its timeout; so does none at all."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mail = {**MAIL, "port": silent.getsockname()[1], "timeout": 0.3}
        with pytest.raises(TaskError, match="does not answer in time"):
            act("mail", mail, tmp_path)
    with pytest.raises(TaskError, match="no mail was sent by"):
        act("mail", mail, tmp_path)


def test_nothing_is_sent_in_check_mode(plain: MailServer, tmp_path: Path) -> None:
    """Check mode says whom it would go to."""
    outcome = act("mail", {**MAIL, "port": plain.port, "secure": "never"}, tmp_path, check=True)
    assert (outcome.skipped, plain.taken) == ("check mode: would send a mail to ops@shop.test", [])
