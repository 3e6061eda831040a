"""Ids: UUIDv7 inside, TypeIDs (`prod_01h455vb4pex5vsknk084sn02q`) outside."""

import re
from enum import StrEnum
from typing import Final, NewType
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
_PAIRS: Final = tuple([a + b for a in _ALPHABET for b in _ALPHABET])
# Three digits (15 bits) at a time: nine look-ups for the 130 bits of a TypeID. A list of products writes forty ids, and
# two digits at a time took twice as long; the table takes two megabytes.
_TRIPLES: Final = tuple([pair + digit for pair in _PAIRS for digit in _ALPHABET])
# Python's int() reads base 32 with digits 0-9a-v; translating the alphabet lets C do the work.
_TO_PYTHON_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
# The first digit carries three bits only: 26 digits hold 130 bits, a UUID 128.
_SUFFIX = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")
_new, _set, _UNKNOWN = object.__new__, object.__setattr__, SafeUUID.unknown


def new_id() -> UUID:
    """Make a UUIDv7: ids made later sort later, so that indexes grow at one end."""
    return _of_number(uuid_utils.uuid7().int)


def format_id(prefix: Prefix, value: UUID) -> str:
    """Write an id for the outside."""
    return f"{prefix._value_}_{_digits(value.int)}"


def format_written_id(prefix: Prefix, text: str) -> str:
    """Write an id for the outside that comes as PostgreSQL writes it into JSON."""
    return f"{prefix._value_}_{_digits(_number_of(text))}"


def read_written_id(text: str) -> UUID:
    """Read an id as PostgreSQL writes it into JSON."""
    return _of_number(_number_of(text))


def parse_id(prefix: Prefix, text: str, *, field: str) -> UUID:
    """Read an id from the outside. Raises InvalidArgument naming `field`."""
    head, separator, suffix = text.rpartition("_")
    if head != prefix._value_ or not separator or not _SUFFIX.fullmatch(suffix):
        raise invalid_field(field, f"must be an id that begins with {prefix.value}_ and has 26 characters after it")
    return _of_number(int(suffix.translate(_TO_PYTHON_DIGITS), 32))


def _digits(number: int) -> str:
    return (
        f"{_TRIPLES[number >> 115]}{_TRIPLES[number >> 100 & 32767]}{_TRIPLES[number >> 85 & 32767]}"
        f"{_TRIPLES[number >> 70 & 32767]}{_TRIPLES[number >> 55 & 32767]}{_TRIPLES[number >> 40 & 32767]}"
        f"{_TRIPLES[number >> 25 & 32767]}{_TRIPLES[number >> 10 & 32767]}{_PAIRS[number & 1023]}"
    )


def _number_of(text: str) -> int:
    return int(text.replace("-", ""), 16)


def _of_number(number: int) -> UUID:
    # UUID(int=...) takes three times as long, to find out which of its six arguments it was given.
    value = _new(UUID)
    _set(value, "int", number)
    _set(value, "is_safe", _UNKNOWN)
    return value
