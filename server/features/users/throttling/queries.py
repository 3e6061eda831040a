"""The SQL of throttles."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    ARRAY,
    DateTime,
    Float,
    Integer,
    Interval,
    LargeBinary,
    and_,
    any_,
    bindparam,
    case,
    cast,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from server.db.batches import BatchDelete
from server.db.session import Database, ReadTx, WriteTx
from server.db.statement import Bound, Command, ScalarCommand, ScalarQuery
from server.db.words import number
from server.features.users.tables import LoginThrottles
from server.features.users.throttling.values import Throttle

_now = bindparam("now", type_=DateTime(timezone=True))
_next_count = case(
    (LoginThrottles.updated_time <= _now - bindparam("window", type_=Interval), number(1)),
    else_=LoginThrottles.failure_count + number(1),
)
_free = bindparam("free", type_=Integer)
_wait = func.least(
    bindparam("longest", type_=Interval),
    # The exponent stays where the product is still an interval.
    bindparam("first", type_=Interval).op("*", return_type=Interval())(
        func.power(cast(number(2), Float), func.least(_next_count - _free, number(30)))
    ),
)
# Counts and blocks in one statement, so that no two attempts read the same count. Returns nothing while blocked.
_COUNT_ATTEMPT = ScalarCommand(
    insert(LoginThrottles)
    .values(subject_hash=bindparam("subject_hash"), failure_count=number(1), blocked_until_time=_now, updated_time=_now)
    .on_conflict_do_update(
        index_elements=["subject_hash"],
        set_={
            "failure_count": _next_count,
            "blocked_until_time": case((_next_count >= _free, _now + _wait), else_=_now),
            "updated_time": _now,
        },
        where=LoginThrottles.blocked_until_time <= _now,
    )
    .returning(LoginThrottles.failure_count),
    int,
)
_FIND_BLOCKED_UNTIL: ScalarQuery[datetime | None] = ScalarQuery(
    select(func.max(LoginThrottles.blocked_until_time)).where(
        LoginThrottles.subject_hash == any_(bindparam("subject_hashes", type_=ARRAY(LargeBinary))),
        LoginThrottles.blocked_until_time > _now,
    )
)
_DELETE_THROTTLE = Command(delete(LoginThrottles).where(LoginThrottles.subject_hash == bindparam("subject_hash")))

_before = bindparam("before", type_=DateTime(timezone=True))
_DELETE_OVER = BatchDelete(
    LoginThrottles, and_(LoginThrottles.updated_time <= _before, LoginThrottles.blocked_until_time <= _before)
)


async def count_attempt(tx: WriteTx, throttle: Throttle, subject: bytes, *, now: datetime) -> bool:
    """Count an attempt; return False, and count nothing, when the subject has to wait."""
    count = await _COUNT_ATTEMPT.first(
        tx,
        subject_hash=subject,
        now=now,
        free=throttle.free,
        first=throttle.first,
        longest=throttle.longest,
        window=throttle.window,
    )
    return count is not None


async def find_blocked_until(tx: ReadTx, subject: bytes, *, now: datetime) -> datetime | None:
    """Return how long a subject has to wait; None when it need not."""
    return await _FIND_BLOCKED_UNTIL.one(tx, subject_hashes=[subject], now=now)


def finding_blocked_until(subjects: Sequence[bytes], *, now: datetime) -> Bound[datetime | None]:
    """Return the statement that finds how long the one of the subjects that waits longest has to wait."""
    return _FIND_BLOCKED_UNTIL.bind_one(subject_hashes=list(subjects), now=now)


async def delete_throttle(tx: WriteTx, subject: bytes) -> None:
    """Forget what a subject tried."""
    await _DELETE_THROTTLE.run(tx, subject_hash=subject)


async def delete_over(db: Database, *, before: datetime) -> None:
    """Delete what was tried long ago; each batch in a transaction of its own."""
    await _DELETE_OVER.run(db, before=before)
