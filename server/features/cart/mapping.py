"""Carts as protobuf. Messages are filled from plain dictionaries: see `rpc.messages`."""

from kontor.cart.v1 import cart_pb2, cart_service_pb2

from server.features.cart.values import CartLine, OfferedMethod, Picture, PricedView
from server.features.catalog.mapping import to_availability
from server.features.pricing.rules import PricedCart, PricedLine
from server.kernel.ids import Prefix, format_id, format_written_id
from server.rpc.messages import Fields, to_money, to_time


def cart_message(view: PricedView, token: str = "") -> cart_pb2.Cart:
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
            "id": format_id(Prefix.CART, snapshot.id),
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


def methods_message(methods: list[OfferedMethod]) -> cart_service_pb2.ListShippingMethodsResponse:
    """Show the ways to send a cart."""
    fields: Fields = {"shipping_methods": [_method(method) for method in methods]}
    return cart_service_pb2.ListShippingMethodsResponse(**fields)


def _totals(priced: PricedCart) -> Fields:
    currency = priced.currency
    return {
        "subtotal": to_money(currency, priced.subtotal_minor),
        "discount": to_money(currency, priced.discount_minor),
        "shipping": to_money(currency, priced.shipping_minor),
        "tax": to_money(currency, priced.tax_minor),
        "included_tax": to_money(currency, priced.included_tax_minor),
        "total": to_money(currency, priced.total_minor),
        "taxes": [
            {
                "name": name,
                "rate_ppm": rate_ppm,
                "included": included,
                "taxable_amount": to_money(currency, taxable_minor),
                "amount": to_money(currency, tax_minor),
            }
            for name, rate_ppm, included, taxable_minor, tax_minor in priced.taxes
        ],
    }


def _method(offered: OfferedMethod) -> Fields:
    method = offered.method
    return {
        "id": format_id(Prefix.SHIPPING_METHOD, method.id),
        "name": method.name,
        "description": method.description,
        "amount": to_money(offered.currency, offered.amount_minor),
    }


def _item(line: CartLine, priced: PricedLine | None, currency: str) -> Fields:
    picture = line.picture
    compare_at = line.compare_at_minor
    return {
        "id": format_id(Prefix.CART_ITEM, line.item_id),
        "product_id": format_id(Prefix.PRODUCT, line.product_id),
        "variant_id": format_id(Prefix.VARIANT, line.variant_id),
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
    return {"id": format_written_id(Prefix.MEDIA, picture.id), "url": picture.url, "alt_text": picture.alt_text}
