"""The load generator for what visitors do over REST: HTTP/1.1 connections that are kept, and a coroutine on each."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from tests.bench.job import Feed, FlowJob, Tally

_CONNECT_AT_ONCE = 100
_ANSWER_SECONDS = 30.0
_HOST = "127.0.0.1"


class WrongAnswer(Exception):
    """The shop answered something else than it should."""


class Browser(asyncio.Protocol):
    """One connection, used for one request at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._received = b""
        self._lost: str | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = f"the connection was lost: {error}"
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(WrongAnswer(self._lost))

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    async def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send a request, and return the status and the body of the answer."""
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"host: {_HOST}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if content:
            lines += ["content-type: application/json", f"content-length: {len(content)}"]
        if self._lost:
            raise WrongAnswer(self._lost)
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write("\r\n".join([*lines, "", ""]).encode() + content)
        return await self._answer

    async def fetch(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Send a request that has to go well, and return the JSON of the answer."""
        status, content = await self.call(method, path, body, headers)
        if status != 200:
            raise WrongAnswer(f"{method} {path}: {status} {content[:300].decode(errors='replace')}")
        answer: dict[str, Any] = json.loads(content)
        return answer

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0 or self._answer is None:
            return
        head = self._received[:head_end].lower()
        start = head_end + 4
        at = head.find(b"content-length:")
        if at >= 0:
            end = start + int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self._received) < end:
                return
            body = self._received[start:end]
        else:
            # The shop sends whole answers; only those without a length come in pieces, the last of which is empty.
            if not self._received.endswith(b"0\r\n\r\n"):
                return
            body = _join_pieces(self._received[start:])
        status = int(head[9:12])
        self._received = b""
        if not self._answer.done():
            self._answer.set_result((status, body))


async def run(job: FlowJob, feed: Feed, tally: Tally, browsers: list[Browser], seconds: float) -> None:
    """Let visitors come for a while; everyone who came is waited for."""
    if job.rate is None:
        deadline = perf_counter() + seconds
        await asyncio.gather(*(_visits(job, feed, tally, browser, deadline) for browser in browsers))
    else:
        await _at_rate(job, job.rate, feed, tally, browsers, seconds)


async def connect(job: FlowJob) -> list[Browser]:
    """Open the connections."""
    loop = asyncio.get_running_loop()
    browsers: list[Browser] = []
    while len(browsers) < job.connections:
        opening = []
        for number in range(len(browsers), min(len(browsers) + _CONNECT_AT_ONCE, job.connections)):
            host, _, port = job.targets[number % len(job.targets)].rpartition(":")
            opening.append(loop.create_connection(Browser, host, int(port)))
        browsers += [browser for _, browser in await asyncio.gather(*opening)]
    return browsers


async def _visits(job: FlowJob, feed: Feed, tally: Tally, browser: Browser, deadline: float) -> None:
    while perf_counter() < deadline and (number := feed.take()) is not None:
        await _visit(job, tally, browser, number, perf_counter())


async def _at_rate(
    job: FlowJob, rate: float, feed: Feed, tally: Tally, browsers: list[Browser], seconds: float
) -> None:
    """Let visitors come when they are due, over the connection that was idle longest."""
    idle = deque(browsers)
    visits: set[asyncio.Task[None]] = set()
    started = perf_counter()
    begun = 0

    async def visit(browser: Browser, number: int, due: float) -> None:
        await _visit(job, tally, browser, number, due)
        idle.append(browser)

    while (passed := perf_counter() - started) < seconds:
        while begun < int(passed * rate) and idle:
            number = feed.take()
            if number is None:
                break
            task = asyncio.create_task(visit(idle.popleft(), number, started + begun / rate))
            visits.add(task)
            task.add_done_callback(visits.discard)
            begun += 1
        await asyncio.sleep(0.001)
    if visits:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await asyncio.gather(*visits)


async def _visit(job: FlowJob, tally: Tally, browser: Browser, number: int, started: float) -> None:
    error = ""
    try:
        await job.flow(browser, number, job.context)
    except (WrongAnswer, KeyError, ValueError) as problem:
        error = f"{type(problem).__name__}: {problem}"
    tally.add(perf_counter() - started, error)


def _join_pieces(data: bytes) -> bytes:
    """Join the chunks of a body."""
    body, at = b"", 0
    while True:
        line_end = data.index(b"\r\n", at)
        size = int(data[at:line_end], 16)
        if size == 0:
            return body
        body += data[line_end + 2 : line_end + 2 + size]
        at = line_end + 2 + size + 2
