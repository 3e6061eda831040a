"""Ids: UUIDv7 inside, TypeIDs (`prod_01h455vb4pex5vsknk084sn02q`) outside."""

import re
from collections.abc import Callable
from typing import Final, Generic, NewType, TypeVar, cast
from uuid import UUID, SafeUUID

import uuid_utils

from server.kernel.errors import invalid_field

UserId = NewType("UserId", UUID)
SessionId = NewType("SessionId", UUID)
ProductId = NewType("ProductId", UUID)
VariantId = NewType("VariantId", UUID)
CategoryId = NewType("CategoryId", UUID)
StockId = NewType("StockId", UUID)
CartId = NewType("CartId", UUID)
CartItemId = NewType("CartItemId", UUID)
OrderId = NewType("OrderId", UUID)
OrderLineId = NewType("OrderLineId", UUID)
PaymentId = NewType("PaymentId", UUID)
FulfillmentId = NewType("FulfillmentId", UUID)
ShippingMethodId = NewType("ShippingMethodId", UUID)
MediaId = NewType("MediaId", UUID)
LocationId = NewType("LocationId", UUID)
InvoiceId = NewType("InvoiceId", UUID)
EventId = NewType("EventId", UUID)
RegistrationId = NewType("RegistrationId", UUID)
TransactionId = NewType("TransactionId", UUID)

T = TypeVar("T", bound=UUID)


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# Two digits (ten bits) at a time. With three there are fewer look-ups and a loop is faster, but among other work their
# two megabytes are never in the processor's caches.
_PAIRS: Final = tuple([a + b for a in _ALPHABET for b in _ALPHABET])
# Python's int() reads base 32 with digits 0-9a-v; translating the alphabet lets C do the work.
_TO_PYTHON_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
# The first digit carries three bits only: 26 digits hold 130 bits, a UUID 128.
_SUFFIX = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")
_new, _set, _UNKNOWN = object.__new__, object.__setattr__, SafeUUID.unknown


def new_id() -> UUID:
    """Make a UUIDv7: ids made later sort later, so that indexes grow at one end."""
    return _of_number(uuid_utils.uuid7().int)


class IdKind(Generic[T]):
    """The ids of one kind of things: how they look outside, and their type inside."""

    __slots__ = ("_lead", "prefix", "type")

    def __init__(self, prefix: str, type: Callable[[UUID], T]) -> None:
        self.prefix = prefix
        self.type = type
        self._lead = f"{prefix}_"

    def new(self) -> T:
        """Make an id; see `new_id`."""
        return cast(T, new_id())

    def write(self, id: T) -> str:
        """Write an id for the outside."""
        return self._lead + _digits(id.int)

    def read(self, text: str, field: str) -> T:
        """Read an id from the outside. Raises InvalidArgument naming `field`."""
        head, separator, suffix = text.rpartition("_")
        if head != self.prefix or not separator or not _SUFFIX.fullmatch(suffix):
            raise invalid_field(field, f"must be an id that begins with {self._lead} and has 26 characters after it")
        return cast(T, _of_number(int(suffix.translate(_TO_PYTHON_DIGITS), 32)))

    def write_stored(self, text: str) -> str:
        """Write an id for the outside that comes as PostgreSQL writes it into JSON."""
        return self._lead + _digits(_number_of(text))

    def read_stored(self, text: str) -> T:
        """Read an id as PostgreSQL writes it into JSON."""
        return cast(T, _of_number(_number_of(text)))


# Every kind of thing that has ids outside. REGISTRATION and TRANSACTION are seen in events and jobs only.
USER: Final = IdKind("user", UserId)
SESSION: Final = IdKind("sess", SessionId)
REGISTRATION: Final = IdKind("reg", RegistrationId)
PRODUCT: Final = IdKind("prod", ProductId)
VARIANT: Final = IdKind("var", VariantId)
MEDIA: Final = IdKind("media", MediaId)
CATEGORY: Final = IdKind("cat", CategoryId)
LOCATION: Final = IdKind("loc", LocationId)
STOCK: Final = IdKind("stock", StockId)
CART: Final = IdKind("cart", CartId)
CART_ITEM: Final = IdKind("item", CartItemId)
ORDER: Final = IdKind("ord", OrderId)
ORDER_LINE: Final = IdKind("line", OrderLineId)
PAYMENT: Final = IdKind("pay", PaymentId)
TRANSACTION: Final = IdKind("txn", TransactionId)
FULFILLMENT: Final = IdKind("ful", FulfillmentId)
INVOICE: Final = IdKind("inv", InvoiceId)
EVENT: Final = IdKind("evt", EventId)
SHIPPING_METHOD: Final = IdKind("ship", ShippingMethodId)


def _digits(number: int) -> str:
    return (
        f"{_PAIRS[number >> 120]}{_PAIRS[number >> 110 & 1023]}{_PAIRS[number >> 100 & 1023]}"
        f"{_PAIRS[number >> 90 & 1023]}{_PAIRS[number >> 80 & 1023]}{_PAIRS[number >> 70 & 1023]}"
        f"{_PAIRS[number >> 60 & 1023]}{_PAIRS[number >> 50 & 1023]}{_PAIRS[number >> 40 & 1023]}"
        f"{_PAIRS[number >> 30 & 1023]}{_PAIRS[number >> 20 & 1023]}{_PAIRS[number >> 10 & 1023]}"
        f"{_PAIRS[number & 1023]}"
    )


def _number_of(text: str) -> int:
    return int(text.replace("-", ""), 16)


def _of_number(number: int) -> UUID:
    # UUID(int=...) takes three times as long, to find out which of its six arguments it was given.
    value = _new(UUID)
    _set(value, "int", number)
    _set(value, "is_safe", _UNKNOWN)
    return value
