"""Whether the database is as this version of the program needs it, known without opening it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from server.embedded.home import Home, write_private

_ROOT = Path(__file__).resolve().parents[2]
_INPUTS = (
    "migrations/**/*.py",
    "server/features/catalog/seeding/sample_products.csv",
    "server/features/pricing/default_values.py",
)


def is_prepared(home: Home, *choices: str) -> bool:
    """Return whether the last preparation had the same inputs; the database belongs to this home alone."""
    return home.prepared.exists() and home.prepared.read_text() == _fingerprint(choices)


def note_prepared(home: Home, *choices: str) -> None:
    """Note that the preparation is done."""
    write_private(home.prepared, _fingerprint(choices))


def _fingerprint(choices: tuple[str, ...]) -> str:
    digest = hashlib.sha256("\0".join(choices).encode())
    for pattern in _INPUTS:
        for path in sorted(_ROOT.glob(pattern)):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
