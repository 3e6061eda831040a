"""From the bytes of a request to those of its answer: parsing, validation, idempotency and the servicer's method."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final

import psycopg
import structlog
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from kontor.options.v1 import policy_pb2
from psycopg.errors import DeadlockDetected, SerializationFailure

from server.db.idempotency import Claim, KeyClaim, Replay, store_response
from server.db.session import Database
from server.kernel.clock import Clock
from server.kernel.errors import InvalidArgument
from server.rpc.call import Call
from server.rpc.claims import claim_of
from server.rpc.errors import connection_lost
from server.rpc.policy import Policy
from server.rpc.validate import refuse_nul, validate

_log = structlog.get_logger(__name__)

# Before each further attempt after a serialization failure or a deadlock; the real pause is a random part of it.
_RETRY_PAUSES_SECONDS: Final = (0.02, 0.08, 0.32)

# After a restart of PostgreSQL the pool hands out connections that are dead. A read tries so many of them.
_LOST_CONNECTIONS: Final = 3

Implementation = Callable[[Any, Call], Awaitable[Message]]
Work = Callable[[bytes, Call], Awaitable[bytes]]


class ServicerIncomplete(Exception):
    """A servicer lacks an RPC of its contract."""


class ContractBroken(Exception):
    """A servicer did not do what the policy of its RPC promises to callers."""


def path_of(method: MethodDescriptor) -> str:
    """Return the path of a method on the wire."""
    return f"/{method.containing_service.full_name}/{method.name}"


def compose_work(method: MethodDescriptor, servicer: object, policy: Policy, *, db: Database, clock: Clock) -> Work:
    """Return what answers a call that may be answered. Raises ServicerIncomplete."""
    implementation = _implementation(method, servicer)
    parse = _parser(method, policy)
    path = path_of(method)

    async def read(raw: bytes, call: Call) -> bytes:
        request = parse(raw)
        for _ in range(_LOST_CONNECTIONS):
            try:
                return (await implementation(request, call)).SerializeToString()
            except psycopg.OperationalError as error:
                if not connection_lost(error):
                    raise
        return (await implementation(request, call)).SerializeToString()

    async def write(raw: bytes, call: Call) -> bytes:
        request = parse(raw)
        return (await _retrying(implementation, request, call)).SerializeToString()

    async def write_once(raw: bytes, call: Call) -> bytes:
        request = parse(raw)
        claim = claim_of(request, call, clock=clock, path=path, required=policy.key_required)
        call.claim = claim
        try:
            response = (await _retrying(implementation, request, call)).SerializeToString()
        except Replay as replay:
            return replay.response
        if _taken(claim, path) and not policy.fresh_replay:
            await _store(db, claim, response)
        return response

    if policy.takes_key:
        return write_once
    return read if policy.read_only else write


async def _retrying(implementation: Implementation, request: Message, call: Call) -> Message:
    """Run a use case again when PostgreSQL gave up its transaction for another one's sake."""
    for pause in _RETRY_PAUSES_SECONDS:
        try:
            return await implementation(request, call)
        except (SerializationFailure, DeadlockDetected):
            await asyncio.sleep(pause * random.random())  # noqa: S311  # It spreads the attempts; nothing is secret.
    return await implementation(request, call)


async def _store(db: Database, claim: Claim, response: bytes) -> None:
    if not isinstance(claim, KeyClaim):
        return
    try:
        await store_response(db, claim, response)
    except psycopg.Error as error:
        # The work is done and committed. Whoever repeats the call gets the present state in place of this answer.
        _log.warning("idempotency.response_not_stored", method=claim.method, error=str(error))


def _implementation(method: MethodDescriptor, servicer: object) -> Implementation:
    implementation: Implementation | None = getattr(servicer, method.name, None)
    if implementation is None:
        raise ServicerIncomplete(f"{type(servicer).__name__} has no method {method.name} of {method.full_name}")
    return implementation


def _parser(method: MethodDescriptor, policy: Policy) -> Callable[[bytes], Message]:
    """Make what reads a request and refuses one that breaks a rule."""
    from_string = GetMessageClass(method.input_type).FromString
    name = method.input_type.full_name
    # What a provider signed is taken as it is: its handler verifies the very bytes.
    texts_only = policy.access != policy_pb2.ACCESS_SIGNED

    def parse(raw: bytes) -> Message:
        try:
            request = from_string(raw)
        except DecodeError:
            raise InvalidArgument(f"The request is not a {name}", metadata={"message": name}) from None
        validate(request, len(raw))
        # Few requests have the byte at all, so that most are not walked through.
        if texts_only and b"\0" in raw:
            refuse_nul(request)
        return request

    return parse


def _taken(claim: Claim, path: str) -> bool:
    """Whether this call did the work of its key. Raises ContractBroken when the use case never asked."""
    if not isinstance(claim, KeyClaim):
        return False
    if not claim.asked:
        raise ContractBroken(f"{path} takes an idempotency key, and its use case never claimed it")
    return claim.taken
