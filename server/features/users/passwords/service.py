"""Hashing passwords off the event loop."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import argon2
import bcrypt

from server.features.users.errors import TooManyPasswords
from server.features.users.rules import normalize_password

# OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
_MEMORY_KIB: Final = 19_456
_PASSES: Final = 2
_LANES: Final = 1
# A hash takes some 20 ms; whoever would wait behind so many is better told to come back.
_MOST_WAITING: Final = 200
_BCRYPT_PREFIXES: Final = ("$2a$", "$2b$", "$2x$", "$2y$")
# bcrypt never looked further, and the library now refuses longer ones.
_BCRYPT_BYTES: Final = 72

_LOWEST_PRIORITY: Final = 19

T = TypeVar("T")


def _step_back() -> None:
    """Let everything else on the machine go before this thread.

    Beside 200 logins at once, reads took 0.7 s (p99) when hashing competed with the event loops as an equal.
    """
    # Linux alone has a priority for each thread; elsewhere it is the whole process's, which has to answer others.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)


class PasswordHasher:
    """Makes and checks hashes, as many at a time as there are cores: argon2 and bcrypt release the interpreter lock."""

    def __init__(self, *, threads: int | None = None) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)
        self._threads = ThreadPoolExecutor(
            threads or os.cpu_count() or 1, thread_name_prefix="password", initializer=_step_back
        )
        self._waiting = 0
        # Someone without an account is checked against it, so that it takes as long as for someone with one.
        self._nobody = self._argon2.hash(os.urandom(16).hex())
        self.hash_count = 0
        self.verify_count = 0

    async def hash(self, password: str) -> str:
        """Hash a password. Raises TooManyPasswords when too many wait."""
        self.hash_count += 1
        return await self._run(self._hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether a password belongs to a hash; no hash takes as long as a wrong password.

        Raises TooManyPasswords when too many wait.
        """
        self.verify_count += 1
        matches = await self._run(self._verify, stored or self._nobody, password)
        return matches and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Tell whether a hash was made elsewhere, or with parameters of another time."""
        return stored.startswith(_BCRYPT_PREFIXES) or self._argon2.check_needs_rehash(stored)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., T], *args: str) -> T:
        if self._waiting >= _MOST_WAITING:
            raise TooManyPasswords
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        finally:
            self._waiting -= 1

    def _hash(self, password: str) -> str:
        return self._argon2.hash(normalize_password(password))

    def _verify(self, stored: str, password: str) -> bool:
        if stored.startswith(_BCRYPT_PREFIXES):
            return bcrypt.checkpw(password.encode()[:_BCRYPT_BYTES], stored.encode())
        try:
            return self._argon2.verify(stored, normalize_password(password))
        except argon2.exceptions.VerifyMismatchError:
            return False
