"""What a request costs: the CPU of all of the shop's processes, over REST, against a budget for each."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench import wrk
from tests.bench.arithmetic import Outcome, Round, outcome
from tests.bench.flows import CART_LINES, PAGE_SIZE, add_to_cart, buy_as_guest
from tests.bench.job import Flow, FlowJob
from tests.bench.session import COLD, Session
from tests.bench.shop import Shop
from tests.bench.workloads import requests
from tests.bench.workloads.calling import CLIENTS
from tests.bench.workloads.catalog import warm_places, warm_shop

_CARTS = 20_000
_GOODS = 2_000
_EACH_PRODUCT = '"slug":'


def detail_warm(session: Session) -> Outcome:
    """A product's page, from the cache."""
    shop = warm_shop(session)
    return _reads(session, shop, "product detail, warm", _details(session), count=1, budget_ms=0.25)


def detail_cold(session: Session) -> Outcome:
    """A product's page, from the database."""
    shop = session.shop(COLD)
    return _reads(session, shop, "product detail, cold", _details(session), count=1, budget_ms=1.0)


def list_warm(session: Session) -> Outcome:
    """A list of 20, from the cache."""
    shop = warm_shop(session)
    paths = [requests.list_path(place) for place in warm_places(session)]
    return _reads(session, shop, "list of 20, warm", paths, count=PAGE_SIZE, budget_ms=0.4)


def list_cold(session: Session) -> Outcome:
    """A list of 20, from the database."""
    shop = session.shop(COLD)
    paths = [requests.list_path(place) for place in requests.places(session.options.products)]
    return _reads(session, shop, "list of 20, cold", paths, count=PAGE_SIZE, budget_ms=1.5)


def search(session: Session) -> Outcome:
    """A search, from the database."""
    shop = session.shop(COLD)
    paths = [requests.search_path(query) for query in session.data.queries()]
    return _reads(session, shop, "search, cold", paths, count=PAGE_SIZE, budget_ms=3.0)


def add_item(session: Session) -> Outcome:
    """Adding something new to a guest's cart of five lines."""
    shop = session.shop(COLD)

    def run() -> Round:
        session.data.clean()
        batch = session.data.make_guest_carts(_CARTS, lines=CART_LINES)
        session.data.settle()
        context = {
            "tokens": [session.data.cart_token(batch, number) for number in range(1, _CARTS + 1)],
            "variants": [item.variant_id for item in session.data.goods(_GOODS)],
        }
        return session.load(_visits(session, shop, add_to_cart, _CARTS, context))

    return outcome("add to cart, priced", session.rounds(run), budget_cpu_ms=1.5)


def checkout(session: Session) -> Outcome:
    """A guest's whole purchase: eight calls, the money recorded and the mail sent."""
    shop = session.shop(COLD)

    def run() -> Round:
        session.data.clean()
        session.data.settle()
        context = checkout_context(session)
        return session.load(_visits(session, shop, buy_as_guest, 1_000_000, context))

    return outcome("whole guest checkout", session.rounds(run), budget_cpu_ms=8.0)


def checkout_context(session: Session) -> Mapping[str, Any]:
    """Return what `buy_as_guest` needs."""
    return {
        "variants": [item.variant_id for item in session.data.goods(_GOODS)],
        "admin": session.data.admin_token(),
    }


def _details(session: Session) -> list[str]:
    return [requests.product_path(id) for id in session.data.product_ids()]


def _reads(session: Session, shop: Shop, name: str, paths: Sequence[str], *, count: int, budget_ms: float) -> Outcome:
    def run() -> Round:
        return wrk.load(
            shop.http_target,
            paths,
            expected=_EACH_PRODUCT,
            count=count,
            connections=CLIENTS,
            seconds=session.options.seconds,
            cpu=shop.cpu,
        )

    return outcome(name, session.rounds(run), budget_cpu_ms=budget_ms)


def _visits(session: Session, shop: Shop, flow: Flow, numbers: int, context: Mapping[str, Any]) -> FlowJob:
    return FlowJob(
        targets=[shop.http_target],
        seconds=session.options.seconds,
        connections=CLIENTS,
        once=True,
        flow=flow,
        numbers=numbers,
        context=context,
    )
