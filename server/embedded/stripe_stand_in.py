"""Run localstripe, an independent Stripe server, as a program of its own beside the shop.

Only this program, which the shop starts and speaks to over HTTP, knows localstripe. By itself it would listen on every
network of the machine, keep its data in a shared file below /tmp and forget its webhooks; here it is told better.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pickle
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from aiohttp import web
from localstripe import resources, server  # type: ignore[import-untyped]  # It has no types.

_SAVE_SECONDS = 1.0


class Memory:
    """What the stand-in knows, kept in one file: read at the start, written when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = False

    def load(self) -> None:
        """Read what an earlier run wrote."""
        with suppress(FileNotFoundError):
            resources.store.update(pickle.loads(self._path.read_bytes()))  # noqa: S301  Written by this program only.

    def touch(self) -> None:
        """Note a change: localstripe calls this several times a request."""
        self._changed = True

    async def keep(self, _application: web.Application) -> AsyncIterator[None]:
        """Write now and then, and at the end."""
        writer = asyncio.create_task(self._write_often())
        yield
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer
        self._write()

    async def _write_often(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_SECONDS)
            self._write()

    def _write(self) -> None:
        if not self._changed:
            return
        self._changed = False
        unfinished = self._path.with_suffix(".new")
        unfinished.write_bytes(pickle.dumps(dict(resources.store)))
        unfinished.replace(self._path)


def main() -> None:
    """Serve until SIGTERM. The signing secret comes in the environment, as arguments are visible to everyone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8420)
    parser.add_argument("--memory", type=Path, required=True, help="the file in which its data is kept")
    parser.add_argument("--webhook", required=True, help="where its events go")
    arguments = parser.parse_args()

    memory = Memory(arguments.memory)
    memory.load()
    resources.Store.dump_to_disk = lambda _store: memory.touch()
    server.register_webhook("kontor", arguments.webhook, os.environ["KONTOR_STRIPE_WEBHOOK_SECRET"], None)
    server.app.cleanup_ctx.append(memory.keep)
    web.run_app(server.app, host=arguments.host, port=arguments.port, print=None)


if __name__ == "__main__":
    main()
