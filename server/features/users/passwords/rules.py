"""How much guessing a password stands: a small relative of zxcvbn."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

# Ten thousand million guesses: what zxcvbn calls safely unguessable. Argon2 makes each of them cost.
_MIN_BITS: Final = math.log2(10**10)
_DIGIT_BITS: Final = math.log2(10)
_LETTER_BITS: Final = math.log2(26)
_OTHER_BITS: Final = 5.0
_RUN_BITS: Final = 8.0
_YEAR_BITS: Final = 7.0
_OWN_WORD_BITS: Final = 1.0
_MIN_RUN: Final = 3
_LONGEST_WORD: Final = 32
_ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "1234567890")
_LEET: Final = str.maketrans("@4301!$57", "aaeoiisst")
_YEAR: Final = re.compile(r"(19|20)\d\d")
_PRINTABLE: Final = [chr(number) for number in range(33, 127)]


def _make_steps(distance: int) -> frozenset[tuple[str, str]]:
    return frozenset((one, chr(ord(one) + distance)) for one in _PRINTABLE)


def _make_keys(direction: int) -> frozenset[tuple[str, str]]:
    rows = [row[::direction] for row in _ROWS]
    return frozenset(pair for row in rows for pair in pairwise(row))


_SUCCESSORS: Final = (*map(_make_steps, (0, 1, -1)), *map(_make_keys, (1, -1)))


@cache
def common_passwords() -> Mapping[str, int]:
    """Return the list of common passwords, each with its rank; the most common is 1."""
    lines = files(__package__).joinpath("common_passwords.txt").read_text(encoding="ascii").splitlines()
    words = [line for line in lines if not line.startswith("#")]
    return {word: rank for rank, word in enumerate(words, start=1)}


def too_common(password: str, ranks: Mapping[str, int], *, own_words: Sequence[str] = ()) -> bool:
    """Tell whether a password is on the list of common ones, or hardly more than a piece of it.

    The cheapest way to put it together from listed words (`ranks`: the most common is 1), words that belong to the
    account, runs, years and single characters says how many guesses it stands.
    """
    text = password.lower()
    if text in ranks:
        return True
    own = {word.lower() for word in own_words if len(word) >= _MIN_RUN}
    return _bits(_unit(text), ranks, own) < _MIN_BITS


def _unit(text: str) -> str:
    # A text that is a repetition is found in itself twice over before its end.
    return text[: (text + text).find(text, 1)]


def _bits(text: str, ranks: Mapping[str, int], own: set[str]) -> float:
    """Return the least number of bits that describe a text."""
    plain = text.translate(_LEET)
    best = [0.0] + [math.inf] * len(text)
    for start in range(len(text)):
        best[start + 1] = min(best[start + 1], best[start] + _character_bits(text[start]))
        for end, bits in _pieces(text, plain, start, ranks, own):
            best[end] = min(best[end], best[start] + bits)
    return best[-1]


def _pieces(text: str, plain: str, start: int, ranks: Mapping[str, int], own: set[str]) -> Iterator[tuple[int, float]]:
    """List the pieces that start here, each with its end and its bits."""
    for end in range(start + _MIN_RUN, min(len(text), start + _LONGEST_WORD) + 1):
        for word in {text[start:end], plain[start:end]}:
            if word in own:
                yield end, _OWN_WORD_BITS
            elif word in ranks:
                yield end, math.log2(ranks[word] + 1)
    if _YEAR.match(text, start):
        yield start + 4, _YEAR_BITS
    end = _run_end(text, start)
    if end - start >= _MIN_RUN:
        yield end, _RUN_BITS


def _run_end(text: str, start: int) -> int:
    """Return where the run that starts here ends: the same character, the alphabet, or a row of keys, either way."""
    longest = start
    for follows in _SUCCESSORS:
        end = start + 1
        while end < len(text) and (text[end - 1], text[end]) in follows:
            end += 1
        longest = max(longest, end)
    return longest


def _character_bits(character: str) -> float:
    if character.isdigit():
        return _DIGIT_BITS
    return _LETTER_BITS if character.isalpha() else _OTHER_BITS
