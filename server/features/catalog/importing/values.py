"""What a file of products says, whatever its format, what the shop has of it already, and what becomes of it."""

from dataclasses import dataclass
from typing import TypeAlias

from server.features.catalog.values import ProductStatus
from server.kernel.ids import CategoryId, ProductId, VariantId

# The names of a category and of those above it, from the root down; empty for none.
CategoryPath: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportedPrice:
    """A price in one currency, in minor units; `compare_at_amount_minor` is the higher former price."""

    currency: str
    amount_minor: int
    compare_at_amount_minor: int | None


@dataclass(frozen=True, slots=True)
class ImportedImage:
    """A picture, by its absolute address."""

    url: str
    alt_text: str


@dataclass(frozen=True, slots=True)
class ImportedOption:
    """A choice that the buyer has, such as a size, with its values in the order of the file."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportedVariant:
    """One combination of the product's options; `option_values` is empty for a product without options."""

    line_number: int
    sku: str | None
    option_values: tuple[str, ...]
    prices: tuple[ImportedPrice, ...]
    barcode: str
    weight_grams: int
    requires_shipping: bool
    taxable: bool
    # None: the stock of this variant is not counted, so it never runs out.
    quantity: int | None
    backorder: bool


@dataclass(frozen=True, slots=True)
class ImportedProduct:
    """A product with at least one variant."""

    line_number: int
    slug: str
    title: str
    description_html: str
    description_text: str
    vendor: str
    product_type: str
    category: CategoryPath
    tags: tuple[str, ...]
    status: ProductStatus
    options: tuple[ImportedOption, ...]
    images: tuple[ImportedImage, ...]
    seo_title: str
    seo_description: str
    variants: tuple[ImportedVariant, ...]


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row, or a part of it, was left out. `line_number` counts the lines of the file from 1."""

    line_number: int
    handle: str
    reason: str


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """All that could be read of a file, and what could not."""

    products: tuple[ImportedProduct, ...]
    errors: tuple[RowError, ...]


@dataclass(frozen=True, slots=True)
class KnownProduct:
    """A product in the shop."""

    id: ProductId
    slug: str


@dataclass(frozen=True, slots=True)
class KnownVariant:
    """A variant in the shop."""

    id: VariantId
    product_slug: str
    sku: str | None
    option_values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownCategory:
    """A category in the shop."""

    id: CategoryId
    parent_id: CategoryId | None
    slug: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class MatchedVariant:
    """A variant of the file and the one of the shop that it is; a new id when it is none."""

    id: VariantId
    known: bool
    variant: ImportedVariant


@dataclass(frozen=True, slots=True)
class Match:
    """The variants of a product that can be written, what is wrong with the others, and what stays beside them."""

    # Known ones first: writing them may free a combination of options that a new one takes.
    variants: tuple[MatchedVariant, ...]
    errors: tuple[RowError, ...]
    # Variants of the shop that are not in the file and cannot be chosen among its options any more.
    outdated: tuple[VariantId, ...]
    options: tuple[ImportedOption, ...]


@dataclass(frozen=True, slots=True)
class PlannedProduct:
    """A product of the file and what becomes of it."""

    id: ProductId
    category_id: CategoryId | None
    product: ImportedProduct
    match: Match


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `variants` counts those of the file that are in the shop now."""

    created: int
    updated: int
    unchanged: int
    variants: int
    errors: tuple[RowError, ...]
