"""The columns of a Shopify product file, by their older and newer names."""

import csv
import re

from babel.numbers import is_currency

from server.features.catalog.importing.shopify.values import Column, Header

# Shopify renamed most columns in its template of 2024 and the category twice before.
_NAMES = {column.value: column for column in Column} | {
    "url handle": Column.HANDLE,
    "description": Column.BODY,
    "body html": Column.BODY,
    "standardized product type": Column.CATEGORY,
    "standard product type": Column.CATEGORY,
    "custom product type": Column.TYPE,
    "product type": Column.TYPE,
    "published on online store": Column.PUBLISHED,
    "sku": Column.SKU,
    "barcode": Column.BARCODE,
    "weight value (grams)": Column.GRAMS,
    "weight unit": Column.WEIGHT_UNIT,
    "weight unit for display": Column.WEIGHT_UNIT,
    "inventory tracker": Column.TRACKER,
    "inventory quantity": Column.QUANTITY,
    "continue selling when out of stock": Column.POLICY,
    "price": Column.PRICE,
    "compare-at price": Column.COMPARE_AT_PRICE,
    "compare at price": Column.COMPARE_AT_PRICE,
    "requires shipping": Column.REQUIRES_SHIPPING,
    "charge tax": Column.TAXABLE,
    "product image url": Column.IMAGE_URL,
}
# "Price / USD". Shopify also names such columns after markets ("USA"); those say no currency and are passed over.
_CURRENCY_PRICE = re.compile(r"(?:variant )?(price|compare[- ]at price) / ([a-z]{3})")


def read_header(line: str, delimiter: str) -> Header:
    """Find the columns in the first line of a file; the ones that nobody knows are passed over."""
    try:
        names = next(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        names = []
    header = Header({}, {}, {}, len(names))
    for index, name in enumerate(" ".join(name.split()).lower() for name in names):
        market = _CURRENCY_PRICE.fullmatch(name)
        if market and is_currency(market[2].upper()):
            target = header.prices if market[1] == "price" else header.compare_at_prices
            target[index] = market[2].upper()
        elif name in _NAMES:
            header.columns[index] = _NAMES[name]
    return header


def missing_column(header: Header) -> str | None:
    """Return the name of a column without which no product can be read, if the file lacks one."""
    columns = set(header.columns.values())
    if Column.TITLE not in columns:
        return "Title"
    if Column.PRICE not in columns and not header.prices:
        return "Variant Price"
    return None
