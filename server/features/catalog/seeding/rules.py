"""Made-up products: pure functions of a seed and an index, so that each run makes the same ones."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from uuid import UUID

from server.features.catalog.seeding.values import (
    COLOURS,
    FEATURES,
    KINDS,
    LINES,
    MAKERS,
    TAGS,
    MadePrice,
    MadeProduct,
    MadeVariant,
    Ware,
)
from server.features.catalog.slug_rules import slugify
from server.kernel.ids import MediaId, ProductId, VariantId

_FIRST_TIME = datetime(2024, 1, 1, 8, tzinfo=UTC)
_BACKORDER_LIMIT = 50
_MOST_VALUES = 4
# Percent of the price in euros.
_DOLLARS = 108
# Options whose later values are more of the thing.
_GROWING_OPTIONS = ("Volume", "Width")


def make_id(random: Random, time: datetime) -> UUID:
    """Make a UUIDv7 of a given time and a given chance."""
    milliseconds = int(time.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | random.getrandbits(12) << 64 | 2 << 62 | random.getrandbits(62))


def make_random(seed: int, part: int | str) -> Random:
    """Make the source of chance for one part of the goods, which does not depend on the parts before it."""
    return Random(f"{seed}/{part}")  # noqa: S311  # It only has to be the same each time.


def made_time(index: int) -> datetime:
    """Return when a product was made: one a minute, so that "newest first" has an order."""
    return _FIRST_TIME + timedelta(minutes=index)


def make_slug(seed: int, index: int) -> str:
    """Return the slug of a product without making the rest of it."""
    return _name(make_random(seed, index), seed, index)[-1]


def make_product(seed: int, index: int) -> MadeProduct:
    """Make one product; equal arguments make equal products."""
    random = make_random(seed, index)
    kind, material, noun, title, slug = _name(random, seed, index)
    time = made_time(index)
    vendor = random.choice(MAKERS[kind.category[0]])
    first, second = random.sample(FEATURES[kind.category[0]], 2)
    options = [(name, _choose_values(random, values)) for name, values in kind.options]
    return MadeProduct(
        id=ProductId(make_id(random, time)),
        slug=slug,
        title=title,
        paragraphs=(f"{title} by {vendor}. {first}", second),
        vendor=vendor,
        product_type=noun,
        category=kind.category,
        tags=[material.lower(), *random.sample(TAGS, random.randint(0, 2))],
        options=options,
        media_id=MediaId(make_id(random, time)),
        created_time=time,
        variants=list(_make_variants(random, kind, options, f"{title[:3].upper()}-{seed}-{index:06d}", time)),
    )


def _name(random: Random, seed: int, index: int) -> tuple[Ware, str, str, str, str]:
    kind = random.choice(KINDS)
    material, noun = random.choice(kind.materials), random.choice(kind.nouns)
    title = f"{random.choice(LINES)} {material} {noun}"
    return kind, material, noun, title, f"{slugify(title)}-{seed}-{index}"


def _choose_values(random: Random, values: tuple[str, ...]) -> list[str]:
    """Choose some that stand side by side, of colours any."""
    count = min(len(values), random.randint(1 if values is COLOURS else 2, _MOST_VALUES))
    if values is COLOURS:
        return random.sample(values, count)
    start = random.randint(0, len(values) - count)
    return list(values[start : start + count])


def _make_variants(
    random: Random, kind: Ware, options: list[tuple[str, list[str]]], sku: str, time: datetime
) -> Iterator[MadeVariant]:
    euros = random.randint(*kind.prices)
    grams = random.randint(*kind.grams)
    reduced = random.random() < 0.15
    grows = any(name in _GROWING_OPTIONS for name, _ in options)
    for number, values in enumerate(product(*[values for _, values in options]), 1):
        # Each step up costs and weighs a quarter more.
        percent = 100 + 25 * (number - 1) * grows
        yield MadeVariant(
            id=VariantId(make_id(random, time)),
            sku=f"{sku}-{number}",
            option_values=list(values),
            weight_grams=grams * percent // 100,
            prices=_make_prices(euros * percent // 100, reduced=reduced),
            on_hand=_make_stock(random),
            backorder_limit=_BACKORDER_LIMIT if random.random() < 0.03 else 0,
        )


def _make_prices(euros: int, *, reduced: bool) -> list[MadePrice]:
    """Make prices that end in 90 cents, and a former price a quarter higher when the goods are reduced."""
    amounts = [("EUR", euros), ("USD", euros * _DOLLARS // 100)]
    return [
        MadePrice(currency, whole * 100 - 10, (whole * 5 // 4 + 1) * 100 - 10 if reduced else None)
        for currency, whole in amounts
    ]


def _make_stock(random: Random) -> int:
    """Make a count as shops have them: some sold out, many few, few many."""
    return 0 if random.random() < 0.06 else 1 + min(500, int(random.expovariate(1 / 40)))
