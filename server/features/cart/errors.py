"""Why a cart refuses something."""

from collections.abc import Collection

from server.kernel.errors import FailedPrecondition, NotFound, ResourceExhausted
from server.kernel.ids import SHIPPING_METHOD, VARIANT, ShippingMethodId, VariantId


class CartNotFound(NotFound):
    """The caller has no cart."""

    def __init__(self) -> None:
        super().__init__("There is no cart yet; add an item first")


class ItemNotFound(NotFound):
    """The caller's cart has no such item."""

    def __init__(self) -> None:
        super().__init__("There is no such item in this cart")


class ShippingMethodNotFound(NotFound):
    """There is no such way of shipping."""

    def __init__(self) -> None:
        super().__init__("There is no such shipping method")


class VariantUnavailable(FailedPrecondition):
    """The variant cannot be bought any more."""

    reason = "VARIANT_UNAVAILABLE"

    def __init__(self, variant_id: VariantId) -> None:
        variant = VARIANT.write(variant_id)
        super().__init__(f"{variant} cannot be bought any more", metadata={"variant_id": variant})


class CurrencyMismatch(FailedPrecondition):
    """There is no price in the cart's currency; each kind of it says where."""

    reason = "CURRENCY_MISMATCH"


class OtherCurrencyAsked(CurrencyMismatch):
    """The call names another currency than the cart's."""

    def __init__(self, variant_id: VariantId, *, currency: str) -> None:
        super().__init__(
            f"The prices of this cart are in {currency}",
            metadata={"currency_code": currency, "variant_id": VARIANT.write(variant_id)},
        )


class PriceMissing(CurrencyMismatch):
    """The variant has no price in the cart's currency."""

    def __init__(self, variant_id: VariantId, *, currency: str) -> None:
        super().__init__(
            f"It has no price in {currency}, the currency of this cart",
            metadata={"currency_code": currency, "variant_id": VARIANT.write(variant_id)},
        )


class GuestCurrencyDiffers(CurrencyMismatch):
    """The guest's cart is in another currency than the user's, which is not empty."""

    def __init__(self, guest_currency: str, *, currency: str) -> None:
        super().__init__(
            f"The guest's cart is in {guest_currency} and this one in {currency}", metadata={"currency_code": currency}
        )


class CartFull(ResourceExhausted):
    """The cart has as many lines as it may have."""

    reason = "CART_FULL"

    def __init__(self, max_lines: int) -> None:
        super().__init__(
            f"A cart has at most {max_lines} different items; remove one first", metadata={"max_lines": str(max_lines)}
        )


class CartClosed(FailedPrecondition):
    """The cart was ordered or merged already."""

    reason = "CART_CLOSED"

    def __init__(self) -> None:
        super().__init__("This cart was ordered or merged already; start a new one without its token")


class CartEmpty(FailedPrecondition):
    """There is nothing to order."""

    reason = "CART_EMPTY"

    def __init__(self) -> None:
        super().__init__("The cart is empty; add an item first")


class CheckoutIncomplete(FailedPrecondition):
    """The cart lacks something that has to be said first."""

    reason = "CHECKOUT_INCOMPLETE"

    def __init__(self, missing: Collection[str]) -> None:
        text = ",".join(missing)
        super().__init__(f"The cart still lacks: {text}", metadata={"missing": text})


class ShippingMethodUnavailable(FailedPrecondition):
    """The shipping method does not go to the address, or not in this currency."""

    reason = "SHIPPING_METHOD_UNAVAILABLE"

    def __init__(self, shipping_method_id: ShippingMethodId) -> None:
        method = SHIPPING_METHOD.write(shipping_method_id)
        super().__init__(
            f"{method} does not go to this address in this currency; choose one of ListShippingMethods",
            metadata={"shipping_method_id": method},
        )
