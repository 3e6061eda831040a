"""The load generator for gRPC: connections that each keep a number of calls in flight, or send them at a fixed rate."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any

from tests.bench import frames
from tests.bench.job import CallJob, Feed, Tally

Done = Callable[["Connection"], None]
_TICK_SECONDS = 0.001
_ANSWER_SECONDS = 30.0


class Connection(asyncio.Protocol):
    """One HTTP/2 connection."""

    def __init__(self, job: CallJob, tally: Tally, on_done: Done) -> None:
        self._job = job
        self._tally = tally
        self._on_done = on_done
        self._blocks = [frames.call_headers(job.path, headers) for headers in job.headers or [()]]
        self._stream = -1
        # By stream: the number of the call, when it started, and what came of its answer.
        self._open: dict[int, tuple[int, float, list[bytes]]] = {}
        self._rest = b""
        self._outgoing: list[bytes] = []
        self._received = 0
        self.lost = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(frames.opening())

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        unanswered = list(self._open.values())
        self._open.clear()
        for number, started, _ in unanswered:
            self._finish(number, started, f"the connection was lost: {error}")

    @property
    def in_flight(self) -> int:
        """How many calls wait for their answers."""
        return len(self._open)

    def start(self, number: int, started: float) -> None:
        """Begin a call; `flush` sends it."""
        self._stream += 2
        self._open[self._stream] = (number, started, [])
        headers = self._blocks[number] if self._job.headers else self._blocks[0]
        self._outgoing.append(frames.call(self._stream, headers, self._job.messages[number]))

    def flush(self) -> None:
        """Send the calls that were begun."""
        if self._outgoing:
            self._transport.write(b"".join(self._outgoing))
            self._outgoing.clear()

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        while end - at >= frames.FRAME_HEADER_BYTES:
            payload = at + frames.FRAME_HEADER_BYTES
            after = payload + (data[at] << 16 | data[at + 1] << 8 | data[at + 2])
            if after > end:
                break
            stream = int.from_bytes(data[at + 5 : payload], "big")
            self._frame(data[at + 3], data[at + 4], stream, data[payload:after])
            at = after
        self._rest = data[at:]
        self.flush()

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == frames.DATA:
            self._open[stream][2].append(payload)
            self._received += len(payload)
            if self._received > frames.WINDOW_BYTES // 2:
                self._outgoing.append(frames.window_update(self._received))
                self._received = 0
        elif kind == frames.HEADERS:
            if flags & frames.END_STREAM:
                self._answer(stream, payload)
        elif kind == frames.SETTINGS and not flags & frames.ACK:
            self._outgoing.append(frames.frame(frames.SETTINGS, frames.ACK, 0, b""))
        elif kind == frames.PING and not flags & frames.ACK:
            self._outgoing.append(frames.frame(frames.PING, frames.ACK, 0, payload))
        elif kind == frames.RST_STREAM:
            number, started, _ = self._open.pop(stream)
            self._finish(number, started, f"the stream was reset: {payload.hex()}")
        elif kind == frames.GOAWAY:
            self._transport.close()
        # What is left are updates of windows, which calls as small as ours never fill.

    def _answer(self, stream: int, trailers: bytes) -> None:
        number, started, parts = self._open.pop(stream)
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        if frames.ended_well(trailers):
            error = self._job.check(number, body[5:])
        else:
            error = "the call was refused: " + "".join(chr(byte) if 32 <= byte < 127 else " " for byte in trailers)
        self._finish(number, started, error)

    def _finish(self, number: int, started: float, error: str) -> None:
        self._tally.add(perf_counter() - started, error)
        self._on_done(self)


async def run(job: CallJob, feed: Feed, tally: Tally, seconds: float) -> None:
    """Load the target for a while; every call that was begun is waited for."""
    if job.rate is None:
        await _closed(job, feed, tally, perf_counter() + seconds)
    else:
        await _at_rate(job, job.rate, feed, tally, seconds)


async def _closed(job: CallJob, feed: Feed, tally: Tally, deadline: float) -> None:
    """Begin a call whenever one ends."""
    ended = asyncio.Event()
    left = 0

    def begin(connection: Connection) -> bool:
        now = perf_counter()
        number = feed.take() if now < deadline and not connection.lost else None
        if number is None:
            return False
        connection.start(number, now)
        return True

    def on_done(connection: Connection) -> None:
        nonlocal left
        if not begin(connection):
            left -= 1
            if left == 0:
                ended.set()

    connections = [await _connect(job, tally, on_done, number) for number in range(job.connections)]
    for connection in connections:
        left += sum(begin(connection) for _ in range(job.in_flight))
    for connection in connections:
        connection.flush()
    if left:
        await ended.wait()
    for connection in connections:
        connection.close()


async def _at_rate(job: CallJob, rate: float, feed: Feed, tally: Tally, seconds: float) -> None:
    """Begin calls when they are due, however many are in flight; the time that one is late counts as waiting."""
    connections = [await _connect(job, tally, lambda _: None, number) for number in range(job.connections)]
    started = perf_counter()
    begun = 0
    while (passed := perf_counter() - started) < seconds:
        for _ in range(begun, int(passed * rate)):
            number = feed.take()
            if number is None:
                break
            connections[begun % len(connections)].start(number, started + begun / rate)
            begun += 1
        for connection in connections:
            connection.flush()
        await asyncio.sleep(_TICK_SECONDS)
    async with asyncio.timeout(_ANSWER_SECONDS):
        # A look now and then costs the answers less than a note with each would.
        while any(connection.in_flight for connection in connections):  # noqa: ASYNC110  # See above.
            await asyncio.sleep(_TICK_SECONDS)
    for connection in connections:
        connection.close()


async def _connect(job: CallJob, tally: Tally, on_done: Done, number: int) -> Connection:
    loop = asyncio.get_running_loop()
    target = job.targets[number % len(job.targets)]
    if target.startswith("unix:"):
        _, connection = await loop.create_unix_connection(
            lambda: Connection(job, tally, on_done), target.removeprefix("unix:")
        )
        return connection
    host, _, port = target.rpartition(":")
    _, connection = await loop.create_connection(lambda: Connection(job, tally, on_done), host, int(port))
    return connection
