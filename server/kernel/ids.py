"""Ids: UUIDv7 inside, TypeIDs (`prod_01h455vb4pex5vsknk084sn02q`) outside."""

import re
from enum import StrEnum
from typing import NewType
from uuid import UUID

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


class Prefix(StrEnum):
    """What an id names, as the outside sees it."""

    USER = "user"
    SESSION = "sess"
    PRODUCT = "prod"
    VARIANT = "var"
    MEDIA = "media"
    CATEGORY = "cat"
    LOCATION = "loc"
    STOCK = "stock"
    CART = "cart"
    CART_ITEM = "item"
    ORDER = "ord"
    ORDER_LINE = "line"
    PAYMENT = "pay"
    FULFILLMENT = "ful"
    INVOICE = "inv"
    EVENT = "evt"
    SHIPPING_METHOD = "ship"


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# Two digits (10 bits) at a time: 13 look-ups for the 130 bits of a TypeID.
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_SHIFTS = tuple(range(120, -1, -10))
# Python's int() reads base 32 with digits 0-9a-v; translating the alphabet lets C do the work.
_TO_PYTHON_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
# The first digit carries three bits only: 26 digits hold 130 bits, a UUID 128.
_SUFFIX = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")


def new_id() -> UUID:
    """Make a UUIDv7: ids made later sort later, so that indexes grow at one end."""
    return UUID(int=uuid_utils.uuid7().int)


def format_id(prefix: Prefix, value: UUID) -> str:
    """Write an id for the outside."""
    number = value.int
    return prefix.value + "_" + "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def parse_id(prefix: Prefix, text: str, *, field: str) -> UUID:
    """Read an id from the outside. Raises InvalidArgument naming `field`."""
    head, separator, suffix = text.rpartition("_")
    if head != prefix.value or not separator or not _SUFFIX.fullmatch(suffix):
        raise invalid_field(field, f"must be an id that begins with {prefix.value}_ and has 26 characters after it")
    return UUID(int=int(suffix.translate(_TO_PYTHON_DIGITS), 32))
