"""The bytes of product files as programs really write them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.features.catalog.importing.shopify import parse_products

FILE = "Handle,Title,Vendor,Variant Price\r\ncreme,Crème brûlée – “petite”,Señor €,4.50\r\ntea,Tea,Café,3.00\r\n"


def titles(content: bytes) -> list[tuple[str, str]]:
    file = parse_products(content, default_currency="EUR")
    assert file.errors == ()
    return [(product.title, product.vendor) for product in file.products]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(FILE.encode(), id="utf-8"),
        pytest.param(FILE.encode("utf-8-sig"), id="utf-8 with mark"),
        pytest.param(FILE.encode("utf-16"), id="utf-16 with mark"),
        pytest.param(b"\xfe\xff" + FILE.encode("utf-16-be"), id="utf-16 big-endian with mark"),
        pytest.param(FILE.encode("utf-16-le"), id="utf-16 little-endian without mark"),
        pytest.param(FILE.encode("utf-16-be"), id="utf-16 big-endian without mark"),
        pytest.param(FILE.encode("windows-1252"), id="windows-1252"),
        pytest.param(FILE.replace("\r\n", "\n").encode(), id="unix lines"),
        pytest.param(FILE.replace("\r\n", "\r").encode(), id="old mac lines"),
        pytest.param(FILE.strip().encode(), id="no newline at the end"),
        pytest.param(FILE.replace(",", ";").encode(), id="semicolons"),
        pytest.param(FILE.replace(",", "\t").encode("utf-16"), id="tabs, as Excel saves Unicode text"),
        pytest.param(b"\r\n\r\n" + FILE.encode(), id="blank lines in front"),
        pytest.param(FILE.replace("\r\n", "\r\n,,,\r\n\r\n").encode(), id="blank lines between"),
        pytest.param(FILE.replace("Tea,", "T\0ea,").encode(), id="zero bytes"),
    ],
)
def test_reads_the_same_from_every_form(content):
    assert titles(content) == [("Crème brûlée – “petite”", "Señor €"), ("Tea", "Café")]


def test_reads_a_file_of_two_encodings_line_by_line():
    first, second, third = FILE.encode("utf-8").splitlines(keepends=True)

    mixed = first + second + third.decode().encode("windows-1252")

    assert titles(mixed) == [("Crème brûlée – “petite”", "Señor €"), ("Tea", "Café")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\r\n,,\r\n", "the file is empty"),
        (b"Name,Price\nTea,3.00\n", "this is not a Shopify product file: no column named Title"),
        (b"Handle,Title\ntea,Tea\n", "this is not a Shopify product file: no column named Variant Price"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "this is not a Shopify product file: no column named Title"),
        (b"a" * 1_100_000, "this is not a Shopify product file: no column named Title"),
    ],
)
def test_refuses_what_is_no_product_file(content, reason):
    file = parse_products(content, default_currency="EUR")

    assert file.products == ()
    assert [error.reason for error in file.errors] == [reason]


def test_reports_the_row_whose_quoting_is_broken_and_reads_those_below_it():
    content = (
        b"Handle,Title,Variant Price\n"
        b"one,One,1.00\n"
        b'two,"Two,2.00\n'
        b"three,Three,3.00\n"
        b'four,"Four" inches,4.00\n'
        b"five,Five,5.00\n"
    )

    file = parse_products(content, default_currency="EUR")

    assert [product.slug for product in file.products] == ["one", "three", "five"]
    assert [error.line_number for error in file.errors] == [3, 5]
    assert all("quoting" in error.reason for error in file.errors)


def test_does_not_give_the_rows_below_a_broken_one_to_the_product_above_it():
    content = (
        b"Handle,Title,Option1 Name,Option1 Value,Variant Price\n"
        b"one,One,Size,S,1.00\n"
        b'two,"Two" x,Size,S,2.00\n'
        b",,,M,2.00\n"
    )

    file = parse_products(content, default_currency="EUR")

    assert [(product.slug, len(product.variants)) for product in file.products] == [("one", 1)]
    assert [(error.line_number, error.reason) for error in file.errors][1] == (
        4,
        "the row has no handle and continues no product",
    )


HEADER = b"Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Grams,Image Src,Product Category\n"


@given(st.binary() | st.text(alphabet='a1.,-"\n\r\t;> ').map(str.encode))
def test_reads_or_reports_whatever_comes(noise):
    for content in (noise, HEADER + noise):
        file = parse_products(content, default_currency="EUR")

        assert file.products or file.errors or not re.search(rb"[0-9A-Za-z]", noise)
        assert all(product.variants and product.title for product in file.products)
        lines = content.count(b"\n") + content.count(b"\r") + 1
        assert all(1 <= error.line_number <= lines for error in file.errors)
