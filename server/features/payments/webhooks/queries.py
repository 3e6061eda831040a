"""The SQL of what providers sent."""

from datetime import datetime

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from server.db.rows import columns_of
from server.db.session import ReadTx, WriteTx
from server.db.statement import Bound, Command, Query, ScalarCommand, ScalarQuery
from server.features.payments.tables import ProviderEvents
from server.features.payments.values import Provider, ProviderEvent, ProviderEventRecord

_INSERT = ScalarCommand(
    insert(ProviderEvents)
    .values(
        provider=bindparam("provider"),
        event_id=bindparam("event_id"),
        type=bindparam("type"),
        payment_reference=bindparam("reference"),
        payload=bindparam("payload"),
        received_time=bindparam("now"),
        applied_time=bindparam("applied_time", type_=ProviderEvents.applied_time.type),
    )
    .on_conflict_do_nothing()
    .returning(ProviderEvents.event_id),
    str,
)
_this_event = and_(
    ProviderEvents.provider == bindparam("of_provider"), ProviderEvents.event_id == bindparam("of_event_id")
)
# As the partial index says it.
_kept = ProviderEvents.applied_time.is_(None)
_FIND = Query(select(*columns_of(ProviderEventRecord, ProviderEvents)).where(_this_event), ProviderEventRecord)
_MARK_APPLIED = Command(update(ProviderEvents).values(applied_time=bindparam("now")).where(_this_event, _kept))
_LIST_KEPT = ScalarQuery(
    select(ProviderEvents.event_id).where(
        ProviderEvents.provider == bindparam("provider"),
        ProviderEvents.payment_reference == bindparam("reference"),
        _kept,
    ),
    str,
)


async def insert_event(
    tx: WriteTx,
    provider: Provider,
    event: ProviderEvent,
    *,
    payload: bytes,
    now: datetime,
    applied_time: datetime | None,
) -> bool:
    """Store an event as it came; return whether it came for the first time."""
    stored = await _INSERT.first(
        tx,
        provider=provider,
        event_id=event.event_id,
        type=event.type,
        reference=event.payment_reference,
        payload=payload,
        now=now,
        applied_time=applied_time,
    )
    return stored is not None


async def find_event(tx: ReadTx, provider: Provider, event_id: str) -> ProviderEventRecord | None:
    """Return a stored event."""
    return await _FIND.first(tx, of_provider=provider, of_event_id=event_id)


async def mark_applied(tx: WriteTx, provider: Provider, event_id: str, *, now: datetime) -> None:
    """Store that an event is applied, unless that stands there already."""
    await _MARK_APPLIED.run(tx, of_provider=provider, of_event_id=event_id, now=now)


def listing_kept(provider: Provider, reference: str) -> Bound[list[str]]:
    """Return the statement that lists the events which came before anybody knew the payment that they speak of."""
    return _LIST_KEPT.bind(provider=provider, reference=reference)
