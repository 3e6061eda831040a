"""What is said in a language, and how money, dates and countries are written in it."""

import gettext
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from math import ceil
from typing import Any, Final

from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.lists import format_list
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from babel.numbers import format_currency

from server.kernel.money import currency_exponent
from server.texts.languages import FALLBACK, FOLDER, LANGUAGES

_UNITS_SECONDS: Final = (86_400, 3_600, 60, 1)


class CatalogueBroken(Exception):
    """A catalogue cannot be used."""


class Texts:
    """Everything that is said in one language."""

    def __init__(self, language: str, catalogue: Catalog) -> None:
        """Take a catalogue. Raises CatalogueBroken when its header names no locale."""
        if catalogue.locale is None:
            raise CatalogueBroken(f"the header of the catalogue {language} names no `Language` that is known")
        # As people's programs name it: `lang` of a mail, the locale of a localized message.
        self.language = language
        self._locale: Locale = catalogue.locale
        self._plural_form: Callable[[int], int] = gettext.c2py(catalogue.plural_expr)
        self._texts: Mapping[str, Sequence[str]] = {
            _key(message): (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
            for message in catalogue
            # The header has no key.
            if message.id
        }

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def say(self, key: str, /, **values: Any) -> str:
        """Return a text with its placeholders filled. One with plural forms goes by `count`.

        Raises KeyError for a text or a placeholder that is not there.
        """
        forms = self._texts[key]
        form = forms[self._plural_form(values["count"])] if len(forms) > 1 else forms[0]
        return form.format(**values)

    def amount(self, minor: int, currency: str) -> str:
        """Write an amount of money, with the currency's sign."""
        return format_currency(Decimal(minor).scaleb(-currency_exponent(currency)), currency, locale=self._locale)

    def date(self, day: date) -> str:
        """Write a date in words."""
        return format_date(day, format="long", locale=self._locale)

    def region(self, code: str) -> str:
        """Name a country."""
        return str(self._locale.territories.get(code, code))

    def wait(self, duration: timedelta) -> str:
        """Say when a time will have passed, in whole units, rounded up: `in 5 minutes`."""
        seconds = max(1, ceil(duration.total_seconds()))
        unit = next(unit for unit in _UNITS_SECONDS if seconds >= unit)
        rounded = timedelta(seconds=ceil(seconds / unit) * unit)
        return format_timedelta(rounded, add_direction=True, threshold=1, locale=self._locale)

    def listed(self, items: Sequence[str]) -> str:
        """Write several things in a row: `one, two and three`."""
        return format_list(items, locale=self._locale)


def _key(message: Message) -> str:
    # The same one stands for all plural forms.
    return message.id if isinstance(message.id, str) else message.id[0]


def read_catalogue(language: str) -> Catalog:
    """Read a language's file."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, abort_invalid=True)


_TEXTS: Final = {language: Texts(language, read_catalogue(language)) for language in LANGUAGES}


def texts_in(*languages: str) -> Texts:
    """Return the texts in the first of these languages that the shop speaks, English when it speaks none of them."""
    return next((_TEXTS[language] for language in languages if language in _TEXTS), _TEXTS[FALLBACK])
