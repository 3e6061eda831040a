"""Idempotency keys: a call that is repeated with its key is done once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import Uuid, bindparam, case, literal_column, update
from sqlalchemy.dialects.postgresql import insert

from server.db.batches import BatchDelete
from server.db.session import Database, WriteTx
from server.db.statement import Command
from server.db.tables import IdempotencyKeys
from server.kernel.clock import Clock
from server.kernel.errors import InvalidArgument

KEPT_FOR: Final = timedelta(hours=24)
MAX_KEY_LENGTH: Final = 128


class IdempotencyKeyReused(InvalidArgument):
    """The key came before with another request."""

    reason = "IDEMPOTENCY_KEY_REUSED"


class Replay(Exception):
    """The call was answered before, with `response`; no error: it carries the answer past the handler to the chain."""

    def __init__(self, response: bytes) -> None:
        super().__init__("the stored first answer")
        self.response = response


class Claim(Protocol):
    """The right to do a call's work once."""

    async def take(self, tx: WriteTx, resource_id: UUID) -> UUID | None:
        """Claim the key for the resource that this call is about to make or change; the transaction's first statement.

        None: go on. A UUID: an earlier attempt already did the work on that resource; return its present state.
        A twin that runs at the same time waits here until the first has committed or given up.
        Raises IdempotencyKeyReused when the key came with another request.
        """
        ...


class _NoClaim:
    async def take(self, tx: WriteTx, resource_id: UUID) -> UUID | None:
        """Go on: there is no key."""
        return None


NO_CLAIM: Final[Claim] = _NoClaim()


@dataclass(frozen=True, slots=True)
class _Earlier:
    resource_id: UUID | None
    request_hash: bytes | None
    response: bytes | None
    expires_time: datetime | None


_columns = IdempotencyKeys.__table__.c
_new = insert(IdempotencyKeys).values(
    scope=bindparam("scope"),
    method=bindparam("method"),
    key=bindparam("key"),
    request_hash=bindparam("request_hash"),
    resource_id=bindparam("resource_id"),
    created_time=bindparam("now"),
    expires_time=bindparam("expires_time"),
)
_expired = _columns.expires_time <= bindparam("now")
# A row that still holds is written over with itself: only so does one statement both wait for a twin and return it.
_CLAIM = Command(
    _new.on_conflict_do_update(
        index_elements=["scope", "method", "key"],
        set_={
            name: case((_expired, value), else_=_columns[name])
            for name, value in {
                "request_hash": _new.excluded.request_hash,
                "resource_id": _new.excluded.resource_id,
                "response": None,
                "created_time": _new.excluded.created_time,
                "expires_time": _new.excluded.expires_time,
            }.items()
        },
    ).returning(
        # PostgreSQL 18: the row as it was before; NULL when there was none.
        literal_column("old.resource_id", Uuid).label("resource_id"),
        literal_column("old.request_hash").label("request_hash"),
        literal_column("old.response").label("response"),
        literal_column("old.expires_time").label("expires_time"),
    ),
    _Earlier,
)
_STORE = Command(
    update(IdempotencyKeys)
    .values(response=bindparam("answer"))
    .where(
        _columns.scope == bindparam("of_scope"),
        _columns.method == bindparam("of_method"),
        _columns.key == bindparam("of_key"),
        _columns.request_hash == bindparam("of_request_hash"),
        _columns.response.is_(None),
    )
)
_EXPIRED = BatchDelete(IdempotencyKeys, _columns.expires_time <= bindparam("now"))


class KeyClaim:
    """A claim on one key; the chain makes one for each call that carries a key."""

    __slots__ = ("_clock", "asked", "key", "method", "request_hash", "scope", "taken")

    def __init__(self, clock: Clock, *, scope: str, method: str, key: str, request_hash: bytes) -> None:
        self._clock = clock
        self.scope = scope
        self.method = method
        self.key = key
        self.request_hash = request_hash
        # Whether the use case asked at all, and whether the work was its own to do.
        self.asked = False
        self.taken = False

    async def take(self, tx: WriteTx, resource_id: UUID) -> UUID | None:
        """Claim the key: see `Claim.take`."""
        self.asked = True
        now = self._clock.now()
        earlier = await _CLAIM.one(
            tx,
            scope=self.scope,
            method=self.method,
            key=self.key,
            request_hash=self.request_hash,
            resource_id=resource_id,
            now=now,
            expires_time=now + KEPT_FOR,
        )
        if earlier.expires_time is None or earlier.expires_time <= now:
            self.taken = True
            return None
        if earlier.request_hash != self.request_hash:
            raise IdempotencyKeyReused(
                "This idempotency key came before with another request; use a new key for a new request",
                metadata={"request_id": self.key},
            )
        if earlier.response is not None:
            raise Replay(earlier.response)
        return earlier.resource_id


async def store_response(db: Database, claim: KeyClaim, response: bytes) -> None:
    """Keep the first answer for whoever repeats the call."""
    async with db.write_single() as tx:
        await _STORE.run(
            tx,
            answer=response,
            of_scope=claim.scope,
            of_method=claim.method,
            of_key=claim.key,
            of_request_hash=claim.request_hash,
        )


async def delete_expired(db: Database, now: datetime) -> int:
    """Forget the keys whose time is over; return how many."""
    return await _EXPIRED.run(db, now=now)
