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
    return parse_products(write_file(*rows), default_currency="EUR")


def make_row(**cells: str) -> dict[str, str]:
    return {"Handle": "tea", "Title": "Tea", "Variant Price": "3.00", **cells}
