"""Carts as protobuf. Messages are filled from plain dictionaries: see `rpc.messages`."""

from collections.abc import Iterable

from kontor.cart.v1 import cart_pb2, cart_service_pb2

from server.features.cart.values import CartLine, OfferedMethod, Picture, PricedView
from server.features.catalog.mapping import to_availability
from server.features.pricing.priced_values import PricedCart, PricedLine
from server.features.pricing.tax_values import TaxLike
from server.kernel.ids import CART, CART_ITEM, MEDIA, PRODUCT, SHIPPING_METHOD, VARIANT
from server.rpc.messages import Fields, to_money, to_time


def to_cart(view: PricedView, *, token: str = "") -> cart_pb2.Cart:
    """Show a cart with its price."""
    priced, snapshot = view.priced, view.snapshot
    fields: Fields = {
        "currency_code": priced.currency,
        "email": view.email,
        "totals": _totals(priced),
        "missing": view.missing,
        "token": token,
    }
    if snapshot is not None:
        prices = {line.key: line for line in priced.lines}
        currency = snapshot.currency
        fields |= {
            "id": CART.write(snapshot.id),
            "items": [_item(line, prices.get(line.item_id), currency) for line in snapshot.lines],
            "email": snapshot.email,
            "shipping_address": snapshot.shipping_address,
            "billing_address": snapshot.billing_address,
            "expire_time": to_time(snapshot.expires_time),
        }
        method = snapshot.shipping_method
        if method is not None:
            amount = method.amount_minor if priced.shipping is None else priced.shipping.amount_minor
            fields["shipping_method"] = _method(OfferedMethod(method, amount, currency))
    return cart_pb2.Cart(**fields)


def to_shipping_methods(methods: list[OfferedMethod]) -> cart_service_pb2.ListShippingMethodsResponse:
    """Show the ways to send a cart."""
    fields: Fields = {"shipping_methods": [_method(method) for method in methods]}
    return cart_service_pb2.ListShippingMethodsResponse(**fields)


def to_totals(
    currency: str,
    *,
    subtotal_minor: int,
    discount_minor: int,
    shipping_minor: int,
    tax_minor: int,
    included_tax_minor: int,
    total_minor: int,
    taxes: Iterable[TaxLike],
) -> Fields:
    """Make the fields of what a cart or an order costs altogether."""
    return {
        "subtotal": to_money(currency, subtotal_minor),
        "discount": to_money(currency, discount_minor),
        "shipping": to_money(currency, shipping_minor),
        "tax": to_money(currency, tax_minor),
        "included_tax": to_money(currency, included_tax_minor),
        "total": to_money(currency, total_minor),
        "taxes": [
            {
                "name": tax.name,
                "rate_ppm": tax.rate_ppm,
                "included": tax.included,
                "taxable_amount": to_money(currency, tax.taxable_minor),
                "amount": to_money(currency, tax.tax_minor),
            }
            for tax in taxes
        ],
    }


def _totals(priced: PricedCart) -> Fields:
    return to_totals(
        priced.currency,
        subtotal_minor=priced.subtotal_minor,
        discount_minor=priced.discount_minor,
        shipping_minor=priced.shipping_minor,
        tax_minor=priced.tax_minor,
        included_tax_minor=priced.included_tax_minor,
        total_minor=priced.total_minor,
        taxes=priced.taxes,
    )


def _method(offered: OfferedMethod) -> Fields:
    method = offered.method
    return {
        "id": SHIPPING_METHOD.write(method.id),
        "name": method.name,
        "description": method.description,
        "amount": to_money(offered.currency, offered.amount_minor),
    }


def _item(line: CartLine, priced: PricedLine | None, currency: str) -> Fields:
    picture = line.picture
    compare_at = line.compare_at_amount_minor
    return {
        "id": CART_ITEM.write(line.item_id),
        "product_id": PRODUCT.write(line.product_id),
        "variant_id": VARIANT.write(line.variant_id),
        "title": line.title,
        "sku": line.sku,
        "options": [{"name": name, "value": value} for name, value in line.options],
        "thumbnail": None if picture is None else _picture(picture),
        "quantity": line.quantity,
        "unit_price": to_money(currency, line.unit_price_minor),
        "compare_at_unit_price": None if compare_at is None else to_money(currency, compare_at),
        "subtotal": to_money(currency, priced.subtotal_minor if priced else 0),
        "total": to_money(currency, priced.total_minor if priced else 0),
        "availability": to_availability(
            line.available, line.backorder_limit, quantity=line.quantity, purchasable=line.purchasable
        ),
        "purchasable": line.purchasable,
    }


def _picture(picture: Picture) -> Fields:
    return {"id": MEDIA.write_stored(picture.id), "url": picture.url, "alt_text": picture.alt_text}
