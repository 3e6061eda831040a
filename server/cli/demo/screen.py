"""Prints the journey for a person."""

import json
import sys
from typing import Any, TextIO

from server.cli.demo.transport import Exchange

_MAX_LINES = 24
_SECRETS = ("password", "accessToken", "refreshToken", "clientSecret", "token", "cartToken")


class JourneyScreen:
    """Numbered steps, each with its request and its answer."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._step = 0

    def step(self, title: str) -> None:
        """Begin a step."""
        self._step += 1
        self._print(f"\n── {self._step}. {title} " + "─" * max(3, 76 - len(title) - len(str(self._step))))

    def show(self, exchange: Exchange) -> None:
        """Show a call."""
        self._print(f"→ {exchange.target}")
        for name, value in exchange.headers.items():
            self._print(f"  {name}: {value if name == 'idempotency-key' else value[:18] + '…'}")
        if exchange.request:
            self._body(exchange.request)
        self._print(f"← {exchange.status}")
        if exchange.file:
            self._print(f"  {len(exchange.file):,} bytes, beginning with {exchange.file[:8]!r}")
        elif exchange.answer:
            self._body(exchange.answer)

    def say(self, text: str) -> None:
        """Say something that is no call."""
        self._print(f"  {text}")

    def _body(self, body: dict[str, Any]) -> None:
        lines = json.dumps(_without_secrets(body), indent=2, ensure_ascii=False).splitlines()
        for line in lines[:_MAX_LINES]:
            self._print(f"  {line}")
        if len(lines) > _MAX_LINES:
            self._print(f"  … and {len(lines) - _MAX_LINES} more lines")

    def _print(self, text: str) -> None:
        print(text, file=self._out, flush=True)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: f"{item[:10]}…" if name in _SECRETS and isinstance(item, str) and item else _without_secrets(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value
