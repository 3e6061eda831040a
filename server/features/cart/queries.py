"""Carts as such: whose they are, and opening, touching, locking and closing them.

Every change of an owner's cart is a bound statement, to be run with `load_queries.loading_cart` by `together`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Generic, TypeVar

from sqlalchemy import ColumnElement, DateTime, Uuid, and_, bindparam, cast, exists, select, update
from sqlalchemy.dialects.postgresql import CHAR, insert
from sqlalchemy.sql.base import Executable

from server.db.rows import columns_of
from server.db.session import ReadTx, WriteTx
from server.db.statement import Bound, Command, ScalarQuery
from server.db.words import word
from server.features.cart.rules import LIFETIME
from server.features.cart.tables import CartItems, Carts
from server.features.cart.values import CartRow, CartStatus, Owner
from server.features.users.tables import Users
from server.kernel.ids import CART, CartId, UserId

S = TypeVar("S")

NOW = bindparam("now", type_=DateTime(timezone=True))
TOUCHED: Final[dict[str, ColumnElement[datetime]]] = {
    "updated_time": NOW,
    "expires_time": bindparam("expires_time", type_=DateTime(timezone=True)),
}
CART_COLUMNS: Final = columns_of(CartRow, Carts)
IS_OPEN: Final = Carts.status == word(CartStatus.OPEN)

_CURRENCY = bindparam("currency", type_=CHAR(3))


class ForOwner(Generic[S]):
    """A statement about the open cart of an owner, whom `owner_id` names: one for users and one for guests."""

    __slots__ = ("_guest", "_user")

    def __init__(self, make: Callable[[ColumnElement[bool]], S]) -> None:
        """Take what makes the statement of the condition that the cart is the owner's and open."""
        owner_id = bindparam("owner_id", type_=Uuid())
        self._user = make(and_(Carts.user_id == owner_id, IS_OPEN))
        self._guest = make(and_(Carts.id == owner_id, Carts.user_id.is_(None), IS_OPEN))

    def of(self, owner: Owner) -> S:
        """Return the one for this owner."""
        return self._guest if owner.user_id is None else self._user


def _open_user_cart() -> Executable:
    """Find or make the user's open cart, and lock it: the unique index decides between two that make it at once."""
    columns = ["id", "user_id", "currency", "email", "created_time", "updated_time", "expires_time"]
    values = select(
        bindparam("new_id", type_=Uuid()), Users.id, cast(_CURRENCY, CHAR(3)), Users.email, NOW, *TOUCHED.values()
    )
    new = insert(Carts).from_select(columns, values.where(Users.id == bindparam("user_id", type_=Uuid())))
    return new.on_conflict_do_update(index_elements=["user_id"], index_where=IS_OPEN, set_=TOUCHED).returning(
        *CART_COLUMNS
    )


def _open_guest_cart() -> Executable:
    new = insert(Carts).values(id=bindparam("cart_id", type_=Uuid()), currency=_CURRENCY, created_time=NOW, **TOUCHED)
    return new.on_conflict_do_update(
        index_elements=["id"], set_=TOUCHED, where=and_(IS_OPEN, Carts.user_id.is_(None))
    ).returning(*CART_COLUMNS)


def _touch(owned: ColumnElement[bool]) -> Executable:
    return update(Carts).where(owned).values(TOUCHED).returning(*CART_COLUMNS)


def _lock(owned: ColumnElement[bool]) -> Executable:
    return select(*CART_COLUMNS).where(owned).with_for_update(of=Carts, key_share=True)


def _adopt_currency(owned: ColumnElement[bool]) -> Executable:
    empty = ~exists(select(CartItems.id).where(CartItems.cart_id == Carts.id).correlate(Carts))
    other = Carts.currency != cast(_CURRENCY, CHAR(3))
    return update(Carts).where(owned, other, empty).values(currency=_CURRENCY).returning(*CART_COLUMNS)


_OPEN_USER_CART = Command(_open_user_cart(), CartRow)
_OPEN_GUEST_CART = Command(_open_guest_cart(), CartRow)
_TOUCH = ForOwner(lambda owned: Command(_touch(owned), CartRow))
_LOCK = ForOwner(lambda owned: Command(_lock(owned), CartRow))
_ADOPT_CURRENCY = ForOwner(lambda owned: Command(_adopt_currency(owned), CartRow))
_CLOSE = Command(
    update(Carts)
    .where(Carts.id == bindparam("cart_id"), IS_OPEN)
    .values(status=word(CartStatus.ORDERED), updated_time=NOW)
)
_GUEST_STATUS = ScalarQuery(select(Carts.status).where(Carts.id == bindparam("cart_id"), Carts.user_id.is_(None)), str)
_USER_EMAIL = ScalarQuery(select(Users.email).where(Users.id == bindparam("user_id")), str)


async def open_user_cart(tx: WriteTx, user_id: UserId, *, currency: str, now: datetime) -> CartRow:
    """Lock a user's open cart, having made it in this currency when there was none."""
    return await _OPEN_USER_CART.one(
        tx, new_id=CART.new(), user_id=user_id, currency=currency, now=now, expires_time=now + LIFETIME
    )


def opening_cart(owner: Owner, *, currency: str, now: datetime) -> Bound[CartRow | None]:
    """Return the statement that locks an owner's open cart, having made it in this currency when there was none.

    Its result is None for a guest whose cart is closed.
    """
    if owner.user_id is None:
        return _OPEN_GUEST_CART.bind_first(
            cart_id=owner.cart_id, currency=currency, now=now, expires_time=now + LIFETIME
        )
    return _OPEN_USER_CART.bind_first(
        new_id=CART.new(), user_id=owner.user_id, currency=currency, now=now, expires_time=now + LIFETIME
    )


def touching_cart(owner: Owner, *, now: datetime) -> Bound[CartRow | None]:
    """Return the statement that locks an owner's open cart and keeps it for longer."""
    return _TOUCH.of(owner).bind_first(owner_id=owner.id, now=now, expires_time=now + LIFETIME)


def locking_cart(owner: Owner) -> Bound[CartRow | None]:
    """Return the statement that locks an owner's open cart."""
    return _LOCK.of(owner).bind_first(owner_id=owner.id)


async def adopt_currency(tx: WriteTx, owner: Owner, *, currency: str) -> bool:
    """Give an empty cart another currency, that of what comes in; return whether that was done."""
    return await _ADOPT_CURRENCY.of(owner).first(tx, owner_id=owner.id, currency=currency) is not None


def adopting_currency(owner: Owner, *, currency: str) -> Bound[object]:
    """Return the statement of `adopt_currency`.

    It is one of its own: it has to see what was put in by whoever held the cart until now.
    """
    return _ADOPT_CURRENCY.of(owner).bind(owner_id=owner.id, currency=currency)


async def close_cart(tx: WriteTx, cart_id: CartId, *, now: datetime) -> bool:
    """Mark a cart as ordered; return whether it was open."""
    return await _CLOSE.run(tx, cart_id=cart_id, now=now) > 0


async def find_guest_status(tx: ReadTx, cart_id: CartId) -> CartStatus | None:
    """Return what became of a guest's cart."""
    status = await _GUEST_STATUS.first(tx, cart_id=cart_id)
    return None if status is None else CartStatus(status)


async def find_user_email(tx: ReadTx, user_id: UserId) -> str | None:
    """Return the address of an account."""
    return await _USER_EMAIL.first(tx, user_id=user_id)
