"""Takes the place of what differs from walk to walk: ids, codes, tokens, and times that are not the shop's clock's.

Each gets a name in the order of first appearance, such as `<ord_1>`, and has the same one wherever it stands.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

# Anything that JSON can say.
Json = Any

# When a walk begins by the shop's clock. Far from any wall clock, so that the two can be told apart.
START: Final = datetime(2131, 5, 4, 12, tzinfo=UTC)

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_TO_DIGITS: Final = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_ID: Final = r"(?P<prefix>[a-z]+)_(?P<suffix>[0-7][0-9a-hjkmnp-tv-z]{25})"
_VOLATILE: Final = re.compile(
    r"(?P<access>eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+)"
    rf"|\b{_ID}(?P<signature>\.[\w-]{{43}})?(?![\w])"
    r"|(?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)"
    r"|(?P<hex>\b[0-9a-f]{32}\b)"
    r"|(?P<stripe>\b(?:pi|re)_\d+)"
    r"|(?P<code>\b(?:[0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}\b)"
    r"|(?P<number>\b[2-9B-DF-HJ-NP-TV-XZ]{4}-[2-9B-DF-HJ-NP-TV-XZ]{4}\b)"
    r"|(?P<time>\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)"
)
# What has no form of its own is known by the field in which it first stood.
_OPAQUE: Final = {
    **dict.fromkeys(("refresh_token", "refreshToken"), "refresh"),
    **dict.fromkeys(("next_page_token", "nextPageToken", "page_token", "pageToken"), "page"),
}
# Shorter ones are made up by a walk.
_SHORTEST_TOKEN: Final = 20
# No walk takes longer by the shop's clock.
_LONGEST_WALK: Final = timedelta(days=400)


class Veil:
    """The names that one recording gives."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._of_ids: dict[int, str] = {}
        self._opaque: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def draw(self, value: Json) -> Json:
        """Return the same with names in the place of what is volatile."""
        for key, text in _texts(value):
            self._learn(key, text)
        return self._replace(value)

    def _learn(self, key: str, text: str) -> None:
        # Before anything is replaced: an id may stand as a plain UUID before it does in its own form.
        for found in re.finditer(rf"\b{_ID}(?![\w])", text):
            number = int(found["suffix"].translate(_TO_DIGITS), 32)
            if number not in self._of_ids:
                self._of_ids[number] = self._next(found["prefix"])
        if key in _OPAQUE and len(text) >= _SHORTEST_TOKEN and text not in self._opaque:
            self._opaque[text] = f"<{self._next(_OPAQUE[key])}>"

    def _replace(self, value: Json) -> Json:
        if isinstance(value, dict):
            return {self._replace(key): self._replace(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._replace(part) for part in value]
        if not isinstance(value, str):
            return value
        return self._opaque.get(value) or _VOLATILE.sub(self._name, value)

    def _name(self, found: re.Match[str]) -> str:
        if found["prefix"]:
            name = self._of_ids[int(found["suffix"].translate(_TO_DIGITS), 32)]
            return f"<token of {name}>" if found["signature"] else f"<{name}>"
        if found["uuid"]:
            number = int(found["uuid"].replace("-", ""), 16)
            known = self._of_ids.get(number)
            return f"<uuid of {known}>" if known else self._named("uuid", found["uuid"])
        if found["time"]:
            on_the_clock = START <= datetime.fromisoformat(found["time"]) < START + _LONGEST_WALK
            return found["time"] if on_the_clock else self._named("time", found["time"])
        if found["stripe"]:
            return self._named(found["stripe"].partition("_")[0], found["stripe"])
        return self._named(str(found.lastgroup), found[0])

    def _named(self, kind: str, text: str) -> str:
        if text not in self._names:
            self._names[text] = f"<{self._next(kind)}>"
        return self._names[text]

    def _next(self, kind: str) -> str:
        self._counts[kind] += 1
        return f"{kind}_{self._counts[kind]}"


def _texts(value: Json, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in its order, with the name of the field that holds it."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield "", name
            yield from _texts(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part, key)
    elif isinstance(value, str):
        yield key, value
