"""What stands on the pages of a PDF as Typst writes it: no more of the format than that takes."""

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

_OBJECT: Final = re.compile(rb"(\d+) 0 obj(.*?)endobj", re.DOTALL)
_STREAM: Final = re.compile(rb"stream\r?\n(.*?)\nendstream", re.DOTALL)
_FONT: Final = re.compile(rb"/(f\d+) (\d+) 0 R")
_MAPPED: Final = re.compile(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>")
# A piece of text: the place where it begins, its font, and the strings of its letters.
_PIECE: Final = re.compile(
    rb"1 0 0 -1 ([\d.-]+) ([\d.-]+) cm/(?:(?! cm).)*?\nBT.*?/(f\d+) [\d.]+ Tf(.*?)\nET\n", re.DOTALL
)
# What strings are made of: an escape, a parenthesis, or bytes that stand for themselves.
_TOKEN: Final = re.compile(rb"\\(?:[0-7]{1,3}|.)|[()]|[^\\()]+", re.DOTALL)
_ESCAPED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pdf_lines(pdf: bytes) -> list[str]:
    """Return the lines from the top of each page down; what stands apart on a line is parted by a bar."""
    objects = {int(found[1]): found[2] for found in _OBJECT.finditer(pdf)}
    title = re.search(rb"/Title\((.*?)\)", pdf)
    lines = [f"title: {title[1].decode() if title else ''}"]
    for page in objects.values():
        if b"/Type/Page/" in page:
            lines += _page_lines(objects, page)
    return lines


def _page_lines(objects: dict[int, bytes], page: bytes) -> list[str]:
    fonts = {
        found[1]: _letters(objects, objects[int(found[2])])
        for found in _FONT.finditer(objects[_reference(page, b"Resources")])
    }
    pieces: dict[float, list[tuple[float, str]]] = defaultdict(list)
    for x, y, font, shown in _PIECE.findall(_content(objects[_reference(page, b"Contents")])):
        text = "".join(_decode(string, fonts[font]) for string in _strings(shown))
        pieces[float(y)].append((float(x), text))
    # The origin is at the foot of the page.
    return [" | ".join(text for _, text in sorted(pieces[y])) for y in sorted(pieces, reverse=True)]


def _letters(objects: dict[int, bytes], font: bytes) -> dict[bytes, str]:
    table = _content(objects[_reference(font, b"ToUnicode")])
    return {
        bytes.fromhex(code.decode()): bytes.fromhex(text.decode()).decode("utf-16-be")
        for code, text in _MAPPED.findall(table)
    }


def _strings(shown: bytes) -> Iterator[bytes]:
    """Yield the strings of a piece; parentheses within a string stand for themselves when they are balanced."""
    depth, string = 0, b""
    for token in _TOKEN.findall(shown):
        if token == b"(":
            depth += 1
            string = string + token if depth > 1 else b""
        elif token == b")":
            depth -= 1
            if depth == 0:
                yield string
            string += token
        else:
            string += _unescape(token)


def _unescape(token: bytes) -> bytes:
    if not token.startswith(b"\\"):
        return token
    rest = token[1:]
    return bytes([int(rest, 8)]) if rest.isdigit() else _ESCAPED.get(rest, rest)


def _decode(codes: bytes, letters: dict[bytes, str]) -> str:
    return "".join(letters[codes[place : place + 2]] for place in range(0, len(codes), 2))


def _reference(body: bytes, name: bytes) -> int:
    found = re.search(rb"/" + name + rb" (\d+) 0 R", body)
    assert found is not None, f"{name!r} is not where Typst writes it"
    return int(found[1])


def _content(body: bytes) -> bytes:
    found = _STREAM.search(body)
    assert found is not None
    return zlib.decompress(found[1])
