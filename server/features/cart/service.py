"""Carts: filling them, preparing the checkout, and handing them to orders.

Every write is one round trip inside its transaction: it locks the cart, changes it if nothing stands against it, and
loads it again, all in one pipeline. When something stood against it, the facts that came back say what, and the
transaction is rolled back.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

from server.db.batches import BATCH_ROWS
from server.db.idempotency import Claim
from server.db.session import Database, ReadTx, WriteTx
from server.db.statement import Bound, together
from server.features.cart import (
    delivery_queries,
    item_queries,
    load_queries,
    merge_queries,
    queries,
    rules,
    upkeep_queries,
)
from server.features.cart.errors import (
    CartClosed,
    CartEmpty,
    CartFull,
    CartNotFound,
    CheckoutIncomplete,
    GuestCurrencyDiffers,
    ItemNotFound,
    ShippingMethodNotFound,
    ShippingMethodUnavailable,
)
from server.features.cart.values import (
    Address,
    CartRow,
    CartSnapshot,
    CartStatus,
    Checkout,
    OfferedMethod,
    Owner,
    PricedView,
)
from server.features.inventory.errors import OutOfStock
from server.features.pricing.rules import shipping_charge
from server.kernel.actor import Actor
from server.kernel.clock import Clock
from server.kernel.errors import AppError
from server.kernel.ids import CART, CartId, CartItemId, ShippingMethodId, VariantId

Found = TypeVar("Found")

# Orders have their own copy of everything; until then a closed cart answers questions about what happened.
_CLOSED_KEPT_FOR: Final = timedelta(days=90)


class CartService:
    """The use cases of carts."""

    def __init__(self, *, db: Database, clock: Clock, currency: str, country: str) -> None:
        """Take a cart's currency when none is said, and the country whose taxes it shows before it has an address."""
        self._db = db
        self._clock = clock
        self._currency = currency
        self._country = country

    async def get_cart(self, actor: Actor) -> PricedView:
        """Return the caller's cart; an empty one when there is none."""
        owner = Owner.of(actor)
        if owner is None:
            return rules.empty_view(self._currency, "")
        async with self._db.read() as tx:
            return await self._present(tx, owner)

    async def add_item(
        self, actor: Actor, variant_id: VariantId, *, quantity: int, currency: str, claim: Claim
    ) -> tuple[CartId | None, PricedView]:
        """Put some of a variant in; a caller who has no cart gets one, in `currency` or else the shop's.

        Returns the id of the guest's cart, for which the caller may need a token; None for a signed-in user.
        Raises VariantNotFound, VariantUnavailable, CurrencyMismatch, OutOfStock, CartFull, CartClosed, InvalidArgument.
        """
        owner = Owner.of(actor) or Owner(None, CART.new())
        async with self._db.write() as tx:
            earlier = await claim.take(tx, owner.user_id or owner.cart_id or CART.new())
            if earlier is not None:
                if owner.user_id is None:
                    owner = Owner(None, CartId(earlier))
                return owner.cart_id, await self._present(tx, owner)
            now = self._clock.now()
            open_cart = queries.opening_cart(owner, currency=currency or self._currency, now=now)
            add = item_queries.adding_item(owner, variant_id, quantity=quantity, asked_currency=currency, now=now)
            if currency:
                adopt = queries.adopting_currency(owner, currency=currency)
                opened, _, found, loaded = await together(tx, open_cart, adopt, add, self._loading(owner))
            else:
                opened, found, loaded = await together(tx, open_cart, add, self._loading(owner))
            if opened is None or loaded is None:
                raise CartClosed
            rules.check_added(found, variant_id, quantity=quantity, currency=currency)
            return owner.cart_id, rules.view(loaded, now)

    async def update_item(self, actor: Actor, item_id: CartItemId, *, quantity: int) -> PricedView:
        """Set how many of an item there are. Raises ItemNotFound, OutOfStock, CartClosed."""
        owner = Owner.of(actor)
        if owner is None:
            raise ItemNotFound
        async with self._db.write() as tx:
            now = self._clock.now()
            change = item_queries.setting_quantity(owner, item_id, quantity=quantity)
            found, snapshot = await self._apply(tx, owner, change, now=now, otherwise=ItemNotFound)
            if found is None:
                raise ItemNotFound
            if not found.changed:
                raise OutOfStock({found.variant_id: max(0, found.obtainable or 0)})
            return rules.view(snapshot, now)

    async def remove_item(self, actor: Actor, item_id: CartItemId) -> PricedView:
        """Take an item out. Raises ItemNotFound, CartClosed."""
        owner = Owner.of(actor)
        if owner is None:
            raise ItemNotFound
        async with self._db.write() as tx:
            now = self._clock.now()
            change = item_queries.removing_item(owner, item_id)
            removed, snapshot = await self._apply(tx, owner, change, now=now, otherwise=ItemNotFound)
            if removed is None:
                raise ItemNotFound
            return rules.view(snapshot, now)

    async def set_email(self, actor: Actor, email: str) -> PricedView:
        """Say where the confirmation goes. Raises CartNotFound, CartClosed."""
        owner = _require(actor)
        now = self._clock.now()
        change = delivery_queries.setting_email(owner, email, now=now)
        return await self._change(owner, change, now=now)

    async def set_addresses(self, actor: Actor, *, shipping: Address, billing: Address | None) -> PricedView:
        """Say where parcel and bill go; a shipping method that does not go there is unset.

        Raises CartNotFound, CartClosed.
        """
        owner = _require(actor)
        now = self._clock.now()
        change = delivery_queries.setting_addresses(owner, shipping=shipping, billing=billing, now=now)
        return await self._change(owner, change, now=now)

    async def list_shipping_methods(self, actor: Actor) -> list[OfferedMethod]:
        """List the ways to send the caller's cart to its address. Raises CartNotFound, CheckoutIncomplete."""
        owner = _require(actor)
        async with self._db.snapshot() as tx:
            snapshot = await load_queries.find_cart(tx, owner, default_country=self._country)
            if snapshot is None:
                raise CartNotFound
            country = rules.destination(snapshot)
            methods = await delivery_queries.list_methods(tx, country=country, currency=snapshot.currency)
        goods = rules.price_snapshot(snapshot, self._clock.now()).subtotal_minor
        return [OfferedMethod(method, shipping_charge(method.choice, goods), snapshot.currency) for method in methods]

    async def set_shipping_method(self, actor: Actor, method_id: ShippingMethodId) -> PricedView:
        """Choose how it is sent.

        Raises CartNotFound, ShippingMethodNotFound, CheckoutIncomplete, ShippingMethodUnavailable, CartClosed.
        """
        owner = _require(actor)
        async with self._db.write() as tx:
            now = self._clock.now()
            change = delivery_queries.choosing_method(owner, method_id)
            found, snapshot = await self._apply(tx, owner, change, now=now, otherwise=CartNotFound)
            if found is None or not found.known:
                raise ShippingMethodNotFound
            if not found.addressed:
                raise CheckoutIncomplete(("shipping_address",))
            if not found.offered:
                raise ShippingMethodUnavailable(method_id)
            return rules.view(snapshot, now)

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
            guest = await merge_queries.lock_guest_cart(tx, guest_cart_id)
            if guest is None or guest.status is not CartStatus.OPEN:
                return await self._present(tx, owner)
            own = await queries.open_user_cart(tx, actor.user_id, currency=guest.currency, now=now)
            if own.currency != guest.currency and not await queries.adopt_currency(tx, owner, currency=guest.currency):
                raise GuestCurrencyDiffers(guest.currency, currency=own.currency)
            _, _, loaded = await together(
                tx,
                merge_queries.moving_items(guest_cart_id, into_id=own.id, now=now),
                merge_queries.taking_over(guest_cart_id, into_id=own.id, now=now),
                self._loading(owner),
            )
            snapshot = await _require_open(tx, owner, locked=own, loaded=loaded, otherwise=CartNotFound)
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
        locked, loaded = await together(tx, queries.locking_cart(owner), self._loading(owner))
        snapshot = await _require_open(tx, owner, locked=locked, loaded=loaded, otherwise=CartEmpty)
        return rules.make_checkout(snapshot, self._clock.now())

    async def close(self, tx: WriteTx, cart_id: CartId, *, now: datetime) -> None:
        """Mark a locked cart as ordered. Raises CartClosed."""
        if not await queries.close_cart(tx, cart_id, now=now):
            raise CartClosed

    async def delete_expired(self) -> int:
        """Throw away the carts that nobody touched for their lifetime; return how many."""
        return await upkeep_queries.delete_expired(self._db, now=self._clock.now())

    async def forget_closed(self) -> None:
        """Throw away, or empty, the carts that were ordered or merged long ago: they hold addresses."""
        before = self._clock.now() - _CLOSED_KEPT_FOR
        await upkeep_queries.delete_closed(self._db, before=before)
        forgotten = BATCH_ROWS
        while forgotten == BATCH_ROWS:
            async with self._db.write_single() as tx:
                forgotten = await upkeep_queries.forget_ordered(tx, before=before, batch_rows=BATCH_ROWS)

    async def _change(self, owner: Owner, change: Bound[CartRow | None], *, now: datetime) -> PricedView:
        async with self._db.write() as tx:
            changed, loaded = await together(tx, change, self._loading(owner))
            snapshot = await _require_open(tx, owner, locked=changed, loaded=loaded, otherwise=CartNotFound)
            return rules.view(snapshot, now)

    async def _apply(
        self, tx: WriteTx, owner: Owner, change: Bound[Found], *, now: datetime, otherwise: Callable[[], AppError]
    ) -> tuple[Found, CartSnapshot]:
        """Touch a cart, change something in it and load it again; see `_require_open`."""
        touch = queries.touching_cart(owner, now=now)
        touched, found, loaded = await together(tx, touch, change, self._loading(owner))
        return found, await _require_open(tx, owner, locked=touched, loaded=loaded, otherwise=otherwise)

    async def _present(self, tx: ReadTx, owner: Owner) -> PricedView:
        snapshot = await load_queries.find_cart(tx, owner, default_country=self._country)
        if snapshot is not None:
            return rules.view(snapshot, self._clock.now())
        email = None
        if owner.user_id is not None:
            email = await queries.find_user_email(tx, owner.user_id)
        return rules.empty_view(self._currency, email or "")

    def _loading(self, owner: Owner) -> Bound[CartSnapshot | None]:
        return load_queries.loading_cart(owner, default_country=self._country)


async def _require_open(
    tx: ReadTx,
    owner: Owner,
    *,
    locked: CartRow | None,
    loaded: CartSnapshot | None,
    otherwise: Callable[[], AppError],
) -> CartSnapshot:
    """Return a cart that was locked before it was loaded. Raises CartClosed for a guest's closed one, or `otherwise`.

    A user's closed carts are history. One that is loaded and was not locked came into being between the two.
    """
    if locked is not None and loaded is not None:
        return loaded
    if owner.cart_id is not None:
        status = await queries.find_guest_status(tx, owner.cart_id)
        if status not in (None, CartStatus.OPEN):
            raise CartClosed
    raise otherwise()


def _require(actor: Actor) -> Owner:
    owner = Owner.of(actor)
    if owner is None:
        raise CartNotFound
    return owner
