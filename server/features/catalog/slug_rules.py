"""Slugs: how a text becomes the part of an address that names a product or a category."""

import unicodedata

MAX_SLUG_LENGTH = 200

# Latin letters that Unicode does not take apart into a plain letter and a mark.
_PLAIN_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i"})


def slugify(text: str) -> str:
    """Write a text as lower-case words joined by hyphens; empty when it has no letter and no digit.

    Marks leave Latin letters only ("Crème" becomes "creme"): elsewhere they make other letters. Other scripts stay.
    """
    letters: list[str] = []
    # Taken apart before and after: some signs are capitals only when taken apart, some small letters come apart.
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_PLAIN_LETTERS)
    for letter in unicodedata.normalize("NFKD", plain):
        if unicodedata.combining(letter):
            if letters and not letters[-1].isascii():
                letters.append(letter)
        elif letter.isalnum():
            letters.append(letter)
        # "men's" is one word; anything else that is no letter ends it.
        elif letter not in "'\u2019" and letters and letters[-1] != "-":
            letters.append("-")
    return unicodedata.normalize("NFC", "".join(letters))[:MAX_SLUG_LENGTH].strip("-")
