"""A mail, and how it goes over the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr

# Whatever a server on the way can do with eight bits.
_ASCII = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one person."""

    to: str
    subject: str
    text: str
    html: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def write(mail: Mail, *, sender: str, now: datetime) -> bytes:
    """Write a mail from `sender`, an address with or without a name: `Kontor <shop@example.com>`.

    Raises ValueError for a header that would begin another one.
    """
    message = EmailMessage(_ASCII)
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=address_of(sender).rpartition("@")[2] or "localhost")
    # RFC 3834: keeps holiday notices from answering.
    message["Auto-Submitted"] = "auto-generated"
    for name, value in mail.headers.items():
        message[name] = value
    message.set_content(mail.text)
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html")
    return message.as_bytes()


def address_of(sender: str) -> str:
    """Return a sender's address without the name."""
    return parseaddr(sender)[1]
