"""Variants: options, prices, stock and weights, as Shopify's product file says them."""

import pytest

from server.features.catalog.importing.values import ImportedOption, ImportedPrice, ImportedVariant
from tests.world.files import make_row, parse


def parse_variant(**cells: str) -> ImportedVariant:
    file = parse(make_row(**cells))
    assert file.errors == ()
    return file.products[0].variants[0]


def refusal(**cells: str) -> str:
    """Parse a bad row behind a good one; return why it was left out."""
    good = make_row(**{"Option1 Name": "Size", "Option1 Value": "S"})
    file = parse(good, {"Handle": "tea", "Option1 Value": "M", "Variant Price": "3.00", **cells})
    assert [variant.option_values for variant in file.products[0].variants] == [("S",)]
    (error,) = file.errors
    assert (error.line_number, error.handle) == (3, "tea")
    return error.reason


def test_reads_every_field_of_a_variant():
    variant = parse_variant(
        **{
            "Variant SKU": "TEA-1",
            "Variant Grams": "150",
            "Variant Inventory Tracker": "shopify",
            "Variant Inventory Qty": "7",
            "Variant Inventory Policy": "continue",
            "Variant Compare At Price": "3.50",
            "Variant Requires Shipping": "false",
            "Variant Taxable": "false",
            "Variant Barcode": "2000000000015",
        }
    )

    assert variant == ImportedVariant(
        line_number=2,
        sku="TEA-1",
        option_values=(),
        prices=(ImportedPrice("EUR", 300, 350),),
        barcode="2000000000015",
        weight_grams=150,
        requires_shipping=False,
        taxable=False,
        quantity=7,
        backorder=True,
    )


def test_takes_the_usual_for_empty_cells():
    variant = parse_variant()

    assert (variant.sku, variant.barcode, variant.weight_grams) == (None, "", 0)
    assert (variant.requires_shipping, variant.taxable, variant.backorder) == (True, True, False)
    assert variant.quantity is None


def test_collects_the_options_in_the_order_of_the_file():
    names = {"Option1 Name": "Size", "Option2 Name": "Colour", "Option3 Name": "Fit"}
    file = parse(
        make_row(**names, **{"Option1 Value": "M", "Option2 Value": "Red", "Option3 Value": "Slim"}),
        make_row(**{"Title": "", "Option1 Value": "S", "Option2 Value": "Red", "Option3 Value": "Slim"}),
        make_row(**{"Title": "", "Option1 Value": "M", "Option2 Value": "Blue", "Option3 Value": "Wide"}),
    )

    assert file.errors == ()
    assert file.products[0].options == (
        ImportedOption("Size", ("M", "S")),
        ImportedOption("Colour", ("Red", "Blue")),
        ImportedOption("Fit", ("Slim", "Wide")),
    )
    assert file.products[0].variants[2].option_values == ("M", "Blue", "Wide")


def test_an_option_that_is_really_called_title_stays_one():
    file = parse(
        make_row(**{"Option1 Name": "Title", "Option1 Value": "First Edition"}),
        make_row(**{"Title": "", "Option1 Value": "Second Edition"}),
    )

    assert file.products[0].options == (ImportedOption("Title", ("First Edition", "Second Edition")),)


@pytest.mark.parametrize(
    ("cells", "prices"),
    [
        ({"Variant Price": "19.99"}, [("EUR", 1999, None)]),
        ({"Variant Price": "50"}, [("EUR", 5000, None)]),
        ({"Variant Price": "0.00"}, [("EUR", 0, None)]),
        ({"Variant Price": "19.9900"}, [("EUR", 1999, None)]),
        ({"Variant Compare At Price": "2.00"}, [("EUR", 300, None)]),
        ({"Variant Compare At Price": "3.00"}, [("EUR", 300, None)]),
        ({"Variant Compare At Price": "0.00"}, [("EUR", 300, None)]),
        ({"Price / USD": "3.30"}, [("EUR", 300, None), ("USD", 330, None)]),
        (
            {"Price / USD": "3.30", "Compare At Price / USD": "4.00", "Variant Compare At Price": "3.50"},
            [("EUR", 300, 350), ("USD", 330, 400)],
        ),
        ({"Price / usd": "3.30", "Compare-at price / usd": "4"}, [("EUR", 300, None), ("USD", 330, 400)]),
        ({"Variant Price": "", "Price / USD": "3.30"}, [("USD", 330, None)]),
        ({"Variant Price": "9.00", "Price / EUR": "8.00"}, [("EUR", 800, None)]),
        ({"Price / JPY": "500.00"}, [("EUR", 300, None), ("JPY", 500, None)]),
        ({"Price / KWD": "1.125"}, [("EUR", 300, None), ("KWD", 1125, None)]),
        # Markets, not currencies.
        ({"Price / International": "9.00", "Price / USA": "9.00"}, [("EUR", 300, None)]),
    ],
)
def test_reads_prices(cells, prices):
    variant = parse_variant(**cells)

    assert [(price.currency, price.amount_minor, price.compare_at_amount_minor) for price in variant.prices] == prices


@pytest.mark.parametrize(
    ("cells", "grams"),
    [
        ({"Variant Grams": "1360.0"}, 1360),
        ({"Variant Grams": "453.592"}, 454),
        ({"Variant Grams": "300", "Variant Weight Unit": "kg"}, 300),
        ({"Variant Weight": "1.5"}, 1500),
        ({"Variant Weight": "1.5", "Variant Weight Unit": "lb"}, 680),
        ({"Variant Weight": "8", "Variant Weight Unit": "oz"}, 227),
        ({"Variant Weight": "80", "Variant Weight Unit": "g"}, 80),
    ],
)
def test_reads_weights(cells, grams):
    assert parse_variant(**cells).weight_grams == grams


@pytest.mark.parametrize(("text", "quantity"), [("5", 5), ("5.0", 5), ("", 0), ("0", 0), ("-3", 0)])
def test_reads_quantities_of_tracked_variants(text, quantity):
    variant = parse_variant(**{"Variant Inventory Tracker": "shopify", "Variant Inventory Qty": text})

    assert variant.quantity == quantity


def test_does_not_count_what_the_other_shop_does_not_count():
    assert parse_variant(**{"Variant Inventory Tracker": "", "Variant Inventory Qty": "4"}).quantity is None


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Variant Price": "", "Variant SKU": "A"}, "the row has no price"),
        ({"Variant Price": "free"}, "the price 'free' cannot be read: an amount is digits"),
        ({"Variant Price": "1,299.00"}, "the price '1,299.00' cannot be read"),
        ({"Variant Price": "19,99"}, "the price '19,99' cannot be read"),
        ({"Variant Price": "€3.00"}, "the price '€3.00' cannot be read"),
        ({"Variant Price": "-3.00"}, "the price '-3.00' cannot be read: an amount must not be negative"),
        ({"Variant Price": "3.999"}, "the price '3.999' cannot be read: EUR has at most 2 decimals"),
        ({"Variant Price": "9" * 20}, "cannot be read: an amount must be at most"),
        ({"Price / JPY": "3.50"}, "the price '3.50' cannot be read: JPY has no decimals"),
        ({"Variant Compare At Price": "was 9"}, "the compare-at price 'was 9' cannot be read"),
        ({"Variant Grams": "-1"}, "variant grams must be a number that is not negative, not '-1'"),
        ({"Variant Grams": "heavy"}, "variant grams must be a number that is not negative, not 'heavy'"),
        ({"Variant Grams": "99999999999"}, "variant grams 99999999999 is too large"),
        ({"Variant Weight": "1", "Variant Weight Unit": "stone"}, "variant weight unit must be g, kg, oz or lb"),
        ({"Variant Inventory Qty": "1.5"}, "variant inventory qty must be a whole number, not '1.5'"),
        ({"Variant Inventory Qty": "many"}, "variant inventory qty must be a whole number, not 'many'"),
        ({"Variant Inventory Qty": "9999999999"}, "variant inventory qty 9999999999 is too large"),
        ({"Variant Inventory Policy": "allow"}, "variant inventory policy must be deny or continue, not 'allow'"),
        ({"Variant Taxable": "7 %"}, "variant taxable must be true or false, not '7 %'"),
        ({"Variant SKU": "x" * 256}, "variant sku is longer than 255 characters"),
        ({"Variant SKU": "2.00E+12"}, "variant sku 2.00E+12 was rounded by a spreadsheet: export the file again"),
        ({"Option1 Value": ""}, "the row has no value for the option Size"),
        ({"Option1 Value": "x" * 201}, "option1 value is longer than 200 characters"),
        ({"Option2 Value": "Red"}, "option2 value is 'Red', but the product gives that option no name"),
        ({"Option1 Value": "S"}, "S stands already on line 2"),
    ],
)
def test_leaves_out_a_bad_variant_only(cells, reason):
    assert reason in refusal(**cells)


def test_keeps_the_product_fields_of_a_bad_first_row():
    file = parse(
        make_row(**{"Option1 Name": "Size", "Option1 Value": "S", "Variant Price": "bad", "Vendor": "Speicher"}),
        make_row(**{"Title": "", "Option1 Value": "M"}),
    )

    (product,) = file.products
    assert (product.title, product.vendor) == ("Tea", "Speicher")
    assert product.options == (ImportedOption("Size", ("M",)),)
    assert [error.line_number for error in file.errors] == [2]


def test_a_product_without_options_has_one_variant():
    file = parse(make_row(), make_row(**{"Variant Price": "4.00"}))

    assert [variant.prices[0].amount_minor for variant in file.products[0].variants] == [300]
    assert [error.reason for error in file.errors] == ["a variant without options stands already on line 2"]


def test_reports_a_sku_that_stands_twice_in_the_file():
    file = parse(
        make_row(**{"Variant SKU": "A"}),
        make_row(**{"Handle": "mug", "Title": "Mug", "Variant SKU": "A"}),
        make_row(**{"Handle": "pan", "Title": "Pan", "Variant SKU": "'A"}),
        make_row(**{"Handle": "pot", "Title": "Pot", "Variant SKU": "a"}),
    )

    assert [product.slug for product in file.products] == ["tea", "pot"]
    reasons = [error.reason for error in file.errors if "SKU" in error.reason]
    assert reasons == ["the SKU A stands already on line 2"] * 2


def test_the_sku_of_a_bad_row_is_free():
    file = parse(
        make_row(**{"Variant SKU": "A", "Variant Price": "bad"}),
        make_row(**{"Handle": "mug", "Title": "Mug", "Variant SKU": "A"}),
    )

    assert [product.slug for product in file.products] == ["mug"]
