"""A server with the real chain, database and tokens, and a servicer that each test scripts."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
import pytest

from server.db.session import Database
from server.kernel.actor import NO_PERMISSIONS, Permission, Role
from server.kernel.ids import CartId, UserId
from server.metrics.meters import Timings, call_timings
from server.rpc.auth import AccessTokens, Authenticator, CartTokens, Revocations
from server.rpc.cache import ResponseCache
from server.rpc.chain import Chain, Service
from server.rpc.rates import Rates
from server.rpc.server import Server
from tests.rpc.chain.contract import DESCRIPTOR, SERVICE, EchoRequest, EchoResponse, EchoServicer
from tests.world.clock import ManualClock
from tests.world.people import Entrance
from tests.world.rpcs import Metadata


@dataclass
class Echo:
    """The client's side and the servicer's."""

    db: Database
    servicer: EchoServicer
    channel: grpc.aio.Channel
    clock: ManualClock
    revocations: Revocations
    entrance: Entrance
    cache: ResponseCache
    calls: Timings

    def call(self, method: str, *, headers: Metadata = (), raw: bytes | None = None, **fields: Any) -> Any:
        """Start a call; awaiting it gives the answer."""
        stub = self.channel.unary_unary(f"/{SERVICE}/{method}", None, response_deserializer=EchoResponse.FromString)
        payload = EchoRequest(**fields).SerializeToString() if raw is None else raw
        return stub(payload, metadata=headers, timeout=20)

    def user(
        self,
        role: Role = Role.CUSTOMER,
        *,
        user_id: UserId | None = None,
        permissions: Collection[Permission] = NO_PERMISSIONS,
    ) -> Metadata:
        """Sign somebody in."""
        return self.entrance.account(role, permissions, user_id=user_id).metadata

    def guest(self, cart_id: CartId) -> Metadata:
        """Come with a cart."""
        return self.entrance.guest(cart_id).metadata


@asynccontextmanager
async def open_echo(db: Database, signing_key: bytes, *, rates: Rates | None = None) -> AsyncIterator[Echo]:
    """Serve the echo contract."""
    clock = ManualClock()
    revocations = Revocations(clock, keep=timedelta(minutes=15))
    access_tokens = AccessTokens([signing_key], clock=clock, revocations=revocations)
    cart_tokens = CartTokens([b"s" * 32])
    servicer = EchoServicer()
    cache = ResponseCache(1_000_000)
    cache.trust()
    authenticator = Authenticator(access_tokens, cart_tokens)
    calls = call_timings()
    chain = Chain(db=db, authenticator=authenticator, clock=clock, cache=cache, rates=rates, calls=calls)
    server = Server(chain, [Service(DESCRIPTOR, servicer)], "127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        entrance = Entrance(channel, access_tokens, cart_tokens)
        yield Echo(db, servicer, channel, clock, revocations, entrance, cache, calls)
    await server.stop(0)


@pytest.fixture
async def echo(db: Database, signing_key: bytes) -> AsyncIterator[Echo]:
    async with open_echo(db, signing_key) as running:
        yield running
