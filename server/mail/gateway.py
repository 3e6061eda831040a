"""Sending mail: the only place that knows SMTP."""

import asyncio
from contextlib import suppress
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from server.kernel.clock import Clock
from server.mail.message import Mail, MailWriter

__all__ = ["Mail", "MailSettingsInvalid", "Mailer", "SmtpMailer"]

_TIMEOUT_SECONDS: Final = 20.0
_DEFAULT_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
# Less than any server waits for the next mail (RFC 5321 asks for five minutes, some give ten seconds).
_KEPT_SECONDS: Final = 5.0
# Some servers take no more than a hundred over one connection.
_MAILS_A_CONNECTION: Final = 50


class Mailer(Protocol):
    """Hands a mail to whoever delivers it."""

    async def send(self, mail: Mail) -> None:
        """Hand over the mail; any exception means that it was not taken."""
        ...

    async def close(self) -> None:
        """Let go of what is kept open for the next mail."""
        ...


class MailSettingsInvalid(Exception):
    """The address of the mail server makes no sense."""


class SmtpMailer:
    """Sends by SMTP, over a connection that is kept for a while: to open one costs more than to send a mail.

    The URL is `smtp://user:password@host:port`; `smtp+starttls://` insists on encryption, `smtps://` starts with it.
    """

    def __init__(self, url: str, *, sender: str, clock: Clock) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise MailSettingsInvalid(
                "the SMTP URL must look like smtp://host:port, smtp+starttls://... or smtps://..."
            )
        self._writer = MailWriter(sender)
        self._clock = clock
        self._host = parts.hostname
        self._port = parts.port or _DEFAULT_PORTS[parts.scheme]
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._use_tls = parts.scheme == "smtps"
        # None: encrypt when the server offers it.
        self._start_tls = {"smtp": None, "smtp+starttls": True, "smtps": False}[parts.scheme]
        # Connections that nobody uses, the one used last at the end.
        self._idle: list[_Connection] = []
        self._ending: set[asyncio.Task[None]] = set()

    async def send(self, mail: Mail) -> None:
        """Hand the mail to the server. Raises aiosmtplib.SMTPException, OSError, ValueError.

        A mail whose connection breaks is not sent again here: the server may have taken it, and the caller decides.
        """
        message = self._writer.write(mail, now=self._clock.now())
        connection = self._take_idle() or await self._connect()
        try:
            await connection.client.sendmail(self._writer.address, [mail.to], message)
        except BaseException:
            connection.client.close()
            raise
        connection.mails += 1
        if connection.mails < _MAILS_A_CONNECTION:
            self._keep(connection)
        else:
            await _quit(connection)

    async def close(self) -> None:
        """Close the connections that are kept."""
        while (connection := self._take_idle()) is not None:
            await _quit(connection)
        await asyncio.gather(*self._ending)

    async def _connect(self) -> "_Connection":
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            use_tls=self._use_tls,
            start_tls=self._start_tls,
            timeout=_TIMEOUT_SECONDS,
        )
        await client.connect()
        return _Connection(client)

    def _take_idle(self) -> "_Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if connection.closing is not None:
                connection.closing.cancel()
            # The server may have hung up meanwhile.
            if connection.client.is_connected:
                return connection
        return None

    def _keep(self, connection: "_Connection") -> None:
        connection.closing = asyncio.get_running_loop().call_later(_KEPT_SECONDS, self._drop, connection)
        self._idle.append(connection)

    def _drop(self, connection: "_Connection") -> None:
        self._idle.remove(connection)
        ending = asyncio.create_task(_quit(connection))
        # The event loop itself forgets tasks.
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


class _Connection:
    """A connection to the server, and what it was used for."""

    __slots__ = ("client", "closing", "mails")

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self.client = client
        self.mails = 0
        self.closing: asyncio.TimerHandle | None = None


async def _quit(connection: _Connection) -> None:
    # Everything that it was used for is done, so that nothing is lost if the server does not say goodbye.
    with suppress(aiosmtplib.SMTPException, OSError):
        await connection.client.quit(timeout=1.0)
    connection.client.close()
