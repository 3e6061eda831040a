"""Sending through a real SMTP server on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from server.mail import gateway
from server.mail.gateway import MailNotTaken, MailSettingsInvalid, SmtpMailer
from server.mail.message import Mail
from tests.world.waiting import eventually


class Catcher:
    """Keeps what arrives; refuses addresses that say so, and says nothing for as long as it is told to."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.connections: list[SMTP] = []
        self.answers, self.says_goodbye = asyncio.Event(), asyncio.Event()
        self.answers.set()
        self.says_goodbye.set()

    def connect(self) -> SMTP:
        self.connections.append(SMTP(self, loop=asyncio.get_running_loop()))
        return self.connections[-1]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "unknown" in address:
            return "550 nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await self.says_goodbye.wait()
        return "221 Bye"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        if any("refused" in address for address in envelope.rcpt_tos):
            return "550 not here"
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        await self.answers.wait()
        return "250 OK"


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


@pytest.fixture
def catcher() -> Catcher:
    return Catcher()


@pytest.fixture
async def mailer(catcher: Catcher) -> AsyncIterator[SmtpMailer]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(catcher.connect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made = SmtpMailer(f"smtp://127.0.0.1:{port}", sender="Kontor <shop@kontor.example>", clock=FixedClock())
    yield made
    await made.close()
    server.close()
    await server.wait_closed()


async def test_sends_text_and_html(mailer: SmtpMailer, catcher: Catcher) -> None:
    await mailer.send(Mail("zoe@example.com", "Grüße", "Tee für zwei\n", "<p>Tee für zwei</p>", {"X-Order": "42"}))

    [message] = catcher.messages
    assert message["From"] == "Kontor <shop@kontor.example>"
    assert message["To"] == "zoe@example.com"
    assert message["Subject"] == "Grüße"
    assert message["Date"] == "Mon, 04 May 2026 12:30:00 +0000"
    assert message["Message-ID"].endswith("@kontor.example>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Order"] == "42"
    text, html = message.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert (text.get_content_type(), text.get_content().strip()) == ("text/plain", "Tee für zwei")
    assert (html.get_content_type(), html.get_content().strip()) == ("text/html", "<p>Tee für zwei</p>")


async def test_a_header_cannot_be_smuggled_in(mailer: SmtpMailer, catcher: Catcher) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        await mailer.send(Mail("ada@example.com", "Hello\nBcc: eve@example.com", "text"))

    assert catcher.messages == []


async def test_a_refusal_is_an_error(mailer: SmtpMailer, catcher: Catcher) -> None:
    with pytest.raises(MailNotTaken, match="550"):
        await mailer.send(Mail("refused@example.com", "Hello", "text"))

    assert catcher.messages == []


async def test_sends_many_mails_over_one_connection(mailer: SmtpMailer, catcher: Catcher) -> None:
    for number in range(5):
        await mailer.send(Mail("ada@example.com", f"Number {number}", "text\n.\n..\nmore\n"))

    assert len(catcher.connections) == 1
    assert [message["Subject"] for message in catcher.messages] == [f"Number {number}" for number in range(5)]
    assert {message.get_content() for message in catcher.messages} == {"text\r\n.\r\n..\r\nmore\r\n"}


async def test_gives_each_connection_an_end(mailer: SmtpMailer, catcher: Catcher) -> None:
    for _ in range(gateway._MAILS_A_CONNECTION + 1):
        await mailer.send(Mail("ada@example.com", "Hello", "text"))

    assert len(catcher.connections) == 2
    assert len(catcher.messages) == gateway._MAILS_A_CONNECTION + 1


async def test_mails_at_once_do_not_mix(mailer: SmtpMailer, catcher: Catcher) -> None:
    mails = [Mail(f"a{number}@example.com", f"Number {number}", f"{number}") for number in range(10)]

    await asyncio.gather(*(mailer.send(mail) for mail in mails))
    await mailer.send(mails[0])

    assert len(catcher.connections) == 10
    seen = sorted((message["To"], message["Subject"], message.get_content().strip()) for message in catcher.messages)
    assert seen == sorted((mail.to, mail.subject, mail.text) for mail in [*mails, mails[0]])


async def test_connects_anew_when_the_server_has_hung_up(mailer: SmtpMailer, catcher: Catcher) -> None:
    await mailer.send(Mail("ada@example.com", "First", "text"))
    hung_up = catcher.connections[0].transport
    assert hung_up is not None
    hung_up.close()
    await eventually(no_connection_left(mailer))

    await mailer.send(Mail("ada@example.com", "Second", "text"))

    assert [message["Subject"] for message in catcher.messages] == ["First", "Second"]


def no_connection_left(mailer: SmtpMailer) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return not any(connection.client.is_connected for connection in mailer._idle)

    return look


async def test_a_connection_that_nobody_needs_ends(
    mailer: SmtpMailer, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "_KEPT_SECONDS", 0.01)
    await mailer.send(Mail("ada@example.com", "Hello", "text"))

    async def ended() -> bool:
        return not mailer._idle and not mailer._ending

    await eventually(ended)
    assert catcher.connections[0].transport is None or catcher.connections[0].transport.is_closing()


@pytest.mark.parametrize("to", ["refused@example.com", "unknown@example.com"])
async def test_a_refused_mail_leaves_the_connection_to_the_next_one(
    mailer: SmtpMailer, catcher: Catcher, to: str
) -> None:
    with pytest.raises(MailNotTaken, match="550"):
        await mailer.send(Mail(to, "Hello", "text"))
    await mailer.send(Mail("ada@example.com", "Hello", "text"))

    assert [message["To"] for message in catcher.messages] == ["ada@example.com"]
    assert len(catcher.connections) == 1


async def test_a_mail_that_is_taken_does_not_wait_for_the_goodbye(
    mailer: SmtpMailer, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "_MAILS_A_CONNECTION", 2)
    await mailer.send(Mail("ada@example.com", "First", "text"))
    catcher.says_goodbye.clear()

    await mailer.send(Mail("ada@example.com", "Second", "text"))

    assert len(mailer._ending) == 1
    catcher.says_goodbye.set()


async def test_a_mail_that_is_under_way_when_it_closes_leaves_nothing_open(
    mailer: SmtpMailer, catcher: Catcher
) -> None:
    catcher.answers.clear()
    sending = asyncio.create_task(mailer.send(Mail("ada@example.com", "Hello", "text")))
    await eventually(lambda: bool(catcher.messages))

    await mailer.close()
    catcher.answers.set()
    await sending

    assert not mailer._idle
    assert not mailer._ending
    transport = catcher.connections[0].transport
    await eventually(lambda: transport is None or transport.is_closing())


async def test_a_server_that_is_away_takes_no_mail() -> None:
    # Nobody listens on the port of a socket that is bound and no more.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        mailer = SmtpMailer(
            f"smtp://127.0.0.1:{bound.getsockname()[1]}", sender="shop@kontor.example", clock=FixedClock()
        )
        with pytest.raises(MailNotTaken, match="Connect"):
            await mailer.send(Mail("ada@example.com", "Hello", "text"))


@pytest.mark.parametrize("url", ["", "localhost:25", "http://localhost", "smtp://"])
def test_refuses_an_address_that_makes_no_sense(url: str) -> None:
    with pytest.raises(MailSettingsInvalid, match="smtp://host:port"):
        SmtpMailer(url, sender="shop@kontor.example", clock=FixedClock())
