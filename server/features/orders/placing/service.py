"""Placing an order.

One transaction claims the idempotency key, locks and prices the cart, holds the stock and stores the order, its payment
and its event. Then, with no transaction open, the provider opens the payment. A crash between any two steps is mended
by the same call with the same key: it finds the order and goes on from there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from server.db.idempotency import Claim
from server.db.session import Database, WriteTx
from server.db.statement import together
from server.features.cart.errors import CheckoutIncomplete
from server.features.cart.service import CartService
from server.features.cart.values import Checkout, CheckoutLine
from server.features.events import service as events
from server.features.inventory import service as inventory
from server.features.orders import queries, rules, write_queries
from server.features.orders.errors import PriceChanged
from server.features.orders.events import OrderPlaced
from server.features.orders.invoicing.service import Seller
from server.features.orders.progress_service import changing, confirm, product_ids
from server.features.orders.rules import MoneySums, OrderStatus
from server.features.orders.values import LineRecord, Order, OrderRecord
from server.features.payments.rules import Payment, Provider
from server.features.payments.service import PaymentService
from server.features.pricing.values import ShippingMethod
from server.kernel.actor import Actor, Viewer
from server.kernel.clock import Clock
from server.kernel.ids import OrderId, OrderLineId, Prefix, format_id, new_id
from server.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Placed:
    """A placed order and the payment that waits for the buyer; None when there is nothing to pay."""

    order: Order
    payment: Payment | None


class PlaceOrderService:
    """Turns carts into orders."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        carts: CartService,
        payments: PaymentService,
        seller: Seller,
        hold_for: timedelta,
        transfer_for: timedelta,
    ) -> None:
        """`hold_for` is how long an unpaid order keeps its stock; `transfer_for`, when money comes by bank transfer."""
        self._db = db
        self._clock = clock
        self._carts = carts
        self._payments = payments
        self._seller = seller
        self._hold_for = hold_for
        self._transfer_for = transfer_for

    async def place_order(
        self, *, expected_minor: int, expected_currency: str, provider: Provider, actor: Actor, claim: Claim
    ) -> Placed:
        """Place the order of the caller's cart, once.

        Raises CartEmpty, CartClosed, CheckoutIncomplete, VariantUnavailable, ShippingMethodUnavailable, PriceChanged,
        OutOfStock; PaymentProviderDisabled; and, with the order standing, PaymentProviderUnavailable or PaymentRefused.
        """
        order_id = OrderId(new_id())
        async with self._db.write() as tx:
            earlier = await claim.take(tx, order_id)
            if earlier is None:
                expected = (expected_minor, expected_currency)
                placed = await self._place(tx, order_id, expected=expected, provider=provider, actor=actor)
            else:
                placed = await self._resume(tx, OrderId(earlier), actor=actor)
        if placed.payment is None:
            return placed
        return Placed(placed.order, await self._payments.start(placed.payment))

    async def _place(
        self, tx: WriteTx, order_id: OrderId, *, expected: tuple[int, str], provider: Provider, actor: Actor
    ) -> Placed:
        now = self._clock.now()
        checkout = await self._carts.lock_for_checkout(tx, actor)
        _check(checkout, *expected)
        window = self._transfer_for if provider is Provider.MANUAL else self._hold_for
        order = _draft(order_id, checkout, now=now, expires_time=now + window)
        await inventory.hold(tx, order_id, checkout.demand, expires_time=order.record.expires_time, now=now)
        await self._carts.close(tx, checkout.cart_id, now=now)
        store = write_queries.inserting_order(order, actor=actor), events.recording(_placed(order))
        if order.record.total_minor == 0:
            with write_queries.number_taken():
                await together(tx, *store)
            await inventory.commit(tx, order_id, now=now)
            async with changing(tx, order, now=now) as change:
                await confirm(tx, change, seller=self._seller, actor=actor)
            return Placed(change.order, None)
        payment = self._payments.draft(
            order_id=order_id,
            provider=provider,
            amount_minor=order.record.total_minor,
            currency=order.record.currency,
            now=now,
        )
        with write_queries.number_taken():
            await together(tx, *store, self._payments.inserting(payment))
        return Placed(order, payment)

    async def _resume(self, tx: WriteTx, order_id: OrderId, *, actor: Actor) -> Placed:
        # The key's scope is the caller, so that it owns the order.
        viewer = Viewer(actor.user_id, actor.cart_id, sees_all=False)
        order = await queries.get_order(tx, order_id, viewer=viewer)
        payments = await self._payments.list_for_order(tx, order_id)
        return Placed(order, payments[0] if payments else None)


def _check(checkout: Checkout, expected_minor: int, expected_currency: str) -> None:
    if checkout.missing:
        raise CheckoutIncomplete(checkout.missing)
    priced = checkout.priced
    if (priced.total_minor, priced.currency) != (expected_minor, expected_currency):
        raise PriceChanged(expected_minor, expected_currency, priced.total_minor, priced.currency)


def _placed(order: Order) -> OrderPlaced:
    record = order.record
    return OrderPlaced(
        order_id=record.id,
        order_number=record.number,
        total=Money(record.currency, record.total_minor),
        product_ids=product_ids(order),
    )


def _draft(order_id: OrderId, checkout: Checkout, *, now: datetime, expires_time: datetime) -> Order:
    """Freeze a checked-out cart as an order."""
    priced = checkout.priced
    lines = tuple(_line(order_id, position, line) for position, line in enumerate(checkout.lines, start=1))
    record = OrderRecord(
        id=order_id,
        number=rules.new_order_number(),
        cart_id=checkout.cart_id,
        user_id=checkout.user_id,
        email=checkout.email,
        status=OrderStatus.PENDING,
        payment_status=rules.payment_status(priced.total_minor, MoneySums()),
        fulfillment_status=rules.fulfillment_status(line.progress for line in lines),
        currency=priced.currency,
        subtotal_minor=priced.subtotal_minor,
        discount_minor=priced.discount_minor,
        shipping_minor=priced.shipping_minor,
        tax_minor=priced.tax_minor,
        included_tax_minor=priced.included_tax_minor,
        total_minor=priced.total_minor,
        taxes=[
            {
                "name": tax.name,
                "rate_ppm": tax.rate_ppm,
                "included": tax.included,
                "taxable_minor": tax.taxable_minor,
                "tax_minor": tax.tax_minor,
            }
            for tax in priced.taxes
        ],
        shipping_address=checkout.shipping_address,
        billing_address=checkout.billing_address,
        shipping_method=_shipping_method(checkout.shipping_method),
        placed_time=now,
        expires_time=expires_time,
        confirmed_time=None,
        completed_time=None,
        invoice_number="",
    )
    return Order(record, lines)


def _line(order_id: OrderId, position: int, checked: CheckoutLine) -> LineRecord:
    line, priced = checked.line, checked.priced
    return LineRecord(
        order_id=order_id,
        id=OrderLineId(new_id()),
        position=position,
        product_id=line.product_id,
        variant_id=line.variant_id,
        sku=line.sku,
        title=line.title,
        options=[{"name": option.name, "value": option.value} for option in line.options],
        requires_shipping=line.requires_shipping,
        quantity=line.quantity,
        shipped_quantity=0,
        unit_price_minor=line.unit_price_minor,
        subtotal_minor=priced.subtotal_minor,
        discount_minor=priced.discount_minor,
        tax_minor=priced.tax_minor,
        total_minor=priced.total_minor,
    )


def _shipping_method(method: ShippingMethod | None) -> dict[str, str] | None:
    if method is None:
        return None
    return {
        "id": format_id(Prefix.SHIPPING_METHOD, method.id),
        "code": method.code,
        "name": method.name,
        "description": method.description,
    }
