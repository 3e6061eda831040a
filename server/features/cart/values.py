"""Carts as the rest of the feature and orders handle them: frozen values.

What is made for each line or for each call is a NamedTuple: a frozen dataclass takes five times as long to make.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self
from uuid import UUID

from server.features.pricing.priced_values import PricedCart, PricedLine
from server.features.pricing.tax_values import TaxRate
from server.features.pricing.values import ShippingMethod
from server.kernel.actor import Actor
from server.kernel.ids import CartId, CartItemId, ProductId, UserId, VariantId


class CartStatus(StrEnum):
    """What became of a cart."""

    OPEN = "OPEN"
    # An order was placed of it.
    ORDERED = "ORDERED"
    # A guest's that went into a user's.
    MERGED = "MERGED"
    # A guest's ordered cart of long ago, which holds nothing any more.
    FORGOTTEN = "FORGOTTEN"


# The JSON form of kontor.type.v1.PostalAddress, in snake_case.
Address = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose cart: a user's, or, when there is no user, the guest's whose token names it."""

    user_id: UserId | None
    cart_id: CartId | None

    @classmethod
    def of(cls, actor: Actor) -> Self | None:
        """Return the caller as an owner; None for a guest without a token."""
        if actor.user_id is not None:
            return cls(actor.user_id, None)
        return None if actor.cart_id is None else cls(None, actor.cart_id)

    @property
    def id(self) -> UUID | None:
        """The user's id, or the guest's cart's."""
        return self.cart_id if self.user_id is None else self.user_id


@dataclass(frozen=True, slots=True)
class CartRow:
    """A cart that is locked now."""

    id: CartId
    status: CartStatus
    currency: str


class Picture(NamedTuple):
    """A picture of a product. Its id stays as PostgreSQL writes it: it only goes out again."""

    id: str
    url: str
    alt_text: str


class Option(NamedTuple):
    """The value of one option of a variant."""

    name: str
    value: str


class CartLine(NamedTuple):
    """A number of one variant, with what the shop says about it now."""

    item_id: CartItemId
    product_id: ProductId
    variant_id: VariantId
    quantity: int
    title: str
    sku: str
    options: tuple[Option, ...]
    picture: Picture | None
    # Whether it can still be bought, in the cart's currency. When not, its price is 0 and it counts nothing.
    purchasable: bool
    unit_price_minor: int
    compare_at_amount_minor: int | None
    tax_class: str
    requires_shipping: bool
    weight_grams: int
    # What is left, without what is kept back; None: not counted.
    available: int | None
    backorder_limit: int


class CartSnapshot(NamedTuple):
    """A cart and everything that its price depends on, as of one moment."""

    id: CartId
    user_id: UserId | None
    currency: str
    email: str
    shipping_address: Address | None
    # None: the same as the shipping address.
    billing_address: Address | None
    expires_time: datetime
    # None: not chosen, or what was chosen does not go to the address any more.
    shipping_method: ShippingMethod | None
    lines: Sequence[CartLine]
    rates: Sequence[TaxRate]


class AddFacts(NamedTuple):
    """What was found when something was to be put in."""

    currency: str
    product_status: str
    variant_active: bool
    has_price: bool
    # How many can be had, backorders included; None: not counted.
    obtainable: int | None
    # How many were in the cart already; None: it is a new line.
    present: int | None
    line_count: int
    added: bool

    @property
    def shown(self) -> bool:
        """Whether the caller may know of the variant."""
        return self.product_status != "DRAFT"


class ItemFacts(NamedTuple):
    """What was found when an item's quantity was to be set."""

    variant_id: VariantId
    # How many can be had, backorders included; None: not counted.
    obtainable: int | None
    changed: bool


class MethodFacts(NamedTuple):
    """What was found when a shipping method was to be chosen."""

    addressed: bool
    known: bool
    offered: bool


class OfferedMethod(NamedTuple):
    """A way to send a cart, with what it costs for this one."""

    method: ShippingMethod
    amount_minor: int
    currency: str


class PricedView(NamedTuple):
    """A cart with its price; `snapshot` is None for a caller who has no cart."""

    snapshot: CartSnapshot | None
    priced: PricedCart
    # What an order still needs: `items`, `email`, `shipping_address`, `shipping_method`.
    missing: tuple[str, ...]
    # The address of a signed-in caller who has no cart yet.
    email: str = ""


class CheckoutLine(NamedTuple):
    """A line that can be ordered: what it is, and what it costs."""

    line: CartLine
    priced: PricedLine


@dataclass(frozen=True, slots=True)
class Checkout:
    """A locked cart on its way to become an order."""

    cart_id: CartId
    user_id: UserId | None
    currency: str
    email: str
    # None when nothing is sent and none was given.
    shipping_address: Address | None
    # The shipping address where no other one was given.
    billing_address: Address | None
    # None when nothing is sent, or none was chosen.
    shipping_method: ShippingMethod | None
    lines: tuple[CheckoutLine, ...]
    priced: PricedCart
    # As in PricedView: place an order only when it is empty.
    missing: tuple[str, ...]

    @property
    def demand(self) -> dict[VariantId, int]:
        """The units of each variant, as `inventory.service.hold` takes them."""
        return {line.line.variant_id: line.line.quantity for line in self.lines}
