"""Where a cart goes and how: email, addresses, shipping methods."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Uuid, and_, any_, bindparam, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import CHAR, JSONB
from sqlalchemy.sql.base import Executable

from server.db.rows import columns_of
from server.db.session import ReadTx
from server.db.statement import Bound, Command, Query
from server.db.words import FALSE, number, word
from server.features.cart.queries import CART_COLUMNS, TOUCHED, ForOwner
from server.features.cart.rules import LIFETIME
from server.features.cart.tables import Carts
from server.features.cart.values import Address, CartRow, MethodFacts, Owner
from server.features.pricing.tables import ShippingMethods, ShippingPrices
from server.features.pricing.values import ShippingMethod
from server.kernel.ids import ShippingMethodId

# So many ways to send a parcel are shown at most.
_MAX_METHODS = 100

# A shipping method with its price, which `offered_in` joins.
METHOD_COLUMNS = columns_of(
    ShippingMethod,
    ShippingMethods,
    amount_minor=ShippingPrices.amount_minor,
    free_from_amount_minor=ShippingPrices.free_from_amount_minor,
)
ADDRESS_COUNTRY = cast(Carts.shipping_address[word("region_code")].astext, CHAR(2))
_COUNTRY = cast(bindparam("country", type_=CHAR(2)), CHAR(2))


def goes_to(country: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a shipping method goes to a country."""
    return or_(func.cardinality(ShippingMethods.countries) == number(0), country == any_(ShippingMethods.countries))


def offered_in(currency: Any) -> ColumnElement[bool]:
    """Whether a price is that of a shipping method in a currency."""
    return and_(ShippingPrices.shipping_method_id == ShippingMethods.id, ShippingPrices.currency == currency)


def _set_email(owned: ColumnElement[bool]) -> Executable:
    return update(Carts).where(owned).values(email=bindparam("email"), **TOUCHED).returning(*CART_COLUMNS)


def _set_addresses(owned: ColumnElement[bool]) -> Executable:
    still_offered = (
        select(ShippingMethods.id)
        .join(ShippingPrices, offered_in(Carts.currency))
        .where(ShippingMethods.id == Carts.shipping_method_id, ShippingMethods.active, goes_to(_COUNTRY))
        .correlate(Carts)
        .scalar_subquery()
    )
    return (
        update(Carts)
        .where(owned)
        .values(
            shipping_address=bindparam("shipping", type_=JSONB(none_as_null=True)),
            billing_address=bindparam("billing", type_=JSONB(none_as_null=True)),
            shipping_method_id=still_offered,
            **TOUCHED,
        )
        .returning(*CART_COLUMNS)
    )


def _choose_method(owned: ColumnElement[bool]) -> Executable:
    offered = and_(ShippingPrices.amount_minor.is_not(None), goes_to(ADDRESS_COUNTRY))
    target = (
        select(
            Carts.id,
            ShippingMethods.id.label("method_id"),
            Carts.shipping_address.is_not(None).label("addressed"),
            ShippingMethods.id.is_not(None).label("known"),
            func.coalesce(offered, FALSE).label("offered"),
        )
        .select_from(Carts)
        .outerjoin(
            ShippingMethods, and_(ShippingMethods.id == bindparam("method_id", type_=Uuid()), ShippingMethods.active)
        )
        .outerjoin(ShippingPrices, offered_in(Carts.currency))
        .where(owned)
        .cte("target")
    )
    changed = (
        update(Carts)
        .where(Carts.id == target.c.id, target.c.addressed, target.c.offered)
        .values(shipping_method_id=target.c.method_id)
        .cte("changed")
    )
    return select(target.c.addressed, target.c.known, target.c.offered).add_cte(changed)


_SET_EMAIL = ForOwner(lambda owned: Command(_set_email(owned), CartRow))
_SET_ADDRESSES = ForOwner(lambda owned: Command(_set_addresses(owned), CartRow))
_CHOOSE_METHOD = ForOwner(lambda owned: Command(_choose_method(owned), MethodFacts))
_LIST_METHODS = Query(
    select(*METHOD_COLUMNS)
    .join(ShippingPrices, offered_in(bindparam("currency", type_=CHAR(3))))
    .where(ShippingMethods.active, goes_to(_COUNTRY))
    .order_by(ShippingMethods.position, ShippingMethods.id)
    .limit(number(_MAX_METHODS)),
    ShippingMethod,
)


def setting_email(owner: Owner, email: str, *, now: datetime) -> Bound[CartRow | None]:
    """Return the statement that says where the confirmation goes."""
    return _SET_EMAIL.of(owner).bind_first(owner_id=owner.id, email=email, now=now, expires_time=now + LIFETIME)


def setting_addresses(
    owner: Owner, *, shipping: Address, billing: Address | None, now: datetime
) -> Bound[CartRow | None]:
    """Return the statement that says where parcel and bill go; it unsets a method that does not go there."""
    return _SET_ADDRESSES.of(owner).bind_first(
        owner_id=owner.id,
        shipping=shipping,
        billing=billing,
        country=shipping["region_code"],
        now=now,
        expires_time=now + LIFETIME,
    )


def choosing_method(owner: Owner, method_id: ShippingMethodId) -> Bound[MethodFacts | None]:
    """Return the statement that chooses a shipping method unless something stands against it, and tells what."""
    return _CHOOSE_METHOD.of(owner).bind_first(owner_id=owner.id, method_id=method_id)


async def list_methods(tx: ReadTx, *, country: str, currency: str) -> list[ShippingMethod]:
    """Return the ways to send a parcel to a country, as the shop orders them."""
    return await _LIST_METHODS.all(tx, country=country, currency=currency)
