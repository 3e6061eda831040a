"""Buy X, get Y: which units of a cart are given."""

from collections.abc import Sequence

from server.features.pricing.values import Discount, PriceLine


def count_given(discount: Discount, lines: Sequence[PriceLine]) -> list[int]:
    """Return for each line how many of its units are given: as many as possible, the cheapest ones.

    A unit that is given was not bought, so it does not count towards another one. Whoever bought enough gets what is
    there, even when that is less than `get_quantity`.
    """
    gives = discount.gives or discount.applies_to
    bought = [discount.applies_to.holds(line) for line in lines]
    given = [gives.holds(line) for line in lines]
    buy_only = both = get_only = 0
    for line, buys, gets in zip(lines, bought, given, strict=True):
        if buys and gets:
            both += line.quantity
        elif buys:
            buy_only += line.quantity
        elif gets:
            get_only += line.quantity
    most = _most_given(discount, buy_only, both, get_only)
    # So many of the goods that count for both have to be left as bought.
    spare = both - max(0, _needed(discount, most) - buy_only)
    counts = [0] * len(lines)
    for index in sorted(range(len(lines)), key=lambda index: lines[index].unit_price_minor):
        if given[index]:
            count = min(lines[index].quantity, most, spare if bought[index] else most)
            counts[index] = count
            most -= count
            spare -= count if bought[index] else 0
    return counts


def _needed(discount: Discount, given: int) -> int:
    """Return how many units have to be bought for so many given ones."""
    return -(-given // discount.get_quantity) * discount.buy_quantity


def _most_given(discount: Discount, buy_only: int, both: int, get_only: int) -> int:
    """Return the largest number of units that can be given."""
    low, high = 0, both + get_only
    # More given ones need more and leave fewer: a binary search, because a line may hold any number of units.
    while low < high:
        middle = (low + high + 1) // 2
        left_as_bought = buy_only + both - max(0, middle - get_only)
        if _needed(discount, middle) <= left_as_bought:
            low = middle
        else:
            high = middle - 1
    return low
