"""What `kontor up` shows on the terminal: one line a step, a living one while a step takes its time."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TextIO

_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_NAME_WIDTH: Final = 22
_DETAIL_WIDTH: Final = 38
# Without a terminal, a step that takes longer than this says that it is still at work.
_PATIENCE_SECONDS: Final = 5.0


@dataclass(slots=True)
class Step:
    """One step of the start; `detail` is shown beside its name."""

    name: str
    detail: str = ""
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long the step took so far."""
        return time.monotonic() - self.began


class Screen:
    """Writes to a terminal or to a file, each as suits it."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._alive = out.isatty() and os.environ.get("TERM") != "dumb"
        self._colours = self._alive and "NO_COLOR" not in os.environ
        self._signs = _can_show("✓✗" + _FRAMES, out)
        self._step: Step | None = None

    def line(self, text: str = "") -> None:
        """Write one line of our own words."""
        self._clear()
        print(text, file=self._out, flush=True)

    def event(self, text: str) -> None:
        """Write what happened, with the time of day."""
        self.line(f"{self._paint('2', f'{datetime.now().astimezone():%H:%M:%S}')}  {printable(text)}")

    def strong(self, text: str) -> str:
        """Return the text so that it stands out."""
        return self._paint("1", text)

    @asynccontextmanager
    async def step(self, name: str, detail: str = "") -> AsyncIterator[Step]:
        """Show a step while the block runs, and its time at the end."""
        step = self._step = Step(name, detail)
        show = asyncio.create_task(self._animate(step) if self._alive else self._reassure(step))
        sign = self._paint("31", "✗" if self._signs else "x")
        try:
            yield step
            sign = self._paint("32", "✓" if self._signs else "+")
        finally:
            show.cancel()
            with suppress(asyncio.CancelledError):
                await show
            self._step = None
            self.line(f"  {sign} {self._describe(step)} {step.seconds:6.1f} s")

    async def _animate(self, step: Step) -> None:
        frames = _FRAMES if self._signs else "|/-\\"
        while True:
            frame = frames[int(step.seconds * 10) % len(frames)]
            self._out.write(f"\r  {frame} {self._describe(step)} {step.seconds:6.1f} s")
            self._out.flush()
            await asyncio.sleep(0.1)

    async def _reassure(self, step: Step) -> None:
        while True:
            await asyncio.sleep(_PATIENCE_SECONDS)
            self.line(f"    {self._describe(step)} still at work, {step.seconds:.0f} s")

    def _describe(self, step: Step) -> str:
        return f"{step.name:<{_NAME_WIDTH}} {step.detail:<{_DETAIL_WIDTH}}"

    def _clear(self) -> None:
        if self._alive:
            self._out.write("\r\x1b[2K")

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colours else text


def printable(text: str) -> str:
    """Return the text without what would steer a terminal: mails and logs are written by others."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _can_show(signs: str, out: TextIO) -> bool:
    try:
        signs.encode(out.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
