"""The steps between the wire and a servicer, composed once per method when the server starts.

request id → errors → authenticate → count → authorise → parse → validate → idempotency → servicer → serialize. Requests
and answers pass gRPC as bytes, so that hot reads can be answered from the cache without making a message.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from time import perf_counter
from typing import Any, Final, NamedTuple

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from kontor.options.v1 import policy_pb2

from server.db.idempotency import NO_CLAIM
from server.db.session import Database
from server.kernel.actor import ANONYMOUS, Actor
from server.kernel.clock import Clock
from server.kernel.errors import AppError
from server.metrics.meters import Timings, call_timings
from server.rpc import telemetry
from server.rpc.auth import Authenticator
from server.rpc.cache import ResponseCache
from server.rpc.call import Call
from server.rpc.errors import texts_for
from server.rpc.policy import Policy, authorise, permitted_roles, read_policy
from server.rpc.rates import BY_CART, Counter, Rates, caller_of
from server.rpc.refusal import refuse
from server.rpc.work import ContractBroken, Work, compose_work, path_of
from server.texts.languages import FALLBACK

# Headers that tell who calls.
CREDENTIALS: Final = frozenset({"authorization", "x-cart-token"})

Context = grpc.aio.ServicerContext[Any, Any]
Handler = Callable[[bytes, Context], Awaitable[bytes]]


class Service(NamedTuple):
    """A service of the contract and the object that has a method for each of its RPCs."""

    descriptor: ServiceDescriptor
    servicer: object


class Endpoint(NamedTuple):
    """What answers the calls of a method, and those of callers without credentials."""

    handle: Handler
    handle_anonymous: Handler


class Chain:
    """Composes the steps of every method."""

    def __init__(
        self,
        *,
        db: Database,
        authenticator: Authenticator,
        clock: Clock,
        cache: ResponseCache | None = None,
        shop_language: str = FALLBACK,
        rates: Rates | None = None,
        calls: Timings | None = None,
    ) -> None:
        """Without a cache every read runs its statements; without rates everybody may call as often as they like.

        `calls` is where calls are counted.
        """
        self._db = db
        self._authenticator = authenticator
        self._clock = clock
        self._cache = cache
        self._shop_language = shop_language
        self._rates = rates
        self._calls = calls or call_timings()

    def compose(self, service: Service) -> dict[str, Endpoint]:
        """Return an endpoint for each method path of a service.

        Raises PolicyMissing, PolicyBroken or ServicerIncomplete: a server with a hole in its contract does not start.
        """
        return {path_of(method): self._compose(method, service.servicer) for method in service.descriptor.methods}

    def _compose(self, method: MethodDescriptor, servicer: object) -> Endpoint:
        policy, path = read_policy(method), path_of(method)
        work = compose_work(method, servicer, policy, db=self._db, clock=self._clock)
        cache = self._cache if policy.cacheable else None
        handle = _Method(
            path,
            policy,
            # A provider's own headers are none of our credentials.
            authenticate=_nobody if policy.access == policy_pb2.ACCESS_SIGNED else self._authenticator.authenticate,
            counter=None if self._rates is None else self._rates.counter(policy.rate_class),
            work=work if cache is None else _keeping(cache, path, work),
            calls=self._calls,
            shop_language=self._shop_language,
        ).handle
        return Endpoint(handle, handle if cache is None else _from_cache(cache, path, handle))


class _Method:
    """One method, composed: what each of its calls goes through."""

    __slots__ = (
        "_authenticate",
        "_by_cart",
        "_calls",
        "_count",
        "_path",
        "_permission",
        "_read_only",
        "_roles",
        "_shop_language",
        "_succeeded",
        "_work",
    )

    def __init__(
        self,
        path: str,
        policy: Policy,
        *,
        authenticate: Callable[[Mapping[str, str]], Actor],
        counter: Counter | None,
        work: Work,
        calls: Timings,
        shop_language: str,
    ) -> None:
        self._path = path
        self._roles, self._permission = permitted_roles(policy), policy.permission
        self._read_only = policy.read_only
        self._authenticate = authenticate
        self._count, self._by_cart = None if counter is None else counter.count, policy.rate_class in BY_CART
        self._work = work
        self._calls = calls
        self._shop_language = shop_language
        self._succeeded = calls.of(path, "OK").observe

    async def handle(self, raw: bytes, context: Context) -> bytes:
        """Answer a call, or refuse it."""
        started = perf_counter()
        headers: dict[str, Any] = dict(context.invocation_metadata() or ())
        request_id = telemetry.request_id(headers.get("x-request-id"))
        actor = ANONYMOUS
        try:
            try:
                actor = self._authenticate(headers)
            except AppError:
                # Forged credentials cost a look at their signature: they are counted too, by their address.
                await self._enter(self._call(ANONYMOUS, request_id, headers, context), started)
                raise
            call = self._call(actor, request_id, headers, context)
            await self._enter(call, started)
            if self._roles is not None:
                authorise(actor, self._roles, self._permission)
            response = await self._work(raw, call)
            await _send_headers(context, call)
        except asyncio.CancelledError:
            # The caller went away or its deadline passed; gRPC has already told it.
            self._note_cancelled(request_id, actor, perf_counter() - started)
            raise
        except Exception as error:  # The one place where whatever went wrong becomes a status.
            seconds = perf_counter() - started
            texts = texts_for(headers, self._shop_language)
            refusal = refuse(error, path=self._path, request_id=request_id, actor=actor, seconds=seconds, texts=texts)
            self._calls.of(self._path, refusal.code.name).observe(seconds)
        else:
            seconds = perf_counter() - started
            self._succeeded(seconds)
            telemetry.log_success(
                self._path, request_id=request_id, actor=actor, seconds=seconds, read_only=self._read_only
            )
            return response
        await context.abort(refusal.code, refusal.message, refusal.trailers)
        raise AssertionError("abort returned")

    def _call(self, actor: Actor, request_id: str, headers: dict[str, Any], context: Context) -> Call:
        return Call(
            actor=actor,
            permission=self._permission,
            request_id=request_id,
            claim=NO_CLAIM,
            headers=headers,
            peer=context.peer(),
        )

    async def _enter(self, call: Call, now: float) -> None:
        """Count the call. Raises RateLimited."""
        if self._count is not None:
            await self._count(caller_of(call, by_cart=self._by_cart), now)

    def _note_cancelled(self, request_id: str, actor: Actor, seconds: float) -> None:
        self._calls.of(self._path, "CANCELLED").observe(seconds)
        telemetry.log_refusal(
            self._path, request_id=request_id, actor=actor, seconds=seconds, code="CANCELLED", reason="CANCELLED"
        )


def _from_cache(cache: ResponseCache, path: str, handle: Handler) -> Handler:
    """Answer anonymous callers with kept bytes before anything else is done; `handle` does the rest.

    Such answers are not counted against a limit: they cost less than the counting, and Envoy bounds how many come.
    """

    async def find_or_handle(raw: bytes, context: Context) -> bytes:
        kept = cache.find((path, raw))
        return await handle(raw, context) if kept is None else kept

    return find_or_handle


def _keeping(cache: ResponseCache, path: str, work: Work) -> Work:
    """Keep what anonymous callers are answered. One of them does the work; who asks for the same waits for it."""

    async def answer(raw: bytes, call: Call) -> bytes:
        if call.actor is not ANONYMOUS:
            return await work(raw, call)

        async def compute() -> tuple[bytes, frozenset[Hashable]]:
            return await work(raw, call), _tags(call, path)

        return await cache.answer((path, raw), compute)

    return answer


async def _send_headers(context: Context, call: Call) -> None:
    # In the trailers: headers sent apart from the answer cost a fifth of a fast read. Envoy gives REST callers the id
    # as a header.
    context.set_trailing_metadata((("x-request-id", call.id),))
    if call.response_headers is not None:
        await context.send_initial_metadata(tuple(call.response_headers.items()))


def _tags(call: Call, path: str) -> frozenset[Hashable]:
    """Return what has to change for an answer to be wrong. Raises ContractBroken: without tags it would never be."""
    if not call.cache_tags:
        raise ContractBroken(f"{path} is cacheable, and its servicer set no cache tags")
    return call.cache_tags


def _nobody(headers: Mapping[str, str]) -> Actor:
    return ANONYMOUS
