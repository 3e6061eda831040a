"""Printing invoices: the only place that knows typst."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import typst

_TEMPLATE: Final = Path(__file__).with_name("invoice.typ").read_bytes()


class InvoicePrinter(Protocol):
    """Makes a document of the texts of an invoice; see `rules.printed`."""

    async def print(self, texts: Mapping[str, Any]) -> bytes:
        """Return the document as PDF."""
        ...


class TypstPrinter:
    """Prints by the template beside this module."""

    async def print(self, texts: Mapping[str, Any]) -> bytes:
        """Return the document as PDF, made in a thread: it takes tens of milliseconds of computing."""
        inputs = {"invoice": json.dumps(texts)}
        return await asyncio.to_thread(typst.compile, _TEMPLATE, sys_inputs=inputs, format="pdf")
