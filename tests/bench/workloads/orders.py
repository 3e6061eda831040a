"""Placing orders."""

import re
from collections.abc import Sequence
from uuid import uuid4

from kontor.orders.v1.orders_service_pb2 import PlaceOrderRequest, PlaceOrderResponse
from kontor.payments.v1.payments_pb2 import Payment
from kontor.type.v1.money_pb2 import Money

from tests.bench import pgbench
from tests.bench.arithmetic import Outcome, Round
from tests.bench.checks import IsOrder
from tests.bench.data import Goods, GuestCart
from tests.bench.job import CallJob, Headers
from tests.bench.known_ids import Kind, id_sql, made_id
from tests.bench.session import COLD, Session
from tests.bench.shop import Shop
from tests.bench.trace import Trace, trace
from tests.bench.workloads import requests
from tests.bench.workloads.calling import CLIENTS, calls

LINES = 3
# More than anything places on two cores; each order needs a cart of its own.
_MOST_A_SECOND = 3_000
_GOODS_PER_LINE = 600

# An array of ids.
_IDS = re.compile(r"\{[0-9a-f-]{36}(,[0-9a-f-]{36})*\}")


def place_orders(session: Session) -> Outcome:
    """PlaceOrder of three lines, every order of other products."""
    return _place_orders(session, "PlaceOrder of 3 lines", lines=LINES, goal_ratio=0.4)


def place_hot_orders(session: Session) -> Outcome:
    """PlaceOrder of one line, all of the same product: one row that everybody waits for."""
    return _place_orders(session, "PlaceOrder, all of one product", lines=1, goal_ratio=0.5)


def _place_orders(session: Session, name: str, *, lines: int, goal_ratio: float) -> Outcome:
    shop = session.shop(COLD)
    same_goods = lines == 1
    count = int(_MOST_A_SECOND * (session.options.seconds + 1))
    traced = make_carts(session, 1, lines=lines, same_goods=same_goods)
    (cart,) = session.data.guest_carts(traced)
    request, headers = order_of(cart)
    seen = trace(shop, requests.PLACE_ORDER, request, headers)

    def limit_round() -> Round:
        batch = make_carts(session, count, lines=lines, same_goods=same_goods)
        script = _script(
            seen, request.request_id, traced, batch, session.data.goods(_GOODS_PER_LINE * LINES), carts=count
        )
        return pgbench.run(shop, script, clients=CLIENTS, seconds=session.options.seconds)

    def shop_round() -> Round:
        batch = make_carts(session, count, lines=lines, same_goods=same_goods)
        return session.load(orders_job(session, shop, batch, lines=lines))

    return session.turns(
        name,
        shop_round,
        limit_round,
        limit=f"its {len(seen.statements)} statements as one pgbench script",
        goal_ratio=goal_ratio,
    )


def make_carts(session: Session, count: int, *, lines: int, same_goods: bool = False) -> int:
    """Make carts that only have to be ordered, and forget what was ordered before; return their batch."""
    session.data.clean()
    batch = session.data.make_guest_carts(count, lines=lines, same_goods=same_goods)
    session.data.settle()
    return batch


def orders_job(session: Session, shop: Shop, batch: int, *, lines: int) -> CallJob:
    """Make the job that orders each cart of a batch once."""
    carts = session.data.guest_carts(batch)
    pairs = [order_of(cart) for cart in carts]
    return calls(
        session,
        shop.workers,
        requests.PLACE_ORDER,
        [request.SerializeToString() for request, _ in pairs],
        IsOrder([cart.total_minor for cart in carts], lines),
        headers=[headers for _, headers in pairs],
        once=True,
    )


def order_of(cart: GuestCart) -> tuple[PlaceOrderRequest, Headers]:
    """Ask for the order of a guest's cart, paid without a provider."""
    request = PlaceOrderRequest(
        expected_total=Money(currency_code="EUR", amount_minor=cart.total_minor),
        payment_provider=Payment.MANUAL,
        request_id=str(uuid4()),
    )
    return request, (("x-cart-token", cart.token),)


def _script(seen: Trace, key: str, traced: int, batch: int, goods: Sequence[Goods], *, carts: int) -> pgbench.Script:
    placed = PlaceOrderResponse.FromString(seen.response).order
    varying: dict[object, str] = {
        made_id(Kind.CART, traced, 1): id_sql(Kind.CART, batch, f":client_id * {carts // CLIENTS} + :turn"),
        placed.number: pgbench.fresh_text("N"),
        key: pgbench.fresh_text("key"),
    }
    sets = []
    ordered = _variants(seen)
    if len(ordered) > 1:
        # A third of the goods for each line, so that no two lines meet.
        for number, variant in enumerate(ordered):
            share = [item.variant_uuid for item in goods[number :: len(ordered)]]
            varying[variant] = pgbench.one_of(share, f":goods{number}")
            sets.append(f"\\set goods{number} random(1, {len(share)})")
    return pgbench.write_script(seen, varying=varying, sets=sets)


def _variants(seen: Trace) -> list[str]:
    """Return the variants that the traced call held, in the order in which it did."""
    for statement in seen.statements:
        for value in statement.values:
            if "UPDATE stock_items" in statement.sql and value and _IDS.fullmatch(value):
                return value.strip("{}").split(",")
    raise RuntimeError("PlaceOrder held no stock")
