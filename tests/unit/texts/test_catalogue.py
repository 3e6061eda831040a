"""Texts, money, dates and names in each language."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from babel.messages.pofile import read_po

from server.texts.catalogue import CatalogueBroken, Texts, texts_in

_POLISH = """
msgid ""
msgstr ""
"Language: pl\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\\n"

msgid "files"
msgid_plural "files"
msgstr[0] "jeden plik w {folder}"
msgstr[1] "{count} pliki w {folder}"
msgstr[2] "{count} plików w {folder}"

msgid "name"
msgstr "Plik {name}"
"""


def polish() -> Texts:
    return Texts("pl", read_po(BytesIO(_POLISH.encode())))


def test_fills_placeholders_by_name():
    assert polish().say("name", name="{x}") == "Plik {x}"


@pytest.mark.parametrize(
    ("count", "text"), [(1, "jeden plik w A"), (3, "3 pliki w A"), (12, "12 plików w A"), (22, "22 pliki w A")]
)
def test_takes_the_plural_form_of_the_language(count, text):
    assert polish().say("files", count=count, folder="A") == text


def test_a_text_that_is_not_there_is_a_defect():
    with pytest.raises(KeyError, match="nothing"):
        polish().say("nothing")
    with pytest.raises(KeyError, match="name"):
        polish().say("name")


def test_a_catalogue_has_to_say_how_it_writes_money():
    with pytest.raises(CatalogueBroken, match="xx"):
        Texts("xx", read_po(BytesIO(b'msgid "a"\nmsgstr "b"\n')))


@pytest.mark.parametrize(
    ("language", "amounts", "day", "region"),
    [
        ("en", ["€1,234.50", "-€0.99", "US$1.00", "JP¥500"], "1 March 2026", "Germany"),
        ("de", ["1.234,50\xa0€", "-0,99\xa0€", "1,00\xa0$", "500\xa0¥"], "1. März 2026", "Deutschland"),
    ],
)
def test_writes_as_the_language_does(language, amounts, day, region):
    texts = texts_in(language)

    written = [
        texts.amount(minor, currency) for minor, currency in [(123450, "EUR"), (-99, "EUR"), (100, "USD"), (500, "JPY")]
    ]

    assert written == amounts
    assert texts.date(date(2026, 3, 1)) == day
    assert (texts.region("DE"), texts.region("QQ")) == (region, "QQ")


@pytest.mark.parametrize(
    ("seconds", "english", "german"),
    [
        (0, "in 1 second", "in 1 Sekunde"),
        (59.2, "in 1 minute", "in 1 Minute"),
        (61, "in 2 minutes", "in 2 Minuten"),
        (15 * 60, "in 15 minutes", "in 15 Minuten"),
        (3_601, "in 2 hours", "in 2 Stunden"),
        (25 * 3_600, "in 2 days", "in 2 Tagen"),
    ],
)
def test_says_when_a_time_will_have_passed(seconds, english, german):
    wait = timedelta(seconds=seconds)

    assert (texts_in("en").wait(wait), texts_in("de").wait(wait)) == (english, german)


@pytest.mark.parametrize(
    ("wanted", "language"),
    [(["de", "en"], "de"), (["", "de"], "de"), (["xx", "de"], "de"), (["", ""], "en"), (["xx"], "en"), ([], "en")],
)
def test_the_first_language_that_there_is_counts(wanted, language):
    assert texts_in(*wanted).language == language
