"""Sending mail: the only place that knows SMTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from server.kernel.clock import Clock

_TIMEOUT_SECONDS: Final = 20.0
_DEFAULT_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one person."""

    to: str
    subject: str
    text: str
    html: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Mailer(Protocol):
    """Hands a mail to whoever delivers it."""

    async def send(self, mail: Mail) -> None:
        """Hand over the mail; any exception means that it was not taken."""
        ...


class MailSettingsInvalid(Exception):
    """The address of the mail server makes no sense."""


class SmtpMailer:
    """Sends by SMTP.

    The URL is `smtp://user:password@host:port`; `smtp+starttls://` insists on encryption, `smtps://` starts with it.
    """

    def __init__(self, url: str, *, sender: str, clock: Clock) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise MailSettingsInvalid(
                "the SMTP URL must look like smtp://host:port, smtp+starttls://... or smtps://..."
            )
        self._sender = sender
        self._domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
        self._clock = clock
        self._host = parts.hostname
        self._port = parts.port or _DEFAULT_PORTS[parts.scheme]
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._use_tls = parts.scheme == "smtps"
        # None: encrypt when the server offers it.
        self._start_tls = {"smtp": None, "smtp+starttls": True, "smtps": False}[parts.scheme]

    async def send(self, mail: Mail) -> None:
        """Hand the mail to the server. Raises aiosmtplib.SMTPException or OSError."""
        await aiosmtplib.send(
            self._message(mail),
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            use_tls=self._use_tls,
            start_tls=self._start_tls,
            timeout=_TIMEOUT_SECONDS,
        )

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = make_msgid(domain=self._domain)
        # RFC 3834: keeps holiday notices from answering.
        message["Auto-Submitted"] = "auto-generated"
        for name, value in mail.headers.items():
            message[name] = value
        message.set_content(mail.text)
        if mail.html is not None:
            message.add_alternative(mail.html, subtype="html")
        return message
