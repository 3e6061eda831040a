"""What goes into a price: plain values, amounts in minor units of the cart's currency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from server.features.pricing.tax_values import WHOLE_PPM
from server.kernel.ids import ShippingMethodId


class PriceLine(NamedTuple):
    """A number of one thing to buy. `key` tells the lines of a cart apart, and breaks ties between them.

    `category_ids` holds the categories of the product and all above them, so that a discount on a category reaches what
    lies below it.
    """

    key: UUID
    quantity: int
    unit_price_minor: int
    product_id: UUID
    tax_class: str = "standard"
    requires_shipping: bool = True
    category_ids: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class ShippingChoice:
    """How the goods are sent; free when they are worth `free_from_amount_minor` or more before discounts."""

    id: UUID
    name: str
    amount_minor: int
    tax_class: str = "standard"
    free_from_amount_minor: int | None = None

    def __post_init__(self) -> None:
        if self.amount_minor < 0:
            raise ValueError("shipping must not cost less than nothing")


class ShippingMethod(NamedTuple):
    """A way to send a parcel, with its price in one currency."""

    id: ShippingMethodId
    code: str
    name: str
    description: str
    amount_minor: int
    free_from_amount_minor: int | None
    tax_class: str

    @property
    def choice(self) -> ShippingChoice:
        """What the pricing function takes."""
        return ShippingChoice(self.id, self.name, self.amount_minor, self.tax_class, self.free_from_amount_minor)


@dataclass(frozen=True, slots=True)
class Scope:
    """Goods: those that are one of the products or lie in one of the categories; with neither given, all."""

    product_ids: frozenset[UUID] = frozenset()
    category_ids: frozenset[UUID] = frozenset()

    @property
    def everything(self) -> bool:
        """Whether no goods are left out."""
        return not (self.product_ids or self.category_ids)

    def holds(self, line: PriceLine) -> bool:
        """Whether the goods of this line belong to it."""
        return (
            self.everything
            or line.product_id in self.product_ids
            or not self.category_ids.isdisjoint(line.category_ids)
        )


EVERYTHING = Scope()


class DiscountKind(StrEnum):
    """What a discount does."""

    # `rate_ppm` off the goods.
    PERCENT = "PERCENT"
    # `amount_minor` off the goods together, once.
    FIXED_AMOUNT = "FIXED_AMOUNT"
    # Each of the goods costs `amount_minor`, unless it costs less already.
    FIXED_PRICE = "FIXED_PRICE"
    # For every `buy_quantity` of the goods that are bought, `rate_ppm` off `get_quantity` of `gives`.
    BUY_X_GET_Y = "BUY_X_GET_Y"
    # Shipping costs nothing.
    FREE_SHIPPING = "FREE_SHIPPING"


@dataclass(frozen=True, slots=True)
class Discount:
    """A reduction and its conditions; DiscountKind says which of the values it reads.

    Without a `code` it applies by itself. The window is [start_time, end_time). A discount with an amount or a minimum
    is in one `currency`. The minimum spend counts the goods in scope: before any discount or, with
    `minimum_after_discounts`, what the discounts before this one left of them. Of a lower `priority` number it goes
    first; an exclusive one tolerates no other beside it. `used` and `customer_used` count its uses so far.
    """

    id: UUID
    name: str
    kind: DiscountKind
    code: str | None = None
    rate_ppm: int = 0
    amount_minor: int = 0
    buy_quantity: int = 0
    get_quantity: int = 0
    applies_to: Scope = EVERYTHING
    # None: the goods that were bought, the cheapest of them.
    gives: Scope | None = None
    currency: str | None = None
    minimum_spend_minor: int = 0
    minimum_after_discounts: bool = False
    start_time: datetime | None = None
    end_time: datetime | None = None
    # Empty: everybody.
    customer_groups: frozenset[UUID] = frozenset()
    use_limit: int | None = None
    used: int = 0
    customer_use_limit: int | None = None
    customer_used: int = 0
    exclusive: bool = False
    priority: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.rate_ppm <= WHOLE_PPM:
            raise ValueError("a discount takes off between nothing and all")
        if min(self.amount_minor, self.minimum_spend_minor, self.used, self.customer_used) < 0:
            raise ValueError("amounts and counts of a discount must not be negative")
        if self.kind is DiscountKind.BUY_X_GET_Y and min(self.buy_quantity, self.get_quantity) < 1:
            raise ValueError("buy and get at least one")
        of_a_currency = self.kind in (DiscountKind.FIXED_AMOUNT, DiscountKind.FIXED_PRICE) or self.minimum_spend_minor
        if of_a_currency and self.currency is None:
            raise ValueError("a discount with an amount needs a currency")


class RejectionReason(StrEnum):
    """Why a code took nothing off."""

    UNKNOWN = "UNKNOWN"
    NOT_STARTED = "NOT_STARTED"
    EXPIRED = "EXPIRED"
    USED_UP = "USED_UP"
    USED_UP_BY_CUSTOMER = "USED_UP_BY_CUSTOMER"
    CUSTOMER_NOT_ELIGIBLE = "CUSTOMER_NOT_ELIGIBLE"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    NO_MATCHING_ITEMS = "NO_MATCHING_ITEMS"
    MINIMUM_SPEND_NOT_REACHED = "MINIMUM_SPEND_NOT_REACHED"
    NOT_COMBINABLE = "NOT_COMBINABLE"
    # No way of shipping is chosen yet, or nothing needs to be sent.
    NO_SHIPPING = "NO_SHIPPING"
    # It may apply, but there is nothing to take off: all is free already, or too few were bought.
    NOTHING_TO_DISCOUNT = "NOTHING_TO_DISCOUNT"


class DiscountAmount(NamedTuple):
    """What one discount takes off a line or shipping."""

    discount_id: UUID
    amount_minor: int


class AppliedDiscount(NamedTuple):
    """What one discount takes off the whole cart, shipping included."""

    id: UUID
    name: str
    code: str | None
    amount_minor: int


class RejectedCode(NamedTuple):
    """A code, as it was entered, that took nothing off."""

    code: str
    reason: RejectionReason


@dataclass(frozen=True, slots=True)
class Goods:
    """What discounts are taken off: lines and, in the same order, their values before any discount."""

    lines: Sequence[PriceLine]
    subtotals: Sequence[int]
    # The indexes of the lines, sorted by key.
    by_key: Sequence[int]
    # None: not chosen, or nothing to send.
    shipping_minor: int | None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What discounts ask about a purchase besides its goods."""

    currency: str
    now: datetime
    groups: frozenset[UUID]
    codes: Sequence[str]
