"""Invoices as they are frozen, and who sells."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells, as it stands on invoices."""

    name: str
    address_lines: Sequence[str]
    vat_id: str
    # Of invoices to buyers who asked for none.
    language: str


@dataclass(frozen=True, slots=True)
class InvoiceRecord:
    """A frozen invoice."""

    number: str
    issued_time: datetime
    document: dict[str, Any]
