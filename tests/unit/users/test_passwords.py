"""Hashing off the loop."""

import asyncio
from collections.abc import Iterator

import pytest

from server.features.users.errors import TooManyPasswords
from server.features.users.passwords.service import PasswordHasher


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    made = PasswordHasher(threads=1)
    yield made
    made.close()


async def test_the_loop_runs_on_while_a_password_is_hashed(hasher: PasswordHasher) -> None:
    hashing = asyncio.create_task(hasher.hash("violet harbour 93 teapot"))
    turns = 0

    while not hashing.done():
        turns += 1
        await asyncio.sleep(0)

    assert turns > 10


async def test_nobody_has_no_password(hasher: PasswordHasher) -> None:
    assert not await hasher.verify(None, "violet harbour 93 teapot")
    assert not await hasher.verify("", "violet harbour 93 teapot")


async def test_refuses_when_too_many_wait(hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.features.users.passwords.service._MOST_WAITING", 2)

    results = await asyncio.gather(*(hasher.hash("violet harbour 93") for _ in range(3)), return_exceptions=True)

    assert [type(result) for result in results] == [str, str, TooManyPasswords]
    assert await hasher.hash("violet harbour 93")
