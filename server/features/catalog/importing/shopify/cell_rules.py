"""From the text of one cell of a Shopify product file to its value."""

import re
from decimal import Decimal

from server.features.catalog.importing.shopify.values import Column, Row
from server.features.catalog.importing.values import ImportedPrice
from server.kernel.money import parse_amount, round_half_even

MAX_TEXT_LENGTH = 255
# Three of them, at four bytes a letter, must fit into one index entry.
MAX_OPTION_LENGTH = 200
_MAX_INTEGER = 2**31 - 1
_GRAMS = {"g": Decimal(1), "kg": Decimal(1000), "oz": Decimal("28.349523125"), "lb": Decimal("453.59237")}
_YES = {"true", "yes", "1", "continue"}
_NO = {"false", "no", "0", "deny"}
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?")
# What a spreadsheet makes of a long barcode: its last digits are lost.
_ROUNDED_BY_SPREADSHEET = re.compile(r"\d([.,]\d+)?E\+\d+")


class CellError(ValueError):
    """A cell that cannot be read; the message names the column and the value."""


def read_text(row: Row, column: Column, limit: int = MAX_TEXT_LENGTH) -> str:
    """Return a text of at most `limit` characters."""
    text = row.text(column)
    if len(text) > limit:
        raise CellError(f"{column} is longer than {limit} characters")
    return text


def read_code(row: Row, column: Column) -> str:
    """Return a SKU or a barcode as it was before a spreadsheet touched it."""
    # Shopify writes an apostrophe in front so that spreadsheets keep leading zeros.
    code = read_text(row, column).removeprefix("'")
    if _ROUNDED_BY_SPREADSHEET.fullmatch(code):
        raise CellError(f"{column} {code} was rounded by a spreadsheet: export the file again")
    return code


def read_flag(row: Row, column: Column, *, default: bool) -> bool:
    """Return a yes or no; empty means the default."""
    text = row.text(column).lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    if text:
        raise CellError(f"{column} must be true or false, not {text!r}")
    return default


def read_backorder(row: Row) -> bool:
    """Tell whether buying goes on when nothing is left."""
    text = row.text(Column.POLICY).lower()
    # The newer template asks a yes-or-no question and still answers with the policy's name.
    if text and text not in _YES | _NO:
        raise CellError(f"{Column.POLICY} must be deny or continue, not {text!r}")
    return text in _YES


def read_quantity(row: Row) -> int | None:
    """Return the units in stock, None when they are not counted.

    Shopify counts below zero what it has sold beyond its stock; on the shelf are none.
    """
    text = row.text(Column.QUANTITY) or "0"
    if not _NUMBER.fullmatch(text) or Decimal(text) % 1:
        raise CellError(f"{Column.QUANTITY} must be a whole number, not {text!r}")
    if Decimal(text) > _MAX_INTEGER:
        raise CellError(f"{Column.QUANTITY} {text} is too large")
    return max(0, int(Decimal(text))) if row.text(Column.TRACKER) else None


def read_weight_grams(row: Row) -> int:
    """Return the weight, rounded to grams; 0 when it is not given."""
    if Column.GRAMS in row.cells:
        column, factor = Column.GRAMS, Decimal(1)
    elif Column.WEIGHT in row.cells:
        unit = row.text(Column.WEIGHT_UNIT).lower() or "kg"
        if unit not in _GRAMS:
            raise CellError(f"{Column.WEIGHT_UNIT} must be g, kg, oz or lb, not {unit!r}")
        column, factor = Column.WEIGHT, _GRAMS[unit]
    else:
        return 0
    text = row.text(column)
    if not _NUMBER.fullmatch(text) or Decimal(text) < 0:
        raise CellError(f"{column} must be a number that is not negative, not {text!r}")
    grams = round_half_even(Decimal(text) * factor)
    if grams > _MAX_INTEGER:
        raise CellError(f"{column} {text} is too large")
    return grams


def read_prices(row: Row, default_currency: str) -> tuple[ImportedPrice, ...]:
    """Return the prices of a row, at least one, by currency.

    A column that names its currency counts before the one that does not. A compare-at price that is not above the
    price is left out, as Shopify's own storefronts do.
    """
    amounts = {default_currency: row.text(Column.PRICE)} | row.prices
    former = {default_currency: row.text(Column.COMPARE_AT_PRICE)} | row.compare_at_prices
    prices = []
    for currency, text in sorted(amounts.items()):
        if not text:
            continue
        amount = _read_amount("the price", text, currency)
        compare_at = _read_amount("the compare-at price", former[currency], currency) if former.get(currency) else 0
        prices.append(ImportedPrice(currency, amount, compare_at if compare_at > amount else None))
    if not prices:
        raise CellError("the row has no price")
    return tuple(prices)


def _read_amount(what: str, text: str, currency: str) -> int:
    # Shopify writes two decimals whatever the currency has; zeros at the end change nothing.
    whole, point, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    try:
        return parse_amount(whole + point + decimals if decimals else whole, currency)
    except ValueError as error:
        raise CellError(f"{what} {text!r} cannot be read: {error}") from error
