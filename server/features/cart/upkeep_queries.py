"""Carts that are over: deleting them, or emptying them where their rows have to stay."""

from datetime import datetime

from sqlalchemy import DateTime, Integer, and_, bindparam, delete, null, or_, select, update
from sqlalchemy.sql.base import Executable

from server.db.batches import BatchDelete
from server.db.personal_data import forgotten_by
from server.db.session import Database, WriteTx
from server.db.statement import Command
from server.db.words import word, words
from server.features.cart.queries import IS_OPEN, NOW
from server.features.cart.tables import CartItems, Carts
from server.features.cart.values import CartStatus

_BEFORE = bindparam("before", type_=DateTime(timezone=True))
# As the index on them says it.
_IS_CLOSED = Carts.status.in_(words(CartStatus.ORDERED, CartStatus.MERGED))


def _forget_ordered() -> Executable:
    some = (
        select(Carts.id)
        .where(
            _IS_CLOSED,
            Carts.status == word(CartStatus.ORDERED),
            Carts.user_id.is_(None),
            Carts.updated_time <= _BEFORE,
        )
        .limit(bindparam("batch_rows", type_=Integer()))
        .with_for_update(skip_locked=True)
        .cte("some")
    )
    emptied = delete(CartItems).where(CartItems.cart_id.in_(select(some.c.id))).cte("emptied")
    columns = [Carts.__table__.c[name] for name in forgotten_by("cart.forget_closed", "carts")]
    nothing = {column.name: null() if column.nullable else word("") for column in columns}
    return (
        update(Carts)
        .where(Carts.id.in_(select(some.c.id)))
        .values(status=word(CartStatus.FORGOTTEN), shipping_method_id=null(), **nothing)
        .add_cte(emptied)
    )


_DELETE_EXPIRED = BatchDelete(Carts, and_(IS_OPEN, Carts.expires_time <= NOW))
# A user's ordered carts and all merged ones: no order can ever be made of them again.
_DELETE_CLOSED = BatchDelete(
    Carts,
    and_(
        _IS_CLOSED,
        Carts.updated_time <= _BEFORE,
        or_(Carts.user_id.is_not(None), Carts.status == word(CartStatus.MERGED)),
    ),
)
_FORGET_ORDERED = Command(_forget_ordered())


async def delete_expired(db: Database, *, now: datetime) -> int:
    """Delete the open carts that were not kept for longer, a batch in a transaction; return how many."""
    return await _DELETE_EXPIRED.run(db, now=now)


async def delete_closed(db: Database, *, before: datetime) -> int:
    """Delete closed carts that nobody can use again, a batch in a transaction; return how many."""
    return await _DELETE_CLOSED.run(db, before=before)


async def forget_ordered(tx: WriteTx, *, before: datetime, batch_rows: int) -> int:
    """Empty some guests' carts that were ordered long ago; return how many. Their rows stay, see `tables.Carts`."""
    return await _FORGET_ORDERED.run(tx, before=before, batch_rows=batch_rows)
