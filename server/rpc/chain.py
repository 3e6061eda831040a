"""The steps between the wire and a servicer, composed once per method when the server starts.

request id → errors → authenticate → authorise → parse → validate → idempotency → servicer → serialize. Requests and
answers pass gRPC as bytes, so that hot reads can be answered from the cache without making a message.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Hashable, Mapping
from time import perf_counter
from typing import Any, Final, NamedTuple

import grpc
import psycopg
import structlog
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from kontor.options.v1 import policy_pb2
from psycopg.errors import DeadlockDetected, SerializationFailure

from server.db.idempotency import NO_CLAIM, Claim, KeyClaim, Replay, store_response
from server.db.session import Database
from server.kernel.actor import ANONYMOUS, Actor
from server.kernel.clock import Clock
from server.kernel.errors import AppError, InvalidArgument
from server.rpc import telemetry
from server.rpc.auth import Authenticator
from server.rpc.cache import ResponseCache
from server.rpc.call import Call
from server.rpc.claims import claim_of
from server.rpc.errors import Refusal, connection_lost, database_away, describe, describe_unexpected, unfit_value
from server.rpc.policy import Policy, authorise, permitted_roles, read_policy
from server.rpc.validate import refuse_nul, validate

_log = structlog.get_logger(__name__)

# Before each further attempt after a serialization failure or a deadlock; the real pause is a random part of it.
_RETRY_PAUSES_SECONDS: Final = (0.02, 0.08, 0.32)

# After a restart of PostgreSQL the pool hands out connections that are dead. A read tries so many of them.
_LOST_CONNECTIONS: Final = 3

# Headers that tell who calls.
CREDENTIALS: Final = frozenset({"authorization", "x-cart-token"})

Context = grpc.aio.ServicerContext[Any, Any]
Implementation = Callable[[Any, Call], Awaitable[Message]]
Handler = Callable[[bytes, Context], Awaitable[bytes]]
Work = Callable[[bytes, Call], Awaitable[bytes]]


class Service(NamedTuple):
    """A service of the contract and the object that has a method for each of its RPCs."""

    descriptor: ServiceDescriptor
    servicer: object


class Endpoint(NamedTuple):
    """What answers the calls of a method, and those of callers without credentials."""

    handle: Handler
    handle_anonymous: Handler


class ServicerIncomplete(Exception):
    """A servicer lacks an RPC of its contract."""


class ContractBroken(Exception):
    """A servicer did not do what the policy of its RPC promises to callers."""


class Chain:
    """Composes the steps of every method."""

    def __init__(
        self, *, db: Database, authenticator: Authenticator, clock: Clock, cache: ResponseCache | None = None
    ) -> None:
        """Without a cache every read runs its statements."""
        self._db = db
        self._authenticator = authenticator
        self._clock = clock
        self._cache = cache

    def compose(self, service: Service) -> dict[str, Endpoint]:
        """Return an endpoint for each method path of a service.

        Raises PolicyMissing, PolicyBroken or ServicerIncomplete: a server with a hole in its contract does not start.
        """
        return {path_of(method): self._compose(method, service.servicer) for method in service.descriptor.methods}

    def _compose(self, method: MethodDescriptor, servicer: object) -> Endpoint:
        policy = read_policy(method)
        path = path_of(method)
        roles, permission = permitted_roles(policy), policy.permission
        work = self._work(method, servicer, policy)
        authenticate = self._authenticator.authenticate
        if policy.access == policy_pb2.ACCESS_SIGNED:
            # A provider's own headers are none of our credentials.
            authenticate = _nobody

        cache = self._cache if policy.cacheable else None

        async def answer(raw: bytes, call: Call) -> bytes:
            if cache is None or call.actor is not ANONYMOUS:
                return await work(raw, call)

            async def compute() -> tuple[bytes, frozenset[Hashable]]:
                return await work(raw, call), _tags(call, path)

            return await cache.answer((path, raw), compute)

        async def handle(raw: bytes, context: Context) -> bytes:
            started = perf_counter()
            headers: dict[str, Any] = dict(context.invocation_metadata() or ())
            request_id = telemetry.request_id(headers.get("x-request-id"))
            actor = ANONYMOUS
            try:
                actor = authenticate(headers)
                if roles is not None:
                    authorise(actor, roles, permission)
                call = Call(
                    actor=actor,
                    permission=permission,
                    request_id=request_id,
                    claim=NO_CLAIM,
                    headers=headers,
                    peer=context.peer(),
                )
                response = await answer(raw, call)
                await _send_headers(context, call)
            except asyncio.CancelledError:
                # The caller went away or its deadline passed; gRPC has already told it.
                telemetry.log_refusal(
                    path, request_id=request_id, actor=actor, started=started, code="CANCELLED", reason="CANCELLED"
                )
                raise
            except Exception as error:  # The one place where whatever went wrong becomes a status.
                refusal = _refuse(error, path=path, request_id=request_id, actor=actor, started=started)
            else:
                telemetry.log_success(
                    path, request_id=request_id, actor=actor, started=started, read_only=policy.read_only
                )
                return response
            await context.abort(refusal.code, refusal.message, refusal.trailers)
            raise AssertionError("abort returned")

        return Endpoint(handle, handle if cache is None else _from_cache(cache, path, handle))

    def _work(self, method: MethodDescriptor, servicer: object, policy: Policy) -> Work:
        """Compose parsing, validation, idempotency and the servicer's method."""
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
            claim = claim_of(request, call, clock=self._clock, path=path, required=policy.key_required)
            call.claim = claim
            try:
                response = (await _retrying(implementation, request, call)).SerializeToString()
            except Replay as replay:
                return replay.response
            if _taken(claim, path) and not policy.fresh_replay:
                await self._store(claim, response)
            return response

        if policy.takes_key:
            return write_once
        return read if policy.read_only else write

    async def _store(self, claim: Claim, response: bytes) -> None:
        if not isinstance(claim, KeyClaim):
            return
        try:
            await store_response(self._db, claim, response)
        except psycopg.Error as error:
            # The work is done and committed. Whoever repeats the call gets the present state in place of this answer.
            _log.warning("idempotency.response_not_stored", method=claim.method, error=str(error))


def path_of(method: MethodDescriptor) -> str:
    """Return the path of a method on the wire."""
    return f"/{method.containing_service.full_name}/{method.name}"


async def _retrying(implementation: Implementation, request: Message, call: Call) -> Message:
    """Run a use case again when PostgreSQL gave up its transaction for another one's sake."""
    for pause in _RETRY_PAUSES_SECONDS:
        try:
            return await implementation(request, call)
        except (SerializationFailure, DeadlockDetected):
            await asyncio.sleep(pause * random.random())  # noqa: S311  # It spreads the attempts; nothing is secret.
    return await implementation(request, call)


def _from_cache(cache: ResponseCache, path: str, handle: Handler) -> Handler:
    """Answer anonymous callers with kept bytes before anything else is done; `handle` does the rest."""

    async def find_or_handle(raw: bytes, context: Context) -> bytes:
        kept = cache.find((path, raw))
        return await handle(raw, context) if kept is None else kept

    return find_or_handle


async def _send_headers(context: Context, call: Call) -> None:
    # In the trailers: headers sent apart from the answer cost a fifth of a fast read. Envoy gives REST callers the id
    # as a header.
    context.set_trailing_metadata((("x-request-id", call.id),))
    if call.response_headers is not None:
        await context.send_initial_metadata(tuple(call.response_headers.items()))


def _refuse(error: Exception, *, path: str, request_id: str, actor: Actor, started: float) -> Refusal:
    away = database_away(error)
    if away is not None:
        _log.warning("database.away", method=path, request_id=request_id, error=repr(error))
        error = away
    elif isinstance(error, psycopg.DataError):
        telemetry.log_unfit_value(path, request_id=request_id, error=error)
        error = unfit_value()
    if isinstance(error, AppError):
        refusal = describe(error, request_id)
        level = logging.INFO
    else:
        telemetry.log_failure(path, request_id=request_id, actor=actor, error=error)
        refusal = describe_unexpected(request_id)
        level = logging.ERROR
    telemetry.log_refusal(
        path,
        request_id=request_id,
        actor=actor,
        started=started,
        code=refusal.code.name,
        reason=refusal.reason,
        level=level,
    )
    return refusal


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


def _tags(call: Call, path: str) -> frozenset[Hashable]:
    """Return what has to change for an answer to be wrong. Raises ContractBroken: without tags it would never be."""
    if not call.cache_tags:
        raise ContractBroken(f"{path} is cacheable, and its servicer set no cache tags")
    return call.cache_tags


def _taken(claim: Claim, path: str) -> bool:
    """Whether this call did the work of its key. Raises ContractBroken when the use case never asked."""
    if not isinstance(claim, KeyClaim):
        return False
    if not claim.asked:
        raise ContractBroken(f"{path} takes an idempotency key, and its use case never claimed it")
    return claim.taken


def _nobody(headers: Mapping[str, str]) -> Actor:
    return ANONYMOUS
