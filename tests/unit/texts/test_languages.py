"""Who gets which language."""

import pytest

from server.texts.languages import best_language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("de-CH-1996", "de"),
        ("en-US,en;q=0.9", "en"),
        # As browsers send it.
        ("de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", "de"),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "en"),
        ("en;q=0.2, de;q=0.3", "de"),
        # Of what is wanted alike, the first.
        ("en, de", "en"),
        ("de;q=0.5, en;q=0.500", "de"),
        (" de ; q=1.000 ", "de"),
        ("fr;q=1,\tde;q=0.001", "de"),
    ],
)
def test_takes_what_is_wanted_most(header, language):
    assert best_language(header) == language


@pytest.mark.parametrize(
    "header",
    [
        "",
        "fr",
        "fr, ja;q=0.5",
        # Not German, though it begins alike.
        "deu",
        "den",
        # What is refused is not wanted.
        "de;q=0",
        "en;q=0.000, fr",
        # Any language: the shop's.
        "*",
        "fr, *;q=0.5, de;q=0.1",
    ],
)
def test_has_nothing_for_others(header):
    assert best_language(header) == ""


@pytest.mark.parametrize(
    "header",
    [
        "de;q=2",
        "de;q=0.1234",
        "de;q=-1",
        "de;q=",
        "de;level=1",
        "de;q=0.5;q=0.6",
        "d e",
        "d",
        "-",
        "de--AT",
        "de_DE",
        "toolonglanguage",
        ";;;,,,===",
        "\x00\x01",
        "дe",
        "de\u0661",
        "{de}",
        "," * 10_000,
        "de-" * 5_000,
        "a" * 16_000,
    ],
)
def test_passes_over_what_cannot_be_read(header):
    assert best_language(header) == ""
    assert best_language(f"{header}, de;q=0.5") == "de"


def test_a_header_of_the_largest_size_takes_no_time():
    assert best_language(",".join(["xx-yy;q=0.5"] * 1_300) + ",de;q=0.1") == "de"
