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
        "," * 200,
        "de-" * 70,
        "a" * 200,
    ],
)
def test_passes_over_what_cannot_be_read(header):
    assert best_language(header) == ""
    assert best_language(f"{header}, de;q=0.5") == "de"


def test_reads_no_more_of_a_header_than_browsers_send():
    """A refusal reads it on the one thread that answers all: nobody may make that long."""
    assert best_language("de" + ", fr" * 5_000) == "de"
    assert best_language("fr, " * 100 + "de") == ""


def test_passes_over_ranges_with_more_parts_than_languages_have():
    assert best_language("de-at-1996-x-y") == "de"
    assert best_language("de" + "-a" * 100 + ", en") == "en"
