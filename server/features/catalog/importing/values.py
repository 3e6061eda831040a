"""What a file of products says, whatever its format: the importer's input."""

from dataclasses import dataclass


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
    """A product with at least one variant. `category` is the path of names from the root, empty for none."""

    line_number: int
    slug: str
    title: str
    description_html: str
    description_text: str
    vendor: str
    product_type: str
    category: tuple[str, ...]
    tags: tuple[str, ...]
    status: str
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
