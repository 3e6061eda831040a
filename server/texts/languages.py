"""The languages that the shop speaks, and which of them somebody wants."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
# Each has a catalogue; the name of its file is a language tag (RFC 5646), such as `de` or `pt-BR`.
LANGUAGES: Final = tuple(sorted(path.stem for path in FOLDER.glob("*.po")))
# Of shops that choose none, and of documents that were made before there was a choice.
FALLBACK: Final = "en"

_BY_LOWER_CASE: Final = {language.lower(): language for language in LANGUAGES}
# Browsers send less than this; whoever sends more gets an answer for what fits.
_MAX_HEADER_LENGTH: Final = 256
# RFC 9110, 12.5.4: a language range, and how much it is wanted.
_RANGE: Final = re.compile(
    r"[ \t]*(\*|[a-z]{1,8}(?:-[a-z0-9]{1,8}){0,4})[ \t]*(?:;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?",
    re.IGNORECASE | re.ASCII,
)


def best_language(accept_language: str) -> str:
    """Return the language of ours that an `Accept-Language` header asks for first; empty: none, or any.

    What cannot be read in it is passed over.
    """
    for wanted in _by_preference(accept_language[:_MAX_HEADER_LENGTH]):
        if wanted == "*":
            return ""
        found = _look_up(wanted)
        if found:
            return found
    return ""


def _by_preference(header: str) -> Iterator[str]:
    ranges = [match for part in header.split(",") if (match := _RANGE.fullmatch(part))]
    weighed = [(float(match[2] or 1), match[1]) for match in ranges]
    # sorted() is stable: of what is wanted alike, the first counts.
    return (wanted for weight, wanted in sorted(weighed, key=lambda pair: -pair[0]) if weight > 0)


def _look_up(wanted: str) -> str:
    """Find the closest that is no narrower: `de-AT` is answered by `de` (RFC 4647, 3.4)."""
    parts = wanted.lower().split("-")
    while parts:
        found = _BY_LOWER_CASE.get("-".join(parts))
        if found:
            return found
        parts.pop()
    return ""
