"""As much of HTTP/2 as unary gRPC calls need: frames as bytes, and headers that are encoded once and sent many times.

A gRPC library spends more CPU on a call than the shop does; next to it the generator would be what is measured.
"""

from collections.abc import Sequence
from typing import Final

DATA: Final = 0x0
HEADERS: Final = 0x1
RST_STREAM: Final = 0x3
SETTINGS: Final = 0x4
PING: Final = 0x6
GOAWAY: Final = 0x7
WINDOW_UPDATE: Final = 0x8

END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4

FRAME_HEADER_BYTES: Final = 9
WINDOW_BYTES: Final = 2**31 - 1
_FIRST_WINDOW_BYTES: Final = 65_535

_HEADER_TABLE_SIZE, _ENABLE_PUSH, _INITIAL_WINDOW_SIZE = 0x1, 0x2, 0x4
# Indexes of HTTP/2's static table of headers.
_AUTHORITY, _PATH = 0x01, 0x04
_POST, _SCHEME_HTTP = b"\x83", b"\x86"
# With a table size of 0 the peer refers to nothing that it sent before, and a good end looks always the same.
_STATUS_OK: Final = b"\x0bgrpc-status\x010"


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Make a frame."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def opening() -> bytes:
    """Return what a client sends first."""
    settings = b"".join(
        name.to_bytes(2, "big") + value.to_bytes(4, "big")
        for name, value in ((_HEADER_TABLE_SIZE, 0), (_ENABLE_PUSH, 0), (_INITIAL_WINDOW_SIZE, WINDOW_BYTES))
    )
    return (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + frame(SETTINGS, 0, 0, settings)
        + window_update(WINDOW_BYTES - _FIRST_WINDOW_BYTES)
    )


def window_update(size: int) -> bytes:
    """Allow the peer to send so many bytes more on this connection."""
    return frame(WINDOW_UPDATE, 0, 0, size.to_bytes(4, "big"))


def call_headers(path: str, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """Encode the headers of a gRPC call."""
    block = _POST + _SCHEME_HTTP
    block += bytes((_PATH,)) + _text(path) + bytes((_AUTHORITY,)) + _text("localhost")
    for name, value in (("te", "trailers"), ("content-type", "application/grpc"), *headers):
        block += b"\x00" + _text(name) + _text(value)
    return block


def call(stream: int, headers: bytes, message: bytes) -> bytes:
    """Return a whole unary call: its headers, its one message and its end."""
    payload = b"\x00" + len(message).to_bytes(4, "big") + message
    return frame(HEADERS, END_HEADERS, stream, headers) + frame(DATA, END_STREAM, stream, payload)


def ended_well(trailers: bytes) -> bool:
    """Whether the headers that end an answer say that all is well."""
    return _STATUS_OK in trailers


def _text(text: str) -> bytes:
    """Encode a text without compression: its length in seven bits and more, and its bytes."""
    raw = text.encode()
    length = len(raw)
    if length < 127:
        return bytes((length,)) + raw
    encoded, length = bytearray((127,)), length - 127
    while length >= 128:
        encoded.append(length % 128 + 128)
        length //= 128
    encoded.append(length)
    return bytes(encoded) + raw
