"""The catalog as buyers see it, and what they ask of it.

Rows are NamedTuples: a frozen dataclass takes five times as long to make, and a page of a list makes twenty.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Self
from uuid import UUID

from server.kernel.ids import CategoryId, MediaId, ProductId, VariantId
from server.kernel.pages import filter_hash


class ProductStatus(StrEnum):
    """Whether the shop shows a product."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


class ProductOrder(StrEnum):
    """The order of a list of products."""

    NEWEST = "NEWEST"
    PRICE_ASC = "PRICE_ASC"
    PRICE_DESC = "PRICE_DESC"
    TITLE = "TITLE"

    @property
    def by_price(self) -> bool:
        """Whether products without a price in the currency are left out."""
        return self in (ProductOrder.PRICE_ASC, ProductOrder.PRICE_DESC)

    @property
    def descending(self) -> bool:
        """Whether the sort key falls."""
        return self in (ProductOrder.NEWEST, ProductOrder.PRICE_DESC)

    @property
    def key_type(self) -> type[datetime | int | str]:
        """The type of the sort key."""
        if self is ProductOrder.NEWEST:
            return datetime
        return str if self is ProductOrder.TITLE else int


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """Which products a list shows, in which order. A category is given by its id or its slug."""

    currency: str
    order: ProductOrder = ProductOrder.NEWEST
    category: CategoryId | str | None = None
    min_price_minor: int | None = None
    max_price_minor: int | None = None
    in_stock: bool = False
    tags: tuple[str, ...] = ()
    vendor: str = ""

    @property
    def digest(self) -> str:
        """What ties the tokens of its pages to it."""
        prices = (self.min_price_minor, self.max_price_minor)
        given = (self.currency, self.order, self.category, *prices, self.in_stock, self.tags, self.vendor)
        return filter_hash("products", *given)


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Which words to search for, in lower case, and among which products."""

    words: tuple[str, ...]
    currency: str
    category: CategoryId | str | None = None
    in_stock: bool = False

    @property
    def digest(self) -> str:
        """What ties the tokens of its pages to it."""
        return filter_hash("search", list(self.words), self.currency, self.category, self.in_stock)


# How a category is named: by an id, by a slug, or not at all.
CategoryName = Literal["", "id", "slug"]


def category_name(category: CategoryId | str | None) -> CategoryName:
    """Tell how a category is named."""
    if category is None:
        return ""
    return "slug" if isinstance(category, str) else "id"


@dataclass(frozen=True, slots=True)
class ListShape:
    """What tells the statement of one list from that of another: the order, and which filters there are."""

    order: ProductOrder = ProductOrder.NEWEST
    after: bool = False
    category: CategoryName = ""
    min_price: bool = False
    max_price: bool = False
    in_stock: bool = False
    tags: bool = False
    vendor: bool = False

    @classmethod
    def of(cls, wanted: ProductFilter, *, after: bool) -> Self:
        """Return the shape of a list, from its beginning or after a place in it."""
        return cls(
            order=wanted.order,
            after=after,
            category=category_name(wanted.category),
            min_price=wanted.min_price_minor is not None,
            max_price=wanted.max_price_minor is not None,
            in_stock=wanted.in_stock,
            tags=bool(wanted.tags),
            vendor=bool(wanted.vendor),
        )

    @property
    def priced(self) -> bool:
        """Whether the price takes part in choosing the products."""
        return self.order.by_price or self.min_price or self.max_price


@dataclass(frozen=True, slots=True)
class SearchShape:
    """What tells the statement of one search from that of another."""

    similar: bool = False
    after: bool = False
    category: CategoryName = ""
    in_stock: bool = False


class ListPlace(NamedTuple):
    """A place in a list: the sort key of a product, and its id."""

    key: datetime | int | str
    id: UUID


# A part of a product that is only shown: the fields of its message by name, as the contract has them.
Shown = dict[str, Any]


class ProductVariant(NamedTuple):
    """A variant that can be bought. Its id stays as PostgreSQL writes it: it only goes out again."""

    id: str
    sku: str
    # In the order of the product's options.
    option_values: list[str]
    weight_grams: int
    requires_shipping: bool
    barcode: str
    # What is left, without what is kept back; both are None where it is not counted.
    available: int | None
    backorder_limit: int | None
    prices: list[Shown]


class ProductDetail(NamedTuple):
    """A product with all that is shown of it."""

    id: ProductId
    slug: str
    title: str
    description_html: str
    vendor: str
    product_type: str
    tags: list[str]
    options: list[Shown]
    seo_title: str
    seo_description: str
    version: int
    created_time: datetime
    updated_time: datetime
    # From the root down.
    category_path: list[Shown]
    variants: list[ProductVariant]
    media: list[Shown]


class ProductListing(NamedTuple):
    """A product in a list."""

    id: ProductId
    slug: str
    title: str
    vendor: str
    # All three are None without a picture.
    picture_id: MediaId | None
    picture_url: str | None
    picture_alt_text: str | None
    # All three are None without a price in the currency of the list.
    min_amount_minor: int | None
    max_amount_minor: int | None
    compare_at_amount_minor: int | None
    in_stock: bool
    # What the list is sorted by, before the id.
    sort_key: datetime | int | str


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


@dataclass(frozen=True, slots=True)
class FirstCount:
    """How many units of a new variant there are, and how many more may be sold than there are.

    A variant that gets no count is not tracked and never runs out.
    """

    variant_id: VariantId
    on_hand: int
    backorder_limit: int
