"""The variants and options that the rows of one product in a Shopify product file say."""

from collections.abc import Iterator, Sequence

from server.features.catalog.importing.shopify.cell_rules import (
    MAX_OPTION_LENGTH,
    CellError,
    read_backorder,
    read_code,
    read_flag,
    read_prices,
    read_quantity,
    read_text,
    read_weight_grams,
)
from server.features.catalog.importing.shopify.values import Column, ProductRows, Row
from server.features.catalog.importing.values import ImportedOption, ImportedVariant

_OPTIONS = (
    (Column.OPTION1_NAME, Column.OPTION1_VALUE),
    (Column.OPTION2_NAME, Column.OPTION2_VALUE),
    (Column.OPTION3_NAME, Column.OPTION3_VALUE),
)
_VARIANT_COLUMNS = {Column.OPTION1_VALUE, Column.OPTION2_VALUE, Column.OPTION3_VALUE, Column.SKU, Column.PRICE}
# What Shopify writes for a product that comes in one form only.
_NO_OPTION_NAME = "title"
_NO_OPTION_VALUE = "default title"


class VariantReader:
    """Reads the variants of one product after another and keeps the SKUs of the file apart."""

    def __init__(self, default_currency: str) -> None:
        self._default_currency = default_currency
        self._sku_lines: dict[str, int] = {}

    def read(self, product: ProductRows) -> tuple[tuple[ImportedOption, ...], tuple[ImportedVariant, ...]]:
        """Return the options and the variants that can be read; the product's report says what is wrong with others."""
        rows = [row for row in product.rows if row is product.rows[0] or _says_variant(row)]
        names = _option_names(product, rows)
        variants: dict[tuple[str, ...], ImportedVariant] = {}
        for row in rows:
            try:
                variant = self._read_variant(row, names)
                twin = variants.get(variant.option_values)
                if twin is not None:
                    combination = " / ".join(variant.option_values) or "a variant without options"
                    raise CellError(f"{combination} stands already on line {twin.line_number}")
                self._claim_sku(variant)
            except CellError as error:
                product.report(row, str(error))
            else:
                variants[variant.option_values] = variant
        return _collect_options(tuple(names.values()), tuple(variants.values())), tuple(variants.values())

    def _read_variant(self, row: Row, names: dict[Column, str]) -> ImportedVariant:
        return ImportedVariant(
            line_number=row.line_number,
            sku=read_code(row, Column.SKU) or None,
            option_values=tuple(_read_option_values(row, names)),
            prices=read_prices(row, self._default_currency),
            barcode=read_code(row, Column.BARCODE),
            weight_grams=read_weight_grams(row),
            requires_shipping=read_flag(row, Column.REQUIRES_SHIPPING, default=True),
            taxable=read_flag(row, Column.TAXABLE, default=True),
            quantity=read_quantity(row),
            backorder=read_backorder(row),
        )

    def _claim_sku(self, variant: ImportedVariant) -> None:
        if variant.sku is None:
            return
        taken = self._sku_lines.setdefault(variant.sku, variant.line_number)
        if taken != variant.line_number:
            raise CellError(f"the SKU {variant.sku} stands already on line {taken}")


def _says_variant(row: Row) -> bool:
    return bool(row.prices) or not _VARIANT_COLUMNS.isdisjoint(row.cells)


def _option_names(product: ProductRows, rows: Sequence[Row]) -> dict[Column, str]:
    """Return the names of the options by the column of their values, without Shopify's stand-in for none."""
    names = {values: product.text(name, MAX_OPTION_LENGTH) for name, values in _OPTIONS}
    named = {column: name for column, name in names.items() if name}
    values = {row.text(Column.OPTION1_VALUE).lower() for row in rows}
    if [name.lower() for name in named.values()] == [_NO_OPTION_NAME] and values <= {"", _NO_OPTION_VALUE}:
        return {}
    return named


def _read_option_values(row: Row, names: dict[Column, str]) -> Iterator[str]:
    for _, column in _OPTIONS:
        value = read_text(row, column, MAX_OPTION_LENGTH)
        if column in names:
            if not value:
                raise CellError(f"the row has no value for the option {names[column]}")
            yield value
        elif value and value.lower() != _NO_OPTION_VALUE:
            raise CellError(f"{column} is {value!r}, but the product gives that option no name")


def _collect_options(names: Sequence[str], variants: Sequence[ImportedVariant]) -> tuple[ImportedOption, ...]:
    """Join the names with the values that the variants have, in the order of the file."""
    return tuple(
        ImportedOption(name, tuple(dict.fromkeys(variant.option_values[index] for variant in variants)))
        for index, name in enumerate(names)
    )
