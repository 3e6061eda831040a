"""A Shopify product file taken apart: its columns, its rows, and the rows of one product."""

from dataclasses import dataclass
from enum import StrEnum

from server.features.catalog.importing.values import RowError


class Column(StrEnum):
    """The columns that are read, by the first of their names."""

    HANDLE = "handle"
    TITLE = "title"
    BODY = "body (html)"
    VENDOR = "vendor"
    CATEGORY = "product category"
    TYPE = "type"
    TAGS = "tags"
    PUBLISHED = "published"
    STATUS = "status"
    OPTION1_NAME = "option1 name"
    OPTION1_VALUE = "option1 value"
    OPTION2_NAME = "option2 name"
    OPTION2_VALUE = "option2 value"
    OPTION3_NAME = "option3 name"
    OPTION3_VALUE = "option3 value"
    SKU = "variant sku"
    BARCODE = "variant barcode"
    GRAMS = "variant grams"
    WEIGHT = "variant weight"
    WEIGHT_UNIT = "variant weight unit"
    TRACKER = "variant inventory tracker"
    QUANTITY = "variant inventory qty"
    POLICY = "variant inventory policy"
    PRICE = "variant price"
    COMPARE_AT_PRICE = "variant compare at price"
    REQUIRES_SHIPPING = "variant requires shipping"
    TAXABLE = "variant taxable"
    IMAGE_URL = "image src"
    IMAGE_POSITION = "image position"
    IMAGE_ALT_TEXT = "image alt text"
    GIFT_CARD = "gift card"
    SEO_TITLE = "seo title"
    SEO_DESCRIPTION = "seo description"


@dataclass(frozen=True, slots=True)
class Header:
    """What the cells of a row mean, by their places."""

    columns: dict[int, Column]
    prices: dict[int, str]
    compare_at_prices: dict[int, str]
    width: int

    @property
    def known_count(self) -> int:
        """Count the columns that are read."""
        return len(self.columns) + len(self.prices) + len(self.compare_at_prices)


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its first line in the file and its cells that are not empty."""

    line_number: int
    cells: dict[Column, str]
    # By currency.
    prices: dict[str, str]
    compare_at_prices: dict[str, str]

    def text(self, column: Column) -> str:
        """Return a cell, empty when there is none."""
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class ProductRows:
    """The rows of one product and what is wrong with them."""

    slug: str
    rows: list[Row]
    errors: list[RowError]

    def report(self, row: Row, reason: str) -> None:
        """Note what is wrong with a row."""
        self.errors.append(RowError(row.line_number, self.slug, reason))

    def first(self, column: Column) -> Row:
        """Return the first row that says something in a column, else the first row."""
        return next((row for row in self.rows if column in row.cells), self.rows[0])

    def text(self, column: Column, limit: int) -> str:
        """Return a product field; one that is too long is reported and left out."""
        row = self.first(column)
        text = row.text(column)
        if len(text) > limit:
            self.report(row, f"{column} is longer than {limit} characters")
            return ""
        return text
