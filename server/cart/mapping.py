"""Carts as protobuf."""

from kontor.cart.v1 import cart_pb2, cart_service_pb2
from kontor.catalog.v1 import catalog_pb2
from kontor.type.v1 import money_pb2

from server.cart.values import CartLine, OfferedMethod, PricedView
from server.kernel.ids import Prefix, format_id
from server.pricing.rules import PricedCart, PricedLine
from server.rpc.messages import to_address, to_timestamp

Money = money_pb2.Money


def cart_message(view: PricedView, token: str = "") -> cart_pb2.Cart:
    """Show a cart with its price."""
    priced = view.priced
    snapshot = view.snapshot
    if snapshot is None:
        return cart_pb2.Cart(
            currency_code=priced.currency,
            email=view.email,
            totals=totals_message(priced),
            missing=view.missing,
            token=token,
        )
    currency = snapshot.currency
    prices = {line.key: line for line in priced.lines}
    message = cart_pb2.Cart(
        id=format_id(Prefix.CART, snapshot.id),
        items=[_item(line, prices.get(line.item_id), currency) for line in snapshot.lines],
        currency_code=currency,
        email=snapshot.email,
        shipping_address=to_address(snapshot.shipping_address),
        billing_address=to_address(snapshot.billing_address),
        totals=totals_message(priced),
        missing=view.missing,
        token=token,
        expire_time=to_timestamp(snapshot.expires_time),
    )
    method = snapshot.shipping_method
    if method is not None:
        amount = method.amount_minor if priced.shipping is None else priced.shipping.amount_minor
        message.shipping_method.CopyFrom(_method(OfferedMethod(method, amount, currency)))
    return message


def totals_message(priced: PricedCart) -> cart_pb2.Totals:
    """Show what a cart costs."""
    currency = priced.currency
    return cart_pb2.Totals(
        subtotal=Money(currency_code=currency, amount_minor=priced.subtotal_minor),
        discount=Money(currency_code=currency, amount_minor=priced.discount_minor),
        shipping=Money(currency_code=currency, amount_minor=priced.shipping_minor),
        tax=Money(currency_code=currency, amount_minor=priced.tax_minor),
        included_tax=Money(currency_code=currency, amount_minor=priced.included_tax_minor),
        total=Money(currency_code=currency, amount_minor=priced.total_minor),
        taxes=[
            cart_pb2.TaxAmount(
                name=tax.name,
                rate_ppm=tax.rate_ppm,
                included=tax.included,
                taxable_amount=Money(currency_code=currency, amount_minor=tax.taxable_minor),
                amount=Money(currency_code=currency, amount_minor=tax.tax_minor),
            )
            for tax in priced.taxes
        ],
    )


def methods_message(methods: list[OfferedMethod]) -> cart_service_pb2.ListShippingMethodsResponse:
    """Show the ways to send a cart."""
    return cart_service_pb2.ListShippingMethodsResponse(shipping_methods=[_method(method) for method in methods])


def _method(offered: OfferedMethod) -> cart_pb2.ShippingMethod:
    return cart_pb2.ShippingMethod(
        id=format_id(Prefix.SHIPPING_METHOD, offered.method.id),
        name=offered.method.name,
        description=offered.method.description,
        amount=Money(currency_code=offered.currency, amount_minor=offered.amount_minor),
    )


def _item(line: CartLine, priced: PricedLine | None, currency: str) -> cart_pb2.CartItem:
    picture = line.picture
    compare_at = line.compare_at_minor
    return cart_pb2.CartItem(
        id=format_id(Prefix.CART_ITEM, line.item_id),
        product_id=format_id(Prefix.PRODUCT, line.product_id),
        variant_id=format_id(Prefix.VARIANT, line.variant_id),
        title=line.title,
        sku=line.sku,
        options=[catalog_pb2.OptionValue(name=option.name, value=option.value) for option in line.options],
        thumbnail=None
        if picture is None
        else catalog_pb2.Media(id=format_id(Prefix.MEDIA, picture.id), url=picture.url, alt_text=picture.alt_text),
        quantity=line.quantity,
        unit_price=Money(currency_code=currency, amount_minor=line.unit_price_minor),
        compare_at_unit_price=None if compare_at is None else Money(currency_code=currency, amount_minor=compare_at),
        subtotal=Money(currency_code=currency, amount_minor=priced.subtotal_minor if priced else 0),
        total=Money(currency_code=currency, amount_minor=priced.total_minor if priced else 0),
        availability=_availability(line),
        purchasable=line.purchasable,
    )


def _availability(line: CartLine) -> catalog_pb2.Availability:
    """Whether as many as are in the cart can be bought now; a count only where backorders do not blur it."""
    if line.available is None:
        return catalog_pb2.Availability(in_stock=line.purchasable)
    enough = line.purchasable and line.quantity <= line.available + line.backorder_limit
    if line.backorder_limit > 0:
        return catalog_pb2.Availability(in_stock=enough, backorder=True)
    return catalog_pb2.Availability(in_stock=enough, available_count=max(0, line.available))
