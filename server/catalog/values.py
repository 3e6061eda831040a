"""The catalog as buyers see it: frozen copies of rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from server.kernel.ids import CategoryId, ProductId


@dataclass(frozen=True, slots=True)
class ProductDetail:
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


@dataclass(frozen=True, slots=True)
class ProductListing:
    """A product in a list; the fields stand in the order of the columns that are read."""

    id: ProductId
    slug: str
    title: str
    vendor: str
    picture_id: UUID | None
    picture_url: str
    picture_alt_text: str
    min_amount_minor: int | None
    max_amount_minor: int
    compare_at_amount_minor: int | None
    in_stock: bool
    # What the list is sorted by, before the id.
    sort_key: Any


@dataclass(frozen=True, slots=True)
class CategoryNode:
    """A category in the tree."""

    id: CategoryId
    slug: str
    name: str
    parent_id: CategoryId | None
    depth: int


@dataclass(frozen=True, slots=True)
class ProductPage:
    """A page of a list."""

    products: tuple[ProductListing, ...]
    currency: str
    # Empty on the last page.
    next_page_token: str
    # Nothing was found as typed; these are similar.
    corrected: bool = False
