"""What makes an answer right. Every answer is looked at; one in some is parsed and read field by field as well."""

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError
from kontor.cart.v1.cart_pb2 import Cart
from kontor.catalog.v1.catalog_pb2 import Product
from kontor.catalog.v1.catalog_service_pb2 import ListProductsResponse
from kontor.orders.v1.orders_service_pb2 import PlaceOrderResponse
from kontor.users.v1.users_service_pb2 import LoginResponse

# To parse all of them would make the generator as busy as the shop.
_PARSED_ONE_IN = 16


@dataclass(frozen=True)
class SameBytes:
    """The answer is always the same."""

    expected: bytes

    def __call__(self, number: int, body: bytes) -> str:
        return "" if body == self.expected else f"{len(body)} bytes where {len(self.expected)} were expected"


class _Sampled:
    """A quick look at every answer, a long one at some."""

    def __call__(self, number: int, body: bytes) -> str:
        try:
            return self.look(number, body) or ("" if number % _PARSED_ONE_IN else self.read(number, body))
        except DecodeError as error:
            return f"the answer cannot be parsed: {error}"

    def look(self, number: int, body: bytes) -> str:
        """Look for what has to be in the bytes."""
        raise NotImplementedError

    def read(self, number: int, body: bytes) -> str:
        """Parse the answer and read it."""
        raise NotImplementedError


@dataclass(frozen=True)
class IsProduct(_Sampled):
    """The answer is the product that was asked for, with prices."""

    ids: Sequence[str]

    def look(self, number: int, body: bytes) -> str:
        return "" if self.ids[number].encode() in body else f"not the product {self.ids[number]}"

    def read(self, number: int, body: bytes) -> str:
        product = Product.FromString(body)
        if product.id != self.ids[number] or not product.title:
            return f"the product {product.id} in place of {self.ids[number]}"
        priced = all(price.amount.amount_minor > 0 for variant in product.variants for price in variant.prices)
        return "" if product.variants and priced else f"{product.id} has a variant without a price"


@dataclass(frozen=True)
class IsPage(_Sampled):
    """The answer is a page of so many products, each with a price."""

    count: int

    def look(self, number: int, body: bytes) -> str:
        found = body.count(b"prod_")
        return "" if found >= self.count else f"{found} products in place of {self.count}"

    def read(self, number: int, body: bytes) -> str:
        # Lists and searches have the same shape as far as this looks.
        products = ListProductsResponse.FromString(body).products
        if len(products) != self.count:
            return f"{len(products)} products in place of {self.count}"
        without = [product.id for product in products if product.min_price.amount_minor <= 0]
        return f"{without[0]} has no price" if without else ""


@dataclass(frozen=True)
class IsCart(_Sampled):
    """The answer is a cart of at least so many lines, priced."""

    lines: int

    def look(self, number: int, body: bytes) -> str:
        found = body.count(b"item_")
        return "" if found >= self.lines else f"{found} lines in place of {self.lines}"

    def read(self, number: int, body: bytes) -> str:
        cart = Cart.FromString(body)
        subtotal = sum(item.unit_price.amount_minor * item.quantity for item in cart.items)
        if cart.totals.subtotal.amount_minor != subtotal or not subtotal:
            return f"a subtotal of {cart.totals.subtotal.amount_minor} in place of {subtotal}"
        return "" if cart.totals.included_tax.amount_minor > 0 else "no tax in the price"


@dataclass(frozen=True)
class IsOrder(_Sampled):
    """The answer is a new order of what the cart cost."""

    totals: Sequence[int]
    lines: int

    def look(self, number: int, body: bytes) -> str:
        return "" if b"ord_" in body and b"pay_" in body else "no order with a payment"

    def read(self, number: int, body: bytes) -> str:
        placed = PlaceOrderResponse.FromString(body)
        total = placed.order.totals.total.amount_minor
        if total != self.totals[number] or placed.payment.amount.amount_minor != total:
            return f"a total of {total} in place of {self.totals[number]}"
        return "" if len(placed.order.lines) == self.lines else f"{len(placed.order.lines)} lines"


@dataclass(frozen=True)
class IsLogin(_Sampled):
    """The answer holds tokens."""

    def look(self, number: int, body: bytes) -> str:
        return "" if len(body) > 100 else "no tokens"

    def read(self, number: int, body: bytes) -> str:
        tokens = LoginResponse.FromString(body).tokens
        return "" if tokens.access_token.count(".") == 2 and tokens.refresh_token else "no tokens"
