"""The action `mail`: send a message by SMTP."""

from __future__ import annotations

import platform
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from toolkit.actions.action import Action, Needs
from toolkit.actions.arguments import Arguments, Names, Seconds, Text, Value, about, names
from toolkit.actions.context import Context
from toolkit.errors import ExitCode, InputError, TaskError
from toolkit.model.outcome import Outcome
from toolkit.stopping import apart
from toolkit.wording import counted, one_line

TIMEOUT = 20.0
_PORTS = {"starttls": 587, "always": 465, "never": 25}
_HERE = ("localhost", "127.0.0.1", "::1")


class Secure(StrEnum):
    """How a connection to a mail server is encrypted; never without what was asked for."""

    STARTTLS = "starttls"
    ALWAYS = "always"
    NEVER = "never"


class MailArguments(Arguments, frozen=True, kw_only=True):
    """The message, and the server that takes it."""

    host: Annotated[Text, about("The mail server.", "smtp.example.org")]
    sender: Annotated[Text, about("The address it comes from.", "Backups <backups@example.org>")] = msgspec.field(
        name="from"
    )
    to: Annotated[Names, about("Whom it goes to: an address, or several.", "ops@example.org")]
    subject: Annotated[Text, about("What it is about.", "{{ run.playbook }} failed")]
    body: Annotated[str, about("The message, as plain text.", "{{ run.message }}")] = ""
    port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | None,
        about("The server's port; 587 with starttls, 465 with always, 25 with never when left out.", 587),
    ] = None
    secure: Annotated[
        Secure,
        about("TLS by STARTTLS, or from the first byte on (`always`), or `never`.", "always"),
    ] = Secure.STARTTLS
    ca_bundle: Annotated[
        Text, about("A file with the certificates to trust; the system's when left out.", "/etc/ssl/our-ca.pem")
    ] = ""
    username: Annotated[Value, about("Log in as this user.", "backups@example.org")] = ""
    password: Annotated[Value, about("With this password.", {"env": "SMTP_PASSWORD"})] = ""
    timeout: Annotated[Seconds, about("Seconds to wait for each answer of the server.", 10)] = TIMEOUT


def run(arguments: MailArguments, context: Context) -> Outcome:
    """Send a message; not in check mode.

    Returns:
        Facts `accepted` and `refused`, the addresses. Partial (exit code 3) where the server took only some of them.

    Raises:
        InputError: an address or the certificates are none.
        TaskError: the server cannot be reached, or does not take the message.
    """
    recipients = names(arguments.to)
    message = _message(arguments, recipients)
    if arguments.username and arguments.secure is Secure.NEVER and arguments.host not in _HERE:
        raise InputError(
            "mail.secure: never, and everybody on the way could read the password; encrypt, or do not log in"
        )
    if context.check:
        return Outcome(skipped=f"check mode: would send a mail to {', '.join(recipients)}")
    try:
        refused = apart(lambda: _send(arguments, message, context.inventory.directory))
    except smtplib.SMTPRecipientsRefused as error:
        raise TaskError(f"the mail server takes none of the addresses: {_refusals(error.recipients)}") from error
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise TaskError(
            f"no mail was sent by {arguments.host}:{_port(arguments)}: {_reason(error)}", hint=_hint(error)
        ) from error
    accepted = [each for each in recipients if each not in refused]
    facts = {"accepted": accepted, "refused": sorted(refused)}
    if refused:
        told = f"sent to {len(accepted)} of {counted(len(recipients), 'address', 'addresses')}"
        return Outcome(
            changed=True, message=f"{told}; refused: {_refusals(refused)}", facts=facts, exit_code=ExitCode.PARTIAL
        )
    return Outcome(changed=True, message=f"sent to {', '.join(accepted)}", facts=facts)


def _message(arguments: MailArguments, recipients: tuple[str, ...]) -> EmailMessage:
    message = EmailMessage()
    for header, addresses in (("From", arguments.sender), ("To", ", ".join(recipients))):
        try:
            message[header] = addresses
        except (ValueError, IndexError):
            raise InputError(f"mail.{header.lower()} is not an address: {addresses!r}") from None
        if any(not address.domain or not address.username for address in message[header].addresses):
            raise InputError(f"mail.{header.lower()} is not an address: {addresses!r}")
    # a message of ours may have several lines
    message["Subject"] = one_line(arguments.subject)
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=message["From"].addresses[0].domain)
    # whoever answers it by itself, as an absence does, leaves it alone
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(arguments.body or arguments.subject)
    return message


def _send(arguments: MailArguments, message: EmailMessage, control: Path) -> dict[str, tuple[int, bytes]]:
    """Send it; gives the addresses that were refused, each with the server's code and words."""
    # asking for this machine's full name may take longer than any timeout
    own = platform.node() if platform.node().isascii() and platform.node() else "localhost"
    port, timeout = _port(arguments), arguments.timeout
    server: smtplib.SMTP
    if arguments.secure is Secure.ALWAYS:
        trust = _trust(arguments, control)
        server = smtplib.SMTP_SSL(arguments.host, port, local_hostname=own, timeout=timeout, context=trust)
    else:
        server = smtplib.SMTP(arguments.host, port, local_hostname=own, timeout=timeout)
    with server:
        if arguments.secure is Secure.STARTTLS:
            server.starttls(context=_trust(arguments, control))
        if arguments.username:
            server.login(str(arguments.username), str(arguments.password))
        return server.send_message(message)


def _trust(arguments: MailArguments, control: Path) -> ssl.SSLContext:
    file = str(control / Path(arguments.ca_bundle).expanduser()) if arguments.ca_bundle else None
    try:
        return ssl.create_default_context(cafile=file)
    except OSError as error:
        raise InputError(f"mail.ca_bundle: no certificates can be read from {file}: {error.strerror}") from error


def _port(arguments: MailArguments) -> int:
    return arguments.port or _PORTS[arguments.secure]


def _refusals(refused: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{address}: {code} {_text(words)}" for address, (code, words) in sorted(refused.items()))


def _reason(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    if isinstance(error, TimeoutError) or str(error).endswith("timed out"):
        return "it does not answer in time"
    return one_line(str(error)) or type(error).__name__


def _hint(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "are username and password those of the mail server? some want a password made for programs"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "secure: always or never, and another port, is what other servers want"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "ca_bundle names a file with the certificates to trust"
    return "are host, port and secure those of the mail server?"


def _text(words: bytes | str) -> str:
    return one_line(words.decode("utf-8", errors="replace") if isinstance(words, bytes) else words)


ACTION = Action(
    name="mail",
    does="Send a mail, e.g. to say that a backup failed.",
    examples=(
        {
            "host": "smtp.example.org",
            "from": "backups@example.org",
            "to": "ops@example.org",
            "subject": "{{ run.playbook }} failed",
            "body": "{{ run.message }}",
        },
    ),
    arguments=MailArguments,
    run=run,
    rules=(Needs("password", "username"), Needs("username", "password")),
    asks_others=True,
    writes=True,
)
