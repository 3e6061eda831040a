"""Hot reads: answers to anonymous callers, kept as the bytes that went over the wire.

An answer is kept under its method and the request's bytes, so that a hit parses nothing. It carries tags: what has to
change for it to be wrong. Whoever follows the changes calls `drop`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from time import monotonic
from typing import Final

from server.metrics.meters import Figure, counter, gauge

Key = tuple[str, bytes]
Compute = Callable[[], Awaitable[tuple[bytes, frozenset[Hashable]]]]

# What an entry costs beside its bytes, and what each tag adds: places in dictionaries and sets.
_OVERHEAD_BYTES: Final = 600
_TAG_BYTES: Final = 150
# How long a drop is remembered for the sake of answers that are under way. No read takes as long.
_REMEMBERED_SECONDS: Final = 30.0


class _Entry:
    __slots__ = ("response", "size", "tags")

    def __init__(self, response: bytes, tags: frozenset[Hashable], size: int) -> None:
        self.response = response
        self.tags = tags
        self.size = size


class ResponseCache:
    """The cache of one process, bounded in bytes; the least lately used answers go first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._size = 0
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._keys_by_tag: dict[Hashable, set[Key]] = {}
        self._under_way: dict[Key, asyncio.Task[bytes]] = {}
        # When what was dropped, in order of time: answers computed from older data must not be kept after it.
        self._dropped: OrderedDict[Hashable, float] = OrderedDict()
        self._cleared = 0.0
        self._trusted = False
        self._hits = 0
        self._misses = 0

    @property
    def size_bytes(self) -> int:
        """What the answers and their keys take."""
        return self._size

    def __len__(self) -> int:
        return len(self._entries)

    def figures(self) -> Sequence[Figure]:
        """Return what it tells about itself."""
        return (
            counter("kontor_cache_hits_total", "Calls that the response cache answered.", lambda: self._hits),
            counter(
                "kontor_cache_misses_total",
                "Calls that the response cache could have answered, had it held the answer.",
                lambda: self._misses,
            ),
            gauge("kontor_cache_answers", "Answers in the response cache.", lambda: len(self._entries)),
            gauge("kontor_cache_bytes", "What the answers in the response cache take.", lambda: self._size),
        )

    def find(self, key: Key) -> bytes | None:
        """Return a kept answer."""
        entry = self._entries.get(key)
        if entry is None:
            self._misses += 1
            return None
        self._hits += 1
        self._entries.move_to_end(key)
        return entry.response

    async def answer(self, key: Key, compute: Compute) -> bytes:
        """Compute an answer and keep it; whoever asks for the same meanwhile waits for it.

        The work goes on when its first caller gives up, for the sake of the others. Raises what `compute` raises.
        """
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._compute(key, compute))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._finish(key, done))
        return await asyncio.shield(task)

    def trust(self) -> None:
        """Keep answers from now on: somebody follows the changes."""
        self._trusted = True

    def distrust(self) -> None:
        """Forget everything and keep nothing: changes may be missed."""
        self._trusted = False
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._keys_by_tag.clear()
        self._size = 0
        self._cleared = monotonic()

    def drop(self, tags: Collection[Hashable]) -> None:
        """Forget every answer that carries one of the tags."""
        now = monotonic()
        for tag in tags:
            self._dropped[tag] = now
            self._dropped.move_to_end(tag)
            for key in self._keys_by_tag.pop(tag, ()):
                self._remove(key)
        while self._dropped and now - next(iter(self._dropped.values())) > _REMEMBERED_SECONDS:
            self._dropped.popitem(last=False)

    async def _compute(self, key: Key, compute: Compute) -> bytes:
        started = monotonic()
        response, tags = await compute()
        if self._trusted and self._cleared < started and all(self._dropped.get(tag, 0.0) < started for tag in tags):
            self._keep(key, response, tags)
        return response

    def _finish(self, key: Key, done: asyncio.Task[bytes]) -> None:
        self._under_way.pop(key, None)
        if not done.cancelled():
            # Looked at, so that asyncio does not complain when every caller has given up.
            done.exception()

    def _keep(self, key: Key, response: bytes, tags: frozenset[Hashable]) -> None:
        size = len(key[1]) + len(response) + _OVERHEAD_BYTES + _TAG_BYTES * len(tags)
        if size > self._max_bytes:
            return
        self._remove(key)
        self._entries[key] = _Entry(response, tags, size)
        self._size += size
        for tag in tags:
            self._keys_by_tag.setdefault(tag, set()).add(key)
        while self._size > self._max_bytes:
            self._remove(next(iter(self._entries)))

    def _remove(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self._size -= entry.size
        for tag in entry.tags:
            keys = self._keys_by_tag.get(tag)
            if keys is not None:
                keys.discard(key)
                if not keys:
                    del self._keys_by_tag[tag]
