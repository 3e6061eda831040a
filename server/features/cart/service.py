"""Carts: filling them, preparing the checkout, and handing them to orders.

Every write is one round trip inside its transaction: it locks the cart, changes it if nothing stands against it, and
loads it again, all in one pipeline. When something stood against it, the facts that came back say what, and the
transaction is rolled back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from server.db.batches import BATCH_ROWS
from server.db.idempotency import Claim
from server.db.session import Database, ReadTx, WriteTx
from server.db.statement import Bound, together
from server.features.cart import queries, rules
from server.features.cart.errors import (
    CartClosed,
    CartEmpty,
    CartFull,
    CartNotFound,
    CheckoutIncomplete,
    CurrencyMismatch,
    ItemNotFound,
    ShippingMethodNotFound,
    ShippingMethodUnavailable,
    VariantNotFound,
)
from server.features.cart.load_queries import LOAD
from server.features.cart.values import Address, CartSnapshot, Checkout, OfferedMethod, Owner, PricedView
from server.features.inventory.errors import OutOfStock
from server.features.pricing.rules import shipping_charge
from server.kernel.actor import Actor
from server.kernel.clock import Clock
from server.kernel.ids import CartId, CartItemId, ShippingMethodId, VariantId, new_id


@dataclass(frozen=True, slots=True)
class CartSettings:
    """What a cart is when nothing else was said."""

    currency: str
    # Whose taxes the prices show before there is an address.
    country: str
    # How long a cart is kept after its last change.
    lifetime: timedelta = timedelta(days=30)


# Orders have their own copy of everything; until then a closed cart answers questions about what happened.
_CLOSED_KEPT_FOR: Final = timedelta(days=90)


class CartService:
    """The use cases of carts."""

    def __init__(self, db: Database, clock: Clock, settings: CartSettings) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings

    async def get_cart(self, actor: Actor) -> PricedView:
        """Return the caller's cart; an empty one when there is none."""
        owner = Owner.of(actor)
        if owner is None:
            return rules.empty_view(self._settings.currency, "")
        async with self._db.read() as tx:
            snapshot = await LOAD.first(tx, owner, default_country=self._settings.country)
            if snapshot is not None:
                return rules.view(snapshot, self._clock.now())
            return await self._empty(tx, owner)

    async def add_item(
        self, actor: Actor, variant_id: VariantId, quantity: int, *, currency: str, claim: Claim
    ) -> tuple[CartId | None, PricedView]:
        """Put some of a variant in; a caller who has no cart gets one, in `currency` or else the shop's.

        Returns the id of the guest's cart, for which the caller may need a token; None for a signed-in user.
        Raises VariantNotFound, VariantUnavailable, CurrencyMismatch, OutOfStock, CartFull, CartClosed, InvalidArgument.
        """
        owner = Owner.of(actor) or Owner(None, CartId(new_id()))
        async with self._db.write() as tx:
            earlier = await claim.take(tx, owner.user_id or owner.cart_id or new_id())
            if earlier is not None:
                if owner.user_id is None:
                    owner = Owner(None, CartId(earlier))
                return owner.cart_id, await self._present(tx, owner)
            now = self._clock.now()
            change = queries.ADD.bind(
                owner,
                item_id=new_id(),
                variant_id=variant_id,
                quantity=quantity,
                asked_currency=currency,
                now=now,
            )
            opening, load = self._open(owner, currency or self._settings.currency, now), self._load(owner)
            if currency:
                adopt = queries.ADOPT_CURRENCY.bind(owner, currency=currency)
                opened, _, found, loaded = await together(tx, opening, adopt, change, load)
            else:
                opened, found, loaded = await together(tx, opening, change, load)
            if not opened:
                raise CartClosed
            _check_added(found, variant_id, quantity=quantity, currency=currency)
            return owner.cart_id, rules.view(loaded[0], now)

    async def update_item(self, actor: Actor, item_id: CartItemId, quantity: int) -> PricedView:
        """Set how many of an item there are. Raises ItemNotFound, OutOfStock, CartClosed."""
        owner = Owner.of(actor)
        if owner is None:
            raise ItemNotFound
        async with self._db.write() as tx:
            now = self._clock.now()
            change = queries.SET_QUANTITY.bind(owner, item_id=item_id, quantity=quantity)
            touched, found, loaded = await together(tx, self._touch(owner, now), change, self._load(owner))
            if not touched:
                raise await self._no_open_cart(tx, owner) or ItemNotFound()
            if not found:
                raise ItemNotFound
            if not found[0].changed:
                raise OutOfStock({found[0].variant_id: max(0, found[0].obtainable or 0)})
            return rules.view(loaded[0], now)

    async def remove_item(self, actor: Actor, item_id: CartItemId) -> PricedView:
        """Take an item out. Raises ItemNotFound, CartClosed."""
        owner = Owner.of(actor)
        if owner is None:
            raise ItemNotFound
        async with self._db.write() as tx:
            now = self._clock.now()
            change = queries.REMOVE.bind(owner, item_id=item_id)
            touched, removed, loaded = await together(tx, self._touch(owner, now), change, self._load(owner))
            if not touched:
                raise await self._no_open_cart(tx, owner) or ItemNotFound()
            if not removed:
                raise ItemNotFound
            return rules.view(loaded[0], now)

    async def set_email(self, actor: Actor, email: str) -> PricedView:
        """Say where the confirmation goes. Raises CartNotFound, CartClosed."""
        owner = _require(actor)
        now = self._clock.now()
        return await self._change(owner, queries.SET_EMAIL.bind(owner, email=email, **self._times(now)), now)

    async def set_addresses(self, actor: Actor, shipping: Address, billing: Address | None) -> PricedView:
        """Say where parcel and bill go; a shipping method that does not go there is unset.

        Raises CartNotFound, CartClosed.
        """
        owner = _require(actor)
        now = self._clock.now()
        change = queries.SET_ADDRESSES.bind(
            owner,
            shipping=shipping,
            billing=billing,
            country=shipping["region_code"],
            **self._times(now),
        )
        return await self._change(owner, change, now)

    async def list_shipping_methods(self, actor: Actor) -> list[OfferedMethod]:
        """List the ways to send the caller's cart to its address. Raises CartNotFound, CheckoutIncomplete."""
        owner = _require(actor)
        async with self._db.snapshot() as tx:
            snapshot = await LOAD.first(tx, owner, default_country=self._settings.country)
            if snapshot is None:
                raise CartNotFound
            country = _country(snapshot)
            methods = await queries.LIST_METHODS.all(tx, country=country, currency=snapshot.currency)
        goods = rules.price_snapshot(snapshot, self._clock.now()).subtotal_minor
        return [OfferedMethod(method, shipping_charge(method.choice, goods), snapshot.currency) for method in methods]

    async def set_shipping_method(self, actor: Actor, method_id: ShippingMethodId) -> PricedView:
        """Choose how it is sent.

        Raises CartNotFound, ShippingMethodNotFound, CheckoutIncomplete, ShippingMethodUnavailable, CartClosed.
        """
        owner = _require(actor)
        async with self._db.write() as tx:
            now = self._clock.now()
            change = queries.SET_METHOD.bind(owner, method_id=method_id)
            touched, found, loaded = await together(tx, self._touch(owner, now), change, self._load(owner))
            if not touched:
                raise await self._no_open_cart(tx, owner) or CartNotFound()
            facts = found[0]
            if not facts.known:
                raise ShippingMethodNotFound
            if not facts.addressed:
                raise CheckoutIncomplete(("shipping_address",))
            if not facts.offered:
                raise ShippingMethodUnavailable(method_id)
            return rules.view(loaded[0], now)

    async def merge_cart(self, actor: Actor, guest_cart_id: CartId) -> PricedView:
        """Put a guest's cart into the user's, and close it; one that is closed already changes nothing.

        Quantities add up, to what can be had at the most. Raises CurrencyMismatch and CartFull; both carts stay as they
        are then.
        """
        if actor.user_id is None:
            raise CartNotFound
        owner = Owner(actor.user_id, None)
        async with self._db.write() as tx:
            now = self._clock.now()
            # The guest's cart before the user's, always: two merges into one cart wait for each other in order.
            guest = await queries.LOCK_GUEST_CART.first(tx, cart_id=guest_cart_id)
            if guest is None or guest.status != "OPEN":
                return await self._present(tx, owner)
            times = self._times(now)
            own = await queries.OPEN_USER_CART.one(
                tx, new_id=new_id(), user_id=actor.user_id, currency=guest.currency, **times
            )
            if own.currency != guest.currency and not await queries.ADOPT_CURRENCY.first(
                tx, owner, currency=guest.currency
            ):
                message = f"The guest's cart is in {guest.currency} and this one in {own.currency}"
                raise CurrencyMismatch(message, currency=own.currency)
            _, _, (snapshot,) = await together(
                tx,
                queries.MOVE_ITEMS.bind(guest_id=guest_cart_id, into_id=own.id, now=now),
                queries.TAKE_OVER.bind(guest_id=guest_cart_id, into_id=own.id, now=now),
                self._load(owner),
            )
            if len(snapshot.lines) > rules.MAX_LINES:
                raise CartFull(rules.MAX_LINES)
            return rules.view(snapshot, now)

    async def lock_for_checkout(self, tx: WriteTx, actor: Actor) -> Checkout:
        """Lock the caller's open cart and price it: two statements, one round trip.

        Its `missing` says what keeps it from becoming an order.
        Raises CartEmpty, also when there is no cart, CartClosed, VariantUnavailable.
        """
        owner = Owner.of(actor)
        if owner is None:
            raise CartEmpty
        locked, loaded = await together(tx, queries.LOCK.bind(owner), self._load(owner))
        if not locked:
            raise await self._no_open_cart(tx, owner) or CartEmpty()
        return rules.make_checkout(loaded[0], self._clock.now())

    async def close(self, tx: WriteTx, cart_id: CartId, *, now: datetime) -> None:
        """Mark a locked cart as ordered."""
        if await queries.CLOSE.run(tx, cart_id=cart_id, now=now) == 0:
            raise CartClosed

    async def delete_expired(self) -> int:
        """Throw away the carts that nobody touched for their lifetime; return how many."""
        return await queries.EXPIRED.run(self._db, now=self._clock.now())

    async def forget_closed(self) -> None:
        """Throw away, or empty, the carts that were ordered or merged long ago: they hold addresses."""
        before = self._clock.now() - _CLOSED_KEPT_FOR
        await queries.CLOSED.run(self._db, before=before)
        forgotten = BATCH_ROWS
        while forgotten == BATCH_ROWS:
            async with self._db.write_single() as tx:
                forgotten = await queries.FORGET_ORDERED.run(tx, before=before, batch_rows=BATCH_ROWS)

    async def _change(self, owner: Owner, change: Bound[list[queries.CartRow]], now: datetime) -> PricedView:
        async with self._db.write() as tx:
            changed, loaded = await together(tx, change, self._load(owner))
            if not changed:
                raise await self._no_open_cart(tx, owner) or CartNotFound()
            return rules.view(loaded[0], now)

    async def _present(self, tx: ReadTx, owner: Owner) -> PricedView:
        snapshot = await LOAD.first(tx, owner, default_country=self._settings.country)
        return await self._empty(tx, owner) if snapshot is None else rules.view(snapshot, self._clock.now())

    async def _empty(self, tx: ReadTx, owner: Owner) -> PricedView:
        email = None
        if owner.user_id is not None:
            email = await queries.USER_EMAIL.first(tx, user_id=owner.user_id)
        return rules.empty_view(self._settings.currency, email or "")

    async def _no_open_cart(self, tx: ReadTx, owner: Owner) -> CartClosed | None:
        """Tell a guest's closed cart from one that is gone; a user's closed carts are history."""
        if owner.cart_id is None:
            return None
        status = await queries.GUEST_STATUS.first(tx, cart_id=owner.cart_id)
        return None if status in (None, "OPEN") else CartClosed()

    def _open(self, owner: Owner, currency: str, now: datetime) -> Bound[list[queries.CartRow]]:
        times = self._times(now)
        if owner.user_id is not None:
            return queries.OPEN_USER_CART.bind(new_id=new_id(), user_id=owner.user_id, currency=currency, **times)
        return queries.OPEN_GUEST_CART.bind(cart_id=owner.cart_id, currency=currency, **times)

    def _touch(self, owner: Owner, now: datetime) -> Bound[list[queries.CartRow]]:
        return queries.TOUCH.bind(owner, **self._times(now))

    def _load(self, owner: Owner) -> Bound[list[CartSnapshot]]:
        return LOAD.bind(owner, default_country=self._settings.country)

    def _times(self, now: datetime) -> dict[str, datetime]:
        return {"now": now, "expires_time": now + self._settings.lifetime}


def _require(actor: Actor) -> Owner:
    owner = Owner.of(actor)
    if owner is None:
        raise CartNotFound
    return owner


def _country(snapshot: CartSnapshot) -> str:
    if snapshot.shipping_address is None:
        raise CheckoutIncomplete(("shipping_address",))
    return str(snapshot.shipping_address["region_code"])


def _check_added(found: list[rules.AddFacts], variant_id: VariantId, *, quantity: int, currency: str) -> None:
    if not found or not found[0].shown:
        raise VariantNotFound(variant_id)
    facts = found[0]
    if facts.added:
        return
    error = rules.why_not_added(facts, variant_id, quantity=quantity, currency=currency)
    raise error or OutOfStock({variant_id: max(0, facts.obtainable or 0)})
