"""Writes the two bodies of a mail, plain text and HTML, from one description."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, TypeAlias

from server.mail.message import Mail


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class CodeToType:
    """A code that the reader may type or copy."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """Something to click."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the last cell of a row is set to the right."""

    rows: Sequence[Sequence[str]]


Block: TypeAlias = Paragraph | CodeToType | Link | Table

# Mail programs know little CSS, and only on the element itself.
_BODY: Final = "margin:0;padding:24px;background:#f5f5f4;color:#1c1917;font:16px/1.5 system-ui,sans-serif"
_SHEET: Final = "max-width:560px;margin:0 auto;padding:32px;background:#fff;border-radius:8px"
_CODE: Final = "font:600 20px ui-monospace,monospace;letter-spacing:1px;padding:12px 16px;background:#f5f5f4"
_BUTTON: Final = "display:inline-block;padding:12px 20px;background:#1c1917;color:#fff;text-decoration:none"
_CELL: Final = "padding:6px 0;border-bottom:1px solid #e7e5e4"


def write_mail(*, to: str, subject: str, blocks: Sequence[Block], language: str) -> Mail:
    """Write a mail; `language` is the tag of the one that it is written in."""
    text = "\n\n".join(_plain(block) for block in blocks) + "\n"
    inner = "\n".join(_html(block) for block in blocks)
    head = f'<head><meta charset="utf-8"><title>{escape(subject)}</title></head>'
    html = (
        f'<!doctype html>\n<html lang="{language}">{head}\n'
        f'<body style="{_BODY}"><div style="{_SHEET}">\n{inner}\n</div></body></html>\n'
    )
    return Mail(to=to, subject=subject, text=text, html=html)


def _plain(block: Block) -> str:
    match block:
        case Paragraph(text):
            return text
        case CodeToType(text):
            return f"    {text}"
        case Link(label, url):
            return f"{label}:\n{url}"
        case Table(rows):
            return _plain_table(rows)


def _plain_table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        lines.append("  ".join([*cells, row[-1].rjust(widths[-1])]))
    return "\n".join(lines)


def _html(block: Block) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case CodeToType(text):
            return f'<p><span style="{_CODE}">{escape(text)}</span></p>'
        case Link(label, url):
            return f'<p><a style="{_BUTTON}" href="{escape(url)}">{escape(label)}</a></p>'
        case Table(rows):
            return f'<table style="width:100%;border-collapse:collapse">{"".join(map(_html_row, rows))}</table>'


def _html_row(row: Sequence[str]) -> str:
    cells = [f'<td style="{_CELL}">{escape(cell)}</td>' for cell in row[:-1]]
    cells.append(f'<td style="{_CELL};text-align:right">{escape(row[-1])}</td>')
    return f"<tr>{''.join(cells)}</tr>"
