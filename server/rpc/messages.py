"""The shared messages: money, time, addresses.

Answers with many parts are made of plain dictionaries, the fields of each message by name, where None leaves a field
unset: protobuf then builds the whole tree in one call, in half the time that it takes to make each message in Python.
"""

from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from kontor.type.v1.postal_address_pb2 import PostalAddress

# The fields of a message by name.
Fields = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_money(currency: str, amount_minor: int) -> Fields:
    """Make the fields of a Money of minor units."""
    return {"currency_code": currency, "amount_minor": amount_minor}


def to_time(time: datetime | None) -> Fields | None:
    """Make the fields of a Timestamp; protobuf's own conversion takes four times as long."""
    if time is None:
        return None
    since = time - _EPOCH
    return {"seconds": since.days * 86_400 + since.seconds, "nanos": since.microseconds * 1000}


def to_timestamp(time: datetime | None) -> Timestamp | None:
    """Make a Timestamp; None stays None, which leaves a field unset."""
    fields = to_time(time)
    return None if fields is None else Timestamp(**fields)


_ADDRESS_FIELDS = (
    "recipient",
    "organization",
    "postal_code",
    "locality",
    "administrative_area",
    "region_code",
    "phone_number",
)


def from_address(message: PostalAddress) -> dict[str, Any]:
    """Make the stored form of an address: its fields by name, empty ones left out."""
    stored: dict[str, Any] = {name: value for name in _ADDRESS_FIELDS if (value := getattr(message, name))}
    stored["address_lines"] = list(message.address_lines)
    return stored
