"""A mail, and how it goes over the wire.

Every mail of the shop has the same shape. Writing that down takes a tenth of the time of `email.message`, which parses
each header by the grammar of addresses and dates before it prints it again.
"""

import secrets
from binascii import b2a_qp
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr, make_msgid, parseaddr

_LINE_END = "\r\n"
# Longer ones are encoded, which also breaks them into lines. RFC 5322 asks for no more than 78 characters a line.
_PLAIN_HEADER_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one person."""

    to: str
    subject: str
    text: str
    html: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class MailWriter:
    """Writes the mails of one sender."""

    def __init__(self, sender: str) -> None:
        """`sender` is an address, with or without a name: `Kontor <shop@example.com>`."""
        name, self.address = parseaddr(sender)
        self._from = formataddr((name, self.address))
        self._domain = self.address.rpartition("@")[2] or "localhost"

    def write(self, mail: Mail, *, now: datetime) -> bytes:
        """Write a mail. Raises ValueError for a header that would begin another one."""
        headers = {
            "From": self._from,
            "To": mail.to,
            "Subject": mail.subject,
            "Date": format_datetime(now),
            "Message-ID": make_msgid(domain=self._domain),
            # RFC 3834: keeps holiday notices from answering.
            "Auto-Submitted": "auto-generated",
            **mail.headers,
            "MIME-Version": "1.0",
        }
        lines = [_header(name, value) for name, value in headers.items()]
        if mail.html is None:
            lines += _part("plain", mail.text)
        else:
            # "=_" cannot come up in a body that is written quoted-printable.
            boundary = f"=_{secrets.token_hex(16)}"
            lines += [f'Content-Type: multipart/alternative; boundary="{boundary}"', ""]
            lines += [f"--{boundary}", *_part("plain", mail.text)]
            lines += [f"--{boundary}", *_part("html", mail.html), f"--{boundary}--", ""]
        return _LINE_END.join(lines).encode("ascii")


def _header(name: str, value: str) -> str:
    if "\n" in value or "\r" in value:
        raise ValueError(f"a linefeed in the header {name}")
    if name != "Subject":
        return f"{name}: {value}"
    if value.isascii() and value.isprintable() and "=?" not in value and len(value) <= _PLAIN_HEADER_LENGTH:
        return f"{name}: {value}"
    return f"{name}: {Header(value, 'utf-8', header_name=name).encode(linesep=_LINE_END)}"


def _part(subtype: str, text: str) -> list[str]:
    encoded = b2a_qp(text.replace("\r\n", "\n").replace("\r", "\n").encode(), istext=True).decode("ascii")
    return [
        f'Content-Type: text/{subtype}; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "",
        encoded.replace("\n", _LINE_END),
    ]
