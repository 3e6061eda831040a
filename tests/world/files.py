"""Product files for tests."""

import csv
import io
from pathlib import Path

import server.features.catalog.seeding
from server.features.catalog.importing.shopify import parse_products
from server.features.catalog.importing.values import ParsedFile

SAMPLE = Path(server.features.catalog.seeding.__file__).parent / "sample_products.csv"


def write_file(*rows: dict[str, str]) -> bytes:
    """Write a file with the columns that the rows use."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def parse(*rows: dict[str, str]) -> ParsedFile:
    """Read a file with these rows."""
    return parse_products(write_file(*rows), default_currency="EUR")


def size_row(size: str, **cells: str) -> dict[str, str]:
    """Return the row of one size of a product."""
    return make_row(**{"Option1 Name": "Size", "Option1 Value": size, **cells})


def make_row(**cells: str) -> dict[str, str]:
    """Return the row of a product, which is some tea unless the cells say otherwise."""
    return {"Handle": "tea", "Title": "Tea", "Variant Price": "3.00", **cells}
