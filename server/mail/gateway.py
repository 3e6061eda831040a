"""Sending mail: the only place that knows SMTP."""

import asyncio
from contextlib import suppress
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from server.kernel.clock import Clock
from server.mail.message import Mail, address_of, write

_TIMEOUT_SECONDS: Final = 20.0
_DEFAULT_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
# Less than any server waits for the next mail (RFC 5321 asks for five minutes, some give ten seconds).
_KEPT_SECONDS: Final = 5.0
# Some servers take no more than a hundred over one connection.
_MAILS_A_CONNECTION: Final = 50


class MailNotTaken(Exception):
    """The mail was refused, or there was nobody to take it; or it was taken, and the answer was lost."""


class Mailer(Protocol):
    """Hands a mail to whoever delivers it."""

    async def send(self, mail: Mail) -> None:
        """Hand over the mail. Raises MailNotTaken, and ValueError for what is no mail."""
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
        self._sender = sender
        self._address = address_of(sender)
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
        self._closed = False

    async def send(self, mail: Mail) -> None:
        """Hand the mail to the server. Raises MailNotTaken; ValueError for a header or an address that is none.

        A mail whose connection breaks is not sent again here: the server may have taken it, and the caller decides.
        """
        message = write(mail, sender=self._sender, now=self._clock.now())
        try:
            connection = self._take_idle() or await self._connect()
            await self._hand_over(connection, mail.to, message)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailNotTaken(repr(error)) from error

    async def close(self) -> None:
        """Close the connections that are kept, and keep none from now on."""
        self._closed = True
        while (connection := self._take_idle()) is not None:
            self._end(connection)
        await asyncio.gather(*self._ending)

    async def _hand_over(self, connection: "_Connection", to: str, message: bytes) -> None:
        try:
            await connection.client.sendmail(self._address, [to], message)
        except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused):
            # It was the mail that was refused: the connection is reset already, and good for the next one.
            self._give_back(connection)
            raise
        except BaseException:
            connection.client.close()
            raise
        self._give_back(connection)

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

    def _give_back(self, connection: "_Connection") -> None:
        connection.mails += 1
        if self._closed:
            # Nobody waits for a goodbye any more.
            connection.client.close()
        elif connection.mails < _MAILS_A_CONNECTION and connection.client.is_connected:
            connection.closing = asyncio.get_running_loop().call_later(_KEPT_SECONDS, self._drop, connection)
            self._idle.append(connection)
        else:
            self._end(connection)

    def _drop(self, connection: "_Connection") -> None:
        self._idle.remove(connection)
        self._end(connection)

    def _end(self, connection: "_Connection") -> None:
        # In the background: what the server says to it changes nothing about the mails that it has taken.
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
