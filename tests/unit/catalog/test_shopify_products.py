"""Products, their fields and pictures, as Shopify's product file says them."""

import pytest

from server.features.catalog.importing.shopify import parse_products
from server.features.catalog.importing.values import ImportedImage, ImportedProduct, RowError
from tests.world.files import SAMPLE, make_row, parse


def parse_one(**cells: str) -> ImportedProduct:
    (product,) = parse(make_row(**cells)).products
    return product


def test_reads_every_field_of_a_product():
    file = parse(
        {
            "Handle": "pilot-sweater",
            "Title": "Pilot  Sweater",
            "Body (HTML)": "<p>Warm &amp; dense.</p><p>Wool.</p>",
            "Vendor": "Halvor",
            "Product Category": "Apparel & Accessories > Clothing > Sweaters",
            "Type": "Sweater",
            "Tags": "wool, Winter,, WOOL ,made to last",
            "Published": "TRUE",
            "Option1 Name": "Title",
            "Option1 Value": "Default Title",
            "Variant Price": "189.00",
            "Image Src": "https://images.kontor.example/a.jpg?v=1",
            "Image Position": "1",
            "Image Alt Text": "From the front",
            "Gift Card": "false",
            "SEO Title": "Pilot Sweater | Kontor",
            "SEO Description": "A dense sweater.",
            "Status": "active",
        }
    )

    assert file.errors == ()
    (product,) = file.products
    assert product.slug == "pilot-sweater"
    assert product.title == "Pilot Sweater"
    assert product.description_html == "<p>Warm &amp; dense.</p><p>Wool.</p>"
    assert product.description_text == "Warm & dense. Wool."
    assert product.vendor == "Halvor"
    assert product.category == ("Apparel & Accessories", "Clothing", "Sweaters")
    assert product.product_type == "Sweater"
    assert product.tags == ("wool", "Winter", "made to last")
    assert product.status == "ACTIVE"
    assert product.options == ()
    assert product.images == (ImportedImage("https://images.kontor.example/a.jpg?v=1", "From the front"),)
    assert product.seo_title == "Pilot Sweater | Kontor"
    assert product.seo_description == "A dense sweater."


def test_reads_the_newer_template():
    file = parse(
        {
            "Title": "Ledger Notebook",
            "URL handle": "",
            "Description": "<p>Lies flat.</p>",
            "Vendor": "Papierhof",
            "Product category": "Stationery > Notebooks",
            "Type": "Notebook",
            "Tags": "paper",
            "Published on online store": "TRUE",
            "Status": "Active",
            "SKU": "PH-1",
            "Barcode": "'0200000000012",
            "Option1 name": "Ruling",
            "Option1 value": "Lined",
            "Price": "19.80",
            "Compare-at price": "24",
            "Charge tax": "FALSE",
            "Inventory tracker": "shopify",
            "Inventory quantity": "12",
            "Continue selling when out of stock": "CONTINUE",
            "Weight value (grams)": "340",
            "Weight unit for display": "g",
            "Requires shipping": "TRUE",
            "Product image URL": "https://images.kontor.example/l.jpg",
            "Image position": "1",
            "Image alt text": "Open",
        }
    )

    assert file.errors == ()
    (product,) = file.products
    (variant,) = product.variants
    assert product.slug == "ledger-notebook"
    assert product.description_text == "Lies flat."
    assert product.category == ("Stationery", "Notebooks")
    assert product.images == (ImportedImage("https://images.kontor.example/l.jpg", "Open"),)
    assert (variant.sku, variant.barcode, variant.option_values) == ("PH-1", "0200000000012", ("Lined",))
    assert (variant.prices[0].amount_minor, variant.prices[0].compare_at_amount_minor) == (1980, 2400)
    assert (variant.taxable, variant.quantity, variant.backorder, variant.weight_grams) == (False, 12, True, 340)


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ({}, "ACTIVE"),
        ({"Status": "ACTIVE"}, "ACTIVE"),
        ({"Status": "draft"}, "DRAFT"),
        ({"Status": "unlisted"}, "DRAFT"),
        ({"Status": "archived"}, "ARCHIVED"),
        ({"Published": "false"}, "DRAFT"),
        ({"Published": "false", "Status": "archived"}, "ARCHIVED"),
        ({"Published": "", "Status": "active"}, "ACTIVE"),
        ({"Gift Card": "true"}, "DRAFT"),
    ],
)
def test_shows_what_the_other_shop_shows(cells, status):
    assert parse_one(**cells).status == status


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Status": "maybe"}, "status must be active, draft or archived, not 'maybe'"),
        ({"Published": "perhaps"}, "published must be true or false, not 'perhaps'"),
    ],
)
def test_keeps_a_product_hidden_whose_status_cannot_be_read(cells, reason):
    file = parse(make_row(**cells))

    assert [product.status for product in file.products] == ["DRAFT"]
    assert file.errors == (RowError(2, "tea", reason),)


@pytest.mark.parametrize(
    ("cells", "category"),
    [
        ({"Type": "Shirt"}, ("Shirt",)),
        ({"Product Category": "", "Type": "Shirt"}, ("Shirt",)),
        ({"Product Category": "Uncategorized", "Type": "Shirt"}, ("Shirt",)),
        ({"Product Category": "gid://shopify/TaxonomyCategory/aa-1-13", "Type": "Shirt"}, ("Shirt",)),
        ({"Product Category": "aa-1-13-8", "Type": ""}, ()),
        ({"Standardized Product Type": "Home > Kitchen", "Custom Product Type": "Pan"}, ("Home", "Kitchen")),
        ({"Product Category": " Home >> Kitchen > "}, ("Home", "Kitchen")),
    ],
)
def test_finds_the_category(cells, category):
    assert parse_one(**cells).category == category


def test_takes_each_product_field_from_the_first_row_that_has_it():
    file = parse(
        make_row(**{"Title": "", "Option1 Name": "Size", "Option1 Value": "S", "Vendor": "", "Tags": "a"}),
        make_row(**{"Title": "Tea", "Option1 Name": "", "Option1 Value": "M", "Vendor": "Speicher", "Tags": "b"}),
    )

    assert file.errors == ()
    (product,) = file.products
    assert (product.title, product.vendor, product.tags) == ("Tea", "Speicher", ("a",))
    assert [variant.option_values for variant in product.variants] == [("S",), ("M",)]


def test_reads_pictures_from_any_row_in_the_order_of_their_positions():
    image = "https://images.kontor.example/{}.jpg"
    file = parse(
        make_row(**{"Image Src": image.format("b"), "Image Position": "2", "Image Alt Text": "B"}),
        {"Handle": "tea", "Image Src": image.format("a"), "Image Position": "1"},
        {"Handle": "tea", "Image Src": image.format("b"), "Image Position": "3"},
        {"Handle": "tea", "Image Src": image.format("c")},
        # Some programs repeat the variant's flags on a picture's row.
        {"Handle": "tea", "Image Src": image.format("d"), "Variant Requires Shipping": "true"},
    )

    assert file.errors == ()
    assert [(picture.url[-5], picture.alt_text) for picture in file.products[0].images] == [
        *(("a", ""), ("b", "B"), ("c", ""), ("d", "")),
    ]
    assert len(file.products[0].variants) == 1


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "images/a.jpg", "https://", "ftp://a.example/a.jpg", "https://[a/b", "https://a b/c"]
)
def test_leaves_out_a_picture_that_is_no_web_address(url):
    file = parse(make_row(**{"Image Src": url}))

    assert [product.images for product in file.products] == [()]
    assert [error.line_number for error in file.errors] == [2]
    assert "image src" in file.errors[0].reason


def test_joins_rows_of_one_handle_wherever_they_stand():
    file = parse(
        make_row(**{"Option1 Name": "Size", "Option1 Value": "S"}),
        make_row(Handle="mug", Title="Mug"),
        make_row(**{"Handle": "Tea", "Title": "", "Option1 Value": "M"}),
    )

    assert file.errors == ()
    assert [(product.slug, len(product.variants)) for product in file.products] == [("tea", 2), ("mug", 1)]


def test_takes_a_row_without_a_handle_for_the_product_above():
    file = parse(
        make_row(**{"Option1 Name": "Size", "Option1 Value": "S"}),
        {"Option1 Value": "M", "Variant Price": "4.00"},
    )

    assert file.errors == ()
    assert [variant.line_number for variant in file.products[0].variants] == [2, 3]


@pytest.mark.parametrize(
    ("rows", "errors"),
    [
        ([{"Variant Price": "1.00", "Title": ""}], [(2, "", "the row has no handle and continues no product")]),
        ([make_row(Handle="!!!")], [(2, "!!!", "the handle has no letter and no digit")]),
        (
            [make_row(Title=""), {"Option1 Value": "M"}],
            [(2, "tea", "the product has no title that can be used, so its rows are left out")],
        ),
        (
            [make_row(Title="T" * 256)],
            [
                (2, "tea", "title is longer than 255 characters"),
                (2, "tea", "the product has no title that can be used, so its rows are left out"),
            ],
        ),
        (
            [make_row(**{"Variant Price": ""})],
            [
                (2, "tea", "the row has no price"),
                (2, "tea", "none of its variants can be read, so the product is left out"),
            ],
        ),
    ],
)
def test_reports_a_product_that_cannot_be_sold(rows, errors):
    file = parse(*rows)

    assert file.products == ()
    assert [(error.line_number, error.handle, error.reason) for error in file.errors] == errors


def test_keeps_a_product_without_its_texts_that_are_too_long():
    file = parse(
        make_row(
            **{
                "Body (HTML)": "a" * 500_001,
                "Vendor": "v" * 256,
                "Tags": "good," + "t" * 256,
                "Product Category": " > ".join(f"Level {depth}" for depth in range(12)),
            }
        )
    )

    (product,) = file.products
    assert (product.description_html, product.vendor, product.tags) == ("", "", ("good",))
    assert len(product.category) == 10
    assert len(file.errors) == 4


def test_counts_the_lines_of_the_file_not_its_rows():
    content = (
        b'Handle,Title,Body (HTML),Variant Price\r\ntea,Tea,"<p>one</p>\r\n\r\n<p>two</p>",3.00\r\n\r\nmug,Mug,,bad\r\n'
    )

    file = parse_products(content, default_currency="EUR")

    assert [product.line_number for product in file.products] == [2]
    assert file.products[0].description_text == "one two"
    assert {error.line_number for error in file.errors} == {6}


def test_reports_a_row_with_more_cells_than_the_header():
    content = b"Handle,Title,Variant Price\ntea,Tea,3.00,,\nmug,Mug, blue,4.00\n"

    file = parse_products(content, default_currency="EUR")

    assert [product.slug for product in file.products] == ["tea"]
    assert file.errors == (RowError(3, "mug", "the row has 4 cells, the header only 3: is a comma not quoted?"),)


def test_reads_a_row_that_ends_early():
    file = parse_products(b"Title,Variant Price,Vendor,Tags\nTea,3.00\n", default_currency="EUR")

    assert file.errors == ()
    assert [(product.slug, product.vendor) for product in file.products] == [("tea", "")]


def test_reads_the_sample_catalog_without_an_error():
    file = parse_products(SAMPLE.read_bytes(), default_currency="EUR")

    assert file.errors == ()
    variants = [variant for product in file.products for variant in product.variants]
    assert 40 <= len(file.products) <= 50
    assert max(len(product.category) for product in file.products) == 3
    assert {price.currency for variant in variants for price in variant.prices} == {"EUR", "USD"}
    assert all(len(variant.prices) == 2 for variant in variants)
    # What the demonstration and the tests of the journey count on.
    assert any(not variant.requires_shipping and variant.quantity is None for variant in variants)
    assert any(variant.backorder and variant.quantity == 0 for variant in variants)
    single = [product for product in file.products if len(product.variants) == 1]
    assert {product.variants[0].quantity for product in single} >= {0, 1}
    assert all(product.description_text and product.images for product in file.products)
    assert len({variant.sku for variant in variants}) == len(variants)
