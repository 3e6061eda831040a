"""What a cart costs, what it lacks, and why it refuses: pure functions."""

from datetime import datetime, timedelta

from server.features.cart.errors import (
    CartEmpty,
    CartFull,
    CheckoutIncomplete,
    OtherCurrencyAsked,
    PriceMissing,
    VariantUnavailable,
)
from server.features.cart.values import AddFacts, CartSnapshot, Checkout, CheckoutLine, PricedView
from server.features.inventory.errors import OutOfStock, VariantNotFound
from server.features.pricing.priced_values import PricedCart
from server.features.pricing.rules import price
from server.features.pricing.values import PriceLine
from server.kernel.errors import AppError, invalid_field
from server.kernel.ids import VariantId

MAX_LINES = 100
MAX_QUANTITY = 9999
# How long a cart is kept after its last change.
LIFETIME = timedelta(days=30)


def check_added(facts: AddFacts | None, variant_id: VariantId, *, quantity: int, currency: str) -> None:
    """Raise what stood against putting something in: VariantNotFound, OutOfStock and others.

    `currency` is the one that was asked for; empty for any.
    """
    if facts is None or not facts.shown:
        raise VariantNotFound(variant_id)
    if facts.added:
        return
    error = _why_not_added(facts, variant_id, quantity=quantity, currency=currency)
    raise error or OutOfStock({variant_id: max(0, facts.obtainable or 0)})


def _why_not_added(facts: AddFacts, variant_id: VariantId, *, quantity: int, currency: str) -> AppError | None:
    """Name the first thing that stands against it; None: only the stock does."""
    if not facts.variant_active or facts.product_status != "ACTIVE":
        return VariantUnavailable(variant_id)
    if currency and currency != facts.currency:
        return OtherCurrencyAsked(variant_id, currency=facts.currency)
    if not facts.has_price:
        return PriceMissing(variant_id, currency=facts.currency)
    if facts.present is None and facts.line_count >= MAX_LINES:
        return CartFull(MAX_LINES)
    if (facts.present or 0) + quantity > MAX_QUANTITY:
        return invalid_field("quantity", f"must not bring the item above {MAX_QUANTITY}")
    return None


def price_snapshot(snapshot: CartSnapshot, now: datetime) -> PricedCart:
    """Price a cart as an order placed now would be; lines that cannot be bought are left out."""
    lines = [
        PriceLine(
            line.item_id,
            line.quantity,
            line.unit_price_minor,
            line.product_id,
            line.tax_class,
            line.requires_shipping,
        )
        for line in snapshot.lines
        if line.purchasable
    ]
    method = snapshot.shipping_method
    return price(
        lines,
        currency=snapshot.currency,
        now=now,
        shipping=None if method is None else method.choice,
        rates=snapshot.rates,
    )


def view(snapshot: CartSnapshot, now: datetime) -> PricedView:
    """Price a cart and say what it lacks."""
    return PricedView(snapshot, price_snapshot(snapshot, now), missing_parts(snapshot))


def empty_view(currency: str, email: str) -> PricedView:
    """Make the view of a caller who has no cart."""
    priced = PricedCart(currency, (), None, 0, 0, 0, 0, 0, 0)
    return PricedView(None, priced, ("items",) if email else ("items", "email"), email)


def missing_parts(snapshot: CartSnapshot) -> tuple[str, ...]:
    """List what an order still needs; address and method only where something is sent."""
    missing = []
    bought = [line for line in snapshot.lines if line.purchasable]
    if not bought:
        missing.append("items")
    if not snapshot.email:
        missing.append("email")
    if any(line.requires_shipping for line in bought):
        if snapshot.shipping_address is None:
            missing.append("shipping_address")
        if snapshot.shipping_method is None:
            missing.append("shipping_method")
    return tuple(missing)


def destination(snapshot: CartSnapshot) -> str:
    """Return the country to which a cart goes. Raises CheckoutIncomplete."""
    if snapshot.shipping_address is None:
        raise CheckoutIncomplete(("shipping_address",))
    return str(snapshot.shipping_address["region_code"])


def make_checkout(snapshot: CartSnapshot, now: datetime) -> Checkout:
    """Make a checkout of a locked cart. Raises CartEmpty, VariantUnavailable for a line that cannot be bought."""
    if not snapshot.lines:
        raise CartEmpty
    for line in snapshot.lines:
        if not line.purchasable:
            raise VariantUnavailable(line.variant_id)
    priced = price_snapshot(snapshot, now)
    pairs = zip(snapshot.lines, priced.lines, strict=True)
    sent = priced.shipping is not None
    return Checkout(
        cart_id=snapshot.id,
        user_id=snapshot.user_id,
        currency=snapshot.currency,
        email=snapshot.email,
        shipping_address=snapshot.shipping_address,
        billing_address=snapshot.billing_address or snapshot.shipping_address,
        shipping_method=snapshot.shipping_method if sent else None,
        lines=tuple([CheckoutLine(line, priced_line) for line, priced_line in pairs]),
        priced=priced,
        missing=missing_parts(snapshot),
    )
