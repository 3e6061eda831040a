"""The recordings: a file for each chapter and each way, and what is said when a walk is another one now."""

import difflib
import json
import os
import traceback
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import psycopg
import pytest

from tests.contract.journey.carriers import Carrier
from tests.contract.journey.chapters.accounts import accounts
from tests.contract.journey.chapters.browsing import browsing
from tests.contract.journey.chapters.carts import carts, merging
from tests.contract.journey.chapters.checkout import checkout
from tests.contract.journey.chapters.delivery import delivery
from tests.contract.journey.chapters.lateness import lateness
from tests.contract.journey.chapters.orders import orders, parcels
from tests.contract.journey.chapters.other_shops import without_provider
from tests.contract.journey.chapters.payments import paying, transfers, webhooks
from tests.contract.journey.chapters.stock import stock
from tests.contract.journey.chapters.wire import web, wire
from tests.contract.journey.ground import Ground
from tests.contract.journey.layout import lay_out
from tests.contract.journey.veil import Json, Veil
from tests.contract.journey.walk import Walk

Chapter = Callable[[Walk], Awaitable[None]]

_EITHER_WAY: Final[Sequence[Chapter]] = (
    accounts,
    browsing,
    carts,
    checkout,
    delivery,
    merging,
    orders,
    parcels,
    paying,
    stock,
    transfers,
    webhooks,
)
# What tells nothing new of REST, or has no REST.
_NOT_OVER_REST: Final[Sequence[Chapter]] = (lateness, wire, without_provider)
OVER_GRPC: Final[Mapping[str, Chapter]] = {one.__name__: one for one in (*_EITHER_WAY, *_NOT_OVER_REST)}
OVER_REST: Final[Mapping[str, Chapter]] = {one.__name__: one for one in (*_EITHER_WAY, web)}
# Set by `python -m tests.contract.journey`.
REWRITE: Final = "REWRITE_JOURNEY"
_FOLDER: Final = Path(__file__).with_name("recorded")
_CONTEXT_LINES: Final = 6
_MOST_LINES: Final = 300
_ADVICE: Final = "if that is meant to be, `python -m tests.contract.journey` records it anew (look at its diff):"


@dataclass(frozen=True)
class Walked:
    """What came of a chapter: what its people saw, what else left the shop, and what stopped it half way."""

    answers: Json
    outbox: Json
    failure: str


async def walk_through(chapter: Chapter, ground: Ground, carrier: Carrier, quiet: Carrier) -> Walked:
    """Walk through a chapter; one that cannot go on is noted up to there. Nothing is noted of the `quiet` calls."""
    walk, failure = Walk(ground, carrier, quiet), ""
    try:
        await chapter(walk)
    except Exception:  # What was noted until then tells most of it.
        failure = traceback.format_exc()
    veil = Veil()
    return Walked(veil.draw(walk.notes), veil.draw(await _outbox(ground)), failure)


async def _outbox(ground: Ground) -> Json:
    try:
        return await ground.outbox()
    except psycopg.Error as error:
        # Its tables are the shop's own affair: what clients see is compared all the same.
        return {"cannot be read": str(error)}


def check(kind: str, chapter: str, notes: Json, failure: str) -> None:
    """Fail with what differs between the notes and the recording; or rewrite it, where that was asked for."""
    path, text = _FOLDER / kind / f"{chapter}.json", lay_out(notes)
    if os.environ.get(REWRITE) and not failure:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        before.splitlines(), text.splitlines(), "recorded", "now", n=_CONTEXT_LINES, lineterm=""
    )
    difference = list(lines)
    if len(difference) > _MOST_LINES:
        difference[_MOST_LINES:] = [f"... and {len(difference) - _MOST_LINES} more lines"]
    if difference or failure:
        told = [f"{path.relative_to(_FOLDER.parents[3])} says something else; {_ADVICE}", *difference, failure]
        pytest.fail("\n".join(told), pytrace=False)


def recorded(kind: str) -> Mapping[str, Json]:
    """Return the recordings of a kind by their chapters."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((_FOLDER / kind).iterdir())}


@cache
def reasons() -> set[str]:
    """Return the reasons of all errors in the recordings of gRPC."""
    return {
        detail["reason"]
        for notes in recorded("grpc").values()
        for note in notes
        for detail in note.get("refused", {}).get("details", [])
        if "reason" in detail
    }


@cache
def outcomes(kind: str) -> Mapping[str, set[bool]]:
    """Return whether calls went well, by their RPCs."""
    found: dict[str, set[bool]] = defaultdict(set)
    for notes in recorded(kind).values():
        for note in notes:
            if "call" in note:
                found[note["call"]].add("answer" in note or note.get("status", 400) < 400)
    return found
