"""The shared messages: money, time, addresses."""

from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from kontor.type.v1.money_pb2 import Money
from kontor.type.v1.postal_address_pb2 import PostalAddress


def to_money(currency: str, amount_minor: int) -> Money:
    """Make a Money of minor units."""
    return Money(currency_code=currency, amount_minor=amount_minor)


def to_timestamp(time: datetime | None) -> Timestamp | None:
    """Make a Timestamp; None stays None, which leaves a field unset."""
    if time is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


_ADDRESS_FIELDS = (
    "recipient",
    "organization",
    "postal_code",
    "locality",
    "administrative_area",
    "region_code",
    "phone_number",
)


def to_address(stored: dict[str, Any] | None) -> PostalAddress | None:
    """Make a PostalAddress of its stored form; None stays None, which leaves a field unset."""
    return None if stored is None else PostalAddress(**stored)


def from_address(message: PostalAddress) -> dict[str, Any]:
    """Make the stored form of an address: its fields by name, empty ones left out."""
    stored: dict[str, Any] = {name: value for name in _ADDRESS_FIELDS if (value := getattr(message, name))}
    stored["address_lines"] = list(message.address_lines)
    return stored
