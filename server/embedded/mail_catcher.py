"""The mail catcher: takes every mail of the shop, keeps it as a file, and sends none on."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

_KEPT: Final = 500
_LARGEST_BYTES: Final = 32 * 1024 * 1024


@dataclass(slots=True)
class MailCatcher:
    """Listens on a free port of this machine and keeps the newest mails in a folder."""

    folder: Path
    say: Callable[[str], None]
    port: int = 0
    _server: asyncio.Server | None = None
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def start(self) -> None:
        """Listen from now on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Take no more mail."""
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    @property
    def url(self) -> str:
        """The address for whoever sends."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's
        """Keep one mail."""
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        try:
            await asyncio.to_thread(self._keep, raw, envelope.rcpt_tos)
        except OSError as error:
            self.say(f"mail to {', '.join(envelope.rcpt_tos)} could not be kept: {error.strerror}")
            return "452 Insufficient system storage"
        subject = str(message_from_bytes(raw, policy=policy.default)["Subject"])
        self.say(f"mail to {', '.join(envelope.rcpt_tos)}: {subject}")
        return "250 OK"

    def _session(self) -> SMTP:
        return SMTP(self, data_size_limit=_LARGEST_BYTES, enable_SMTPUTF8=True, ident="Kontor mail catcher")

    def _keep(self, raw: bytes, recipients: list[str]) -> None:
        now = datetime.now(UTC)
        recipient = re.sub(r"[^a-z0-9.@+-]+", "_", (recipients or ["nobody"])[0].lower())[:80]
        path = self.folder / f"{now:%Y%m%dT%H%M%S.%f}-{next(self._numbers)}-{recipient}.eml"
        unfinished = path.with_suffix(".new")
        unfinished.write_bytes(raw)
        unfinished.replace(path)
        for old in sorted(self.folder.glob("*.eml"))[:-_KEPT]:
            old.unlink(missing_ok=True)
