"""From the bytes of a Shopify product file to its rows: encoding, separators, columns, line numbers."""

import codecs
import csv
import io
from collections.abc import Iterator

from server.features.catalog.importing.shopify.column_rules import missing_column, read_header
from server.features.catalog.importing.shopify.values import Column, Header, Row
from server.features.catalog.importing.values import RowError

# A description may be half a megabyte; the limit stops a quote that is never closed from eating the file.
csv.field_size_limit(1_000_000)


def read_rows(content: bytes) -> Iterator[Row | RowError]:
    """Yield every row of the file that is not blank, or why it cannot be read.

    A file without a header of Shopify's yields one error and nothing else.
    """
    lines = list(io.StringIO(_decode(content).replace("\0", ""), newline=""))
    first = next((number for number, line in enumerate(lines, 1) if line.strip(" ,;\t\r\n")), None)
    if first is None:
        yield RowError(1, "", "the file is empty")
        return
    delimiter, header = max(
        ((mark, read_header(lines[first - 1], mark)) for mark in ",;\t"), key=lambda pair: pair[1].known_count
    )
    missing = missing_column(header)
    if missing:
        yield RowError(first, "", f"this is not a Shopify product file: no column named {missing}")
        return
    for record in _read_records(lines, first, delimiter):
        row = record if isinstance(record, RowError) else _read_row(header, *record)
        if row is not None:
            yield row


def _decode(content: bytes) -> str:
    """Decode UTF-8, UTF-16 with or without a mark, and what Windows programs write, even when mixed."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    # Without a mark the zero bytes between the letters of the header give it away.
    start = content[:64]
    if start[1::2].count(0) > len(start) // 4:
        return content.decode("utf-16-le", "replace")
    if start[::2].count(0) > len(start) // 4:
        return content.decode("utf-16-be", "replace")
    return content.decode("utf-8-sig", "kontor-windows-1252")


def _decode_as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    """Read only the bytes that are not UTF-8 as Windows-1252: files are edited by several programs in turn."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("windows-1252", "replace"), error.end


codecs.register_error("kontor-windows-1252", _decode_as_windows_1252)


def _read_records(lines: list[str], first: int, delimiter: str) -> Iterator[tuple[int, list[str]] | RowError]:
    """Yield the records after the header with the number of the line on which each begins."""
    start = first
    while start < len(lines):
        base = start
        reader = csv.reader((lines[number] for number in range(base, len(lines))), delimiter=delimiter, strict=True)
        try:
            for record in reader:
                yield start + 1, record
                start = base + reader.line_num
        except csv.Error as error:
            # Reading goes on one line further down: a quote that is never closed must not cost the rows below it.
            yield RowError(start + 1, "", f"the quoting of this row is broken: {error}")
            start += 1


def _read_row(header: Header, line_number: int, record: list[str]) -> Row | RowError | None:
    if not any(cell.strip() for cell in record):
        return None
    if any(cell.strip() for cell in record[header.width :]):
        reason = f"the row has {len(record)} cells, the header only {header.width}: is a comma not quoted?"
        handles = (record[index] for index, column in header.columns.items() if column is Column.HANDLE)
        return RowError(line_number, next(handles, ""), reason)
    row = Row(line_number, {}, {}, {})
    for index, cell in enumerate(record):
        column = header.columns.get(index)
        text = cell.strip() if column is Column.BODY else " ".join(cell.split())
        if not text:
            continue
        if column is not None:
            # Two columns may mean the same; the first that says something counts.
            row.cells.setdefault(column, text)
        elif index in header.prices:
            row.prices[header.prices[index]] = text
        elif index in header.compare_at_prices:
            row.compare_at_prices[header.compare_at_prices[index]] = text
    return row
