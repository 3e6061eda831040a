"""A mail as it is written, read again by the standard library."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.mail.message import Mail, write

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
# What stands in subjects and bodies; only bodies have lines, and no mail has control characters.
words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Cf", "Co", "Cn"]))
bodies = st.lists(words, min_size=1).map(lambda lines: "".join(f"{line}\n" for line in lines))


def read(mail: Mail, sender: str = "shop@kontor.example") -> EmailMessage:
    written = write(mail, sender=sender, now=NOW)
    assert written.isascii()
    assert max(map(len, written.split(b"\r\n"))) < 250
    return message_from_bytes(written, policy=default)


def wire(text: str) -> str:
    """Return a text with the ends of lines that mails have."""
    return text.replace("\n", "\r\n")


@given(text=bodies, html=bodies)
def test_bodies_come_back_as_they_were(text: str, html: str) -> None:
    message = read(Mail("ada@example.com", "Hello", text, html))

    assert message.get_content_type() == "multipart/alternative"
    assert not message.defects
    plain, rich = message.iter_parts()
    assert isinstance(plain, EmailMessage)
    assert isinstance(rich, EmailMessage)
    assert (plain.get_content_type(), plain.get_content()) == ("text/plain", wire(text))
    assert (rich.get_content_type(), rich.get_content()) == ("text/html", wire(html))


@given(bodies)
def test_a_mail_of_text_alone_has_no_parts(text: str) -> None:
    message = read(Mail("ada@example.com", "Hello", text))

    assert not message.is_multipart()
    assert message.get_content() == wire(text)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "Your order ABCD-EFGH is confirmed",
        "Grüße aus Köln",
        "Ein sehr langer Betreff " * 12 + "Ende",
        "Grüße " * 40 + "Ende",
    ],
)
def test_subjects_come_back_as_they_were(subject: str) -> None:
    assert read(Mail("ada@example.com", subject, "text"))["Subject"] == subject


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("shop@kontor.example", ""),
        ("Kontor <shop@kontor.example>", "Kontor"),
        ("Käse & Wein <shop@kontor.example>", "Käse & Wein"),
        ('"Wein, Käse" <shop@kontor.example>', "Wein, Käse"),
    ],
)
def test_names_the_sender(sender: str, name: str) -> None:
    message = read(Mail("ada@example.com", "Hello", "text"), sender)

    assert message["From"].addresses == (Address(name, "shop", "kontor.example"),)
    assert message["Message-ID"].endswith("@kontor.example>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOW


@pytest.mark.parametrize(
    "mail",
    [
        Mail("ada@example.com\nBcc: eve@example.com", "Hello", "text"),
        Mail("ada@example.com", "Hello\r\nBcc: eve@example.com", "text"),
        Mail("ada@example.com", "Grüße\rBcc: eve@example.com", "text"),
        Mail("ada@example.com", "Hello", "text", None, {"X-Order": "1\nBcc: eve@example.com"}),
    ],
)
def test_a_header_cannot_be_smuggled_in(mail: Mail) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        write(mail, sender="shop@kontor.example", now=NOW)
