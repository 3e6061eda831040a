"""Carts: an authenticated read, and adding an item."""

import timeit
from collections.abc import Sequence
from random import Random

from kontor.cart.v1.cart_service_pb2 import AddItemRequest, GetCartRequest

from server.kernel.actor import Role
from server.rpc.auth import Authenticator
from server.rpc.policy import authorise
from tests.bench import pgbench
from tests.bench.arithmetic import Outcome, Round, summarize
from tests.bench.checks import IsCart
from tests.bench.flows import CART_LINES
from tests.bench.job import Headers
from tests.bench.known_ids import Kind, id_sql, made_id
from tests.bench.session import COLD, Session
from tests.bench.shop import Shop
from tests.bench.trace import trace
from tests.bench.workloads import requests
from tests.bench.workloads.calling import CLIENTS, calls, warm

_USERS = 2_000
_CARTS = 20_000
_VARIANTS = 2_000
_TOKEN_SHARE = 0.05
_FIRST_SECONDS = 60.0


def get_cart(session: Session) -> Outcome:
    """GetCart of a signed-in user with five lines, priced."""
    shop = session.shop(COLD)
    batch = session.data.make_users(_USERS)
    session.data.make_user_carts(batch, _USERS, lines=CART_LINES)
    session.data.settle()
    headers = [_signed(session.data.user_token(batch, number)) for number in range(1, _USERS + 1)]
    seen = trace(shop, requests.GET_CART, GetCartRequest(), headers[0])
    user = id_sql(Kind.USER, batch, ":user")
    script = pgbench.write_script(
        seen, varying={made_id(Kind.USER, batch, 1): user}, sets=[f"\\set user random(1, {_USERS})"]
    )
    call = requests.GET_CART, [b""] * _USERS, IsCart(CART_LINES)
    job = calls(session, shop.workers, *call, headers=headers)
    for worker in shop.workers:
        warm(calls(session, [worker], *call, headers=headers, once=True, seconds=_FIRST_SECONDS))
    return session.turns(
        "GetCart of 5 lines, signed in",
        lambda: session.load(job),
        lambda: pgbench.run(shop, script, clients=CLIENTS, seconds=session.options.seconds),
        limit=f"its {script.statement_count} statement in pgbench",
        goal_ratio=0.35,
        claims=lambda rounds: [_token_cost(shop, headers, summarize(rounds))],
    )


def add_item(session: Session) -> Outcome:
    """AddItem of something new to a guest's cart of five lines; the answer is the whole cart, priced."""
    shop = session.shop(COLD)
    goods = session.data.goods(_VARIANTS)
    batch = _make_carts(session)
    first = AddItemRequest(variant_id=goods[0].variant_id, quantity=1)
    seen = trace(shop, requests.ADD_ITEM, first, _guest(session, batch, 1))

    def limit_round() -> Round:
        # Fresh carts, so that they have five lines in each round.
        fresh = _make_carts(session)
        varying = {
            made_id(Kind.CART, batch, 1): id_sql(Kind.CART, fresh, ":cart"),
            goods[0].variant_uuid: pgbench.one_of([item.variant_uuid for item in goods], ":item"),
        }
        sets = [f"\\set cart random(1, {_CARTS})", f"\\set item random(1, {len(goods)})"]
        script = pgbench.write_script(seen, varying=varying, sets=sets)
        return pgbench.run(shop, script, clients=CLIENTS, seconds=session.options.seconds)

    def shop_round() -> Round:
        fresh, random = _make_carts(session), Random(1)
        messages = [
            AddItemRequest(variant_id=random.choice(goods).variant_id, quantity=1).SerializeToString()
            for _ in range(_CARTS)
        ]
        headers = [_guest(session, fresh, number) for number in range(1, _CARTS + 1)]
        # Once to each cart; one that gets a line that it has already has not six but five.
        job = calls(session, shop.workers, requests.ADD_ITEM, messages, IsCart(CART_LINES), headers=headers, once=True)
        return session.load(job)

    return session.turns(
        "AddItem to a cart of 5, priced",
        shop_round,
        limit_round,
        limit=f"its {len(seen.statements)} statements in pgbench",
        goal_ratio=0.35,
    )


def _make_carts(session: Session) -> int:
    session.data.clean()
    batch = session.data.make_guest_carts(_CARTS, lines=CART_LINES)
    session.data.settle()
    return batch


def _guest(session: Session, batch: int, number: int) -> Headers:
    return (("x-cart-token", session.data.cart_token(batch, number)),)


def _signed(token: str) -> Headers:
    return (("authorization", f"Bearer {token}"),)


def _token_cost(shop: Shop, headers: Sequence[Headers], seen: Round) -> tuple[str, bool]:
    """Tell what finding out who calls, and whether they may, costs beside all the rest."""
    authenticator = Authenticator(shop.access_tokens, shop.cart_tokens)
    roles = frozenset(Role)
    tokens = [dict(one) for one in headers]

    def each() -> None:
        for token in tokens:
            authorise(authenticator.authenticate(token), roles, None)

    # A token's signature is checked when it is first seen; from then on it is remembered.
    first = timeit.timeit(each, number=1) / len(tokens)
    known = min(timeit.repeat(each, number=1, repeat=5)) / len(tokens)
    share = seen.requests * known / seen.cpu.total if seen.cpu.total else 1.0
    text = (
        f"token and policy are {share:.1%} of the CPU: {known * 1e6:.1f} µs of a call; a token that a worker sees for"
        f" the first time costs it {first * 1e6:.0f} µs once"
    )
    return text, share < _TOKEN_SHARE
