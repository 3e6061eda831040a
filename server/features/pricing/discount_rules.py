"""Which discounts apply to a cart together, and what they take off which line.

Lines are walked in the order of their keys, so that the order in which they lie in the cart changes no price.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from server.features.pricing.bundle_rules import count_given
from server.features.pricing.tax_values import WHOLE_PPM
from server.features.pricing.values import (
    AppliedDiscount,
    Circumstances,
    Discount,
    DiscountAmount,
    DiscountKind,
    Goods,
    PriceLine,
    RejectedCode,
    RejectionReason,
)
from server.kernel.money import allot, divide_half_even


@dataclass(slots=True)
class Reduction:
    """What discounts that go together leave of the goods and of shipping."""

    left: list[int]
    shipping_left: int
    line_discounts: list[list[DiscountAmount]]
    shipping_discounts: list[DiscountAmount] = field(default_factory=list)
    applied: list[AppliedDiscount] = field(default_factory=list)
    rejected: dict[UUID, RejectionReason] = field(default_factory=dict)
    # The lowest priority number among those that took something off.
    priority: int | None = None

    @property
    def due_minor(self) -> int:
        """What is left altogether."""
        return sum(self.left) + self.shipping_left


def lay_out(lines: Sequence[PriceLine], subtotals: Sequence[int], *, shipping_minor: int | None) -> Goods:
    """Lay lines out in the order in which discounts walk them."""
    return Goods(lines, subtotals, sorted(range(len(lines)), key=lambda index: lines[index].key.int), shipping_minor)


def choose_discounts(
    goods: Goods, discounts: Sequence[Discount], circumstances: Circumstances
) -> tuple[Reduction, tuple[RejectedCode, ...]]:
    """Take off the discounts that win, and tell of each code that took nothing off why.

    The combinable ones stand together against each exclusive one. Those win whose best discount that takes something
    off has the lowest priority number; of equal ones, those that leave less to pay.
    """
    entered = {_normal(code) for code in circumstances.codes}
    candidates = sorted(
        [discount for discount in discounts if discount.code is None or _normal(discount.code) in entered], key=_step
    )
    reasons: dict[UUID, RejectionReason] = {}
    combinable: list[Discount] = []
    groups = [combinable]
    for discount in candidates:
        reason = _refusal(discount, circumstances)
        if reason is not None:
            reasons[discount.id] = reason
        elif discount.exclusive:
            groups.append([discount])
        else:
            combinable.append(discount)
    plans = [_reduce(goods, group) for group in groups]
    effective = [plan for plan in plans if plan.priority is not None]
    best = min(effective, key=lambda plan: (plan.priority, plan.due_minor), default=plans[0])
    for plan in plans:
        reasons.update(plan.rejected)
        if plan is not best:
            reasons.update((applied.id, RejectionReason.NOT_COMBINABLE) for applied in plan.applied)
    return best, _rejected_codes(candidates, circumstances.codes, reasons, {applied.id for applied in best.applied})


def _normal(code: str) -> str:
    return code.strip().casefold()


def _step(discount: Discount) -> tuple[int, int, int]:
    if discount.kind is DiscountKind.FREE_SHIPPING:
        level = 2
    elif discount.kind in (DiscountKind.PERCENT, DiscountKind.FIXED_AMOUNT) and discount.applies_to.everything:
        level = 1
    else:
        level = 0
    # The id makes the order total, so that the order in which the database found them does not matter.
    return level, discount.priority, discount.id.int


def _refusal(discount: Discount, circumstances: Circumstances) -> RejectionReason | None:
    """Tell why a discount does not apply whatever lies in the cart."""
    if discount.start_time is not None and circumstances.now < discount.start_time:
        return RejectionReason.NOT_STARTED
    if discount.end_time is not None and circumstances.now >= discount.end_time:
        return RejectionReason.EXPIRED
    if discount.use_limit is not None and discount.used >= discount.use_limit:
        return RejectionReason.USED_UP
    if discount.customer_use_limit is not None and discount.customer_used >= discount.customer_use_limit:
        return RejectionReason.USED_UP_BY_CUSTOMER
    if discount.customer_groups and discount.customer_groups.isdisjoint(circumstances.groups):
        return RejectionReason.CUSTOMER_NOT_ELIGIBLE
    if discount.currency is not None and discount.currency != circumstances.currency:
        return RejectionReason.CURRENCY_MISMATCH
    return None


def _reduce(goods: Goods, discounts: Sequence[Discount]) -> Reduction:
    """Take discounts off one after the other."""
    reduction = Reduction(list(goods.subtotals), goods.shipping_minor or 0, [[] for _ in goods.lines])
    for discount in discounts:
        matches = [index for index in goods.by_key if discount.applies_to.holds(goods.lines[index])]
        reason = _shortfall(discount, matches, goods, reduction)
        if reason is None and not _take_off(discount, matches, goods, reduction):
            reason = RejectionReason.NOTHING_TO_DISCOUNT
        if reason is not None:
            reduction.rejected[discount.id] = reason
    return reduction


def _shortfall(
    discount: Discount, matches: Sequence[int], goods: Goods, reduction: Reduction
) -> RejectionReason | None:
    """Tell what the cart lacks for a discount."""
    if not matches:
        return RejectionReason.NO_MATCHING_ITEMS
    values = reduction.left if discount.minimum_after_discounts else goods.subtotals
    if sum([values[index] for index in matches]) < discount.minimum_spend_minor:
        return RejectionReason.MINIMUM_SPEND_NOT_REACHED
    if discount.kind is DiscountKind.FREE_SHIPPING and goods.shipping_minor is None:
        return RejectionReason.NO_SHIPPING
    return None


def _take_off(discount: Discount, matches: Sequence[int], goods: Goods, reduction: Reduction) -> bool:
    """Take one discount off and return whether that made a difference."""
    taken = 0
    if discount.kind is DiscountKind.FREE_SHIPPING:
        taken = reduction.shipping_left
        if taken:
            reduction.shipping_left = 0
            reduction.shipping_discounts.append(DiscountAmount(discount.id, taken))
    else:
        for index, wanted in _cuts(discount, matches, goods, reduction.left):
            # Never below zero, whatever was taken off before.
            cut = min(wanted, reduction.left[index])
            if cut > 0:
                taken += cut
                reduction.left[index] -= cut
                reduction.line_discounts[index].append(DiscountAmount(discount.id, cut))
    if not taken:
        return False
    reduction.applied.append(AppliedDiscount(discount.id, discount.name, discount.code, taken))
    priority = reduction.priority
    reduction.priority = discount.priority if priority is None else min(priority, discount.priority)
    return True


def _cuts(discount: Discount, matches: Sequence[int], goods: Goods, left: Sequence[int]) -> list[tuple[int, int]]:
    """Reckon what a discount takes off lines: pairs of index and amount."""
    kind, lines = discount.kind, goods.lines
    if kind is DiscountKind.FIXED_PRICE:
        return [(index, left[index] - discount.amount_minor * lines[index].quantity) for index in matches]
    if kind is DiscountKind.BUY_X_GET_Y:
        given = count_given(discount, [lines[index] for index in goods.by_key])
        return [
            # Of a line that cost less already, a unit is worth its share of what is left.
            (index, divide_half_even(left[index] * count * discount.rate_ppm, lines[index].quantity * WHOLE_PPM))
            for index, count in zip(goods.by_key, given, strict=True)
        ]
    if kind is DiscountKind.PERCENT and not discount.applies_to.everything:
        return [(index, divide_half_even(left[index] * discount.rate_ppm, WHOLE_PPM)) for index in matches]
    weights = [left[index] for index in matches]
    whole = sum(weights)
    if kind is DiscountKind.PERCENT:
        amount = divide_half_even(whole * discount.rate_ppm, WHOLE_PPM)
    else:
        amount = min(discount.amount_minor, whole)
    return list(zip(matches, allot(amount, weights), strict=True))


def _rejected_codes(
    candidates: Sequence[Discount],
    codes: Sequence[str],
    reasons: Mapping[UUID, RejectionReason],
    applied: Container[UUID],
) -> tuple[RejectedCode, ...]:
    """Name the codes that took nothing off, each once, as they were entered."""
    named: dict[str, list[UUID]] = {}
    for discount in candidates:
        if discount.code is not None:
            named.setdefault(_normal(discount.code), []).append(discount.id)
    rejected: dict[str, RejectedCode] = {}
    for code in codes:
        ids = named.get(_normal(code), ())
        if not any(discount_id in applied for discount_id in ids):
            reason = reasons[ids[0]] if ids else RejectionReason.UNKNOWN
            rejected.setdefault(_normal(code), RejectedCode(code, reason))
    return tuple(rejected.values())
