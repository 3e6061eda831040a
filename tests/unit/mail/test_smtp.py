"""Sending through a real SMTP server on loopback."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from server.mail.gateway import Mail, MailSettingsInvalid, SmtpMailer


class Catcher:
    """Keeps what arrives; refuses addresses that say so."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        if any("refused" in address for address in envelope.rcpt_tos):
            return "550 not here"
        self.messages.append(message_from_bytes(envelope.content, policy=default))
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
    server = await loop.create_server(lambda: SMTP(catcher, loop=loop), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield SmtpMailer(f"smtp://127.0.0.1:{port}", sender="Kontor <shop@kontor.example>", clock=FixedClock())
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
    with pytest.raises(aiosmtplib.SMTPException):
        await mailer.send(Mail("refused@example.com", "Hello", "text"))

    assert catcher.messages == []


@pytest.mark.parametrize("url", ["", "localhost:25", "http://localhost", "smtp://"])
def test_refuses_an_address_that_makes_no_sense(url: str) -> None:
    with pytest.raises(MailSettingsInvalid, match="smtp://host:port"):
        SmtpMailer(url, sender="shop@kontor.example", clock=FixedClock())
