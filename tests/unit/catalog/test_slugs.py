import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.features.catalog.slug_rules import MAX_SLUG_LENGTH, slugify


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("ocean-blue-shirt", "ocean-blue-shirt"),
        ("Ocean  Blue_Shirt!", "ocean-blue-shirt"),
        ("Men's Shirt", "mens-shirt"),
        ("Crème Brûlée", "creme-brulee"),
        ("Straße & Söhne", "strasse-sohne"),
        ("Ærø Łódź", "aero-lodz"),
        ("--a--b--", "a-b"),
        ("がら 東京", "がら-東京"),
        ("½ Price", "1-2-price"),
        ("!!!", ""),
        ("", ""),
    ],
)
def test_writes_names_for_addresses(text, slug):
    assert slugify(text) == slug


@given(st.text())
def test_a_slug_is_its_own_slug(text):
    slug = slugify(text)

    assert slugify(slug) == slug
    assert len(slug) <= MAX_SLUG_LENGTH
    assert slug == slug.strip("-")
    assert "--" not in slug
