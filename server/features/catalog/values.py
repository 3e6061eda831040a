"""The catalog as buyers see it: copies of rows.

They are NamedTuples: a frozen dataclass takes five times as long to make, and a page of a list makes twenty.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from server.kernel.ids import CategoryId, ProductId


class ProductDetail(NamedTuple):
    """A product; the fields stand in the order of the columns that are read.

    The last three are lists of lists as the statement builds them, which mapping turns into messages in one step.
    """

    id: ProductId
    slug: str
    title: str
    description_html: str
    vendor: str
    product_type: str
    tags: list[str]
    options: list[dict[str, Any]]
    seo_title: str
    seo_description: str
    version: int
    created_time: datetime
    updated_time: datetime
    # [id, slug, name] from the root down.
    category_path: list[list[str]] | None
    # [id, sku, option values, weight, requires shipping, barcode, available or None, backorder limit or None,
    #  [[currency, amount, compare-at amount or None], ...] or None]
    variants: list[list[Any]] | None
    # [id, url, alternative text]
    media: list[list[str]] | None


class ProductListing(NamedTuple):
    """A product in a list; the fields stand in the order of the columns that are read."""

    id: ProductId
    slug: str
    title: str
    vendor: str
    picture_id: UUID | None
    picture_url: str | None
    picture_alt_text: str | None
    # All three are None without a price in the currency of the list.
    min_amount_minor: int | None
    max_amount_minor: int | None
    compare_at_amount_minor: int | None
    in_stock: bool
    # What the list is sorted by, before the id.
    sort_key: Any


class CategoryNode(NamedTuple):
    """A category in the tree."""

    id: CategoryId
    slug: str
    name: str
    parent_id: CategoryId | None
    depth: int


class ProductPage(NamedTuple):
    """A page of a list."""

    products: tuple[ProductListing, ...]
    currency: str
    # Empty on the last page.
    next_page_token: str
    # Nothing was found as typed; these are similar.
    corrected: bool = False
