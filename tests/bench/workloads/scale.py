"""Whether a large shop is as fast as a small one."""

from functools import partial

from tests.bench.arithmetic import MILLISECONDS, Outcome, Round, outcome, summarize
from tests.bench.checks import IsPage
from tests.bench.flows import PAGE_SIZE
from tests.bench.session import COLD, Session, say
from tests.bench.shop import Shop
from tests.bench.workloads import requests
from tests.bench.workloads.calling import calls
from tests.bench.workloads.catalog import get_product_job
from tests.bench.workloads.orders import LINES, orders_job

_FEW, _MANY = 10_000, 1_000_000
_IDS = 100_000
_MOST_GROWTH = 1.3
_ORDERS = 1_000_000
# What two runs of the same differ by.
_MOST_SLOWDOWN = 1.1
_CARTS_A_SECOND = 2_000


def many_products(session: Session) -> Outcome:
    """Product, list and search, cache off, in a catalog of 1,000,000 against one of 10,000."""
    few = {name: _cpu_ms(rounds) for name, rounds in _reads(session, _FEW).items()}
    measured = _reads(session, _MANY)
    claims = []
    for name, rounds in measured.items():
        before, after = few[name], _cpu_ms(rounds)
        growth = after / before if before else 0.0
        text = f"{name}: {before:.3f} ms of CPU at {_FEW:,} products, {after:.3f} ms at {_MANY:,}: {growth:.2f} times"
        claims.append((text, growth <= _MOST_GROWTH))
    return outcome(
        "reads at 1,000,000 products", [one for rounds in measured.values() for one in rounds], claims=claims
    )


def many_orders(session: Session) -> Outcome:
    """PlaceOrder in a shop without past orders and in one with 1,000,000."""
    shop = session.shop(COLD)
    session.data.clean()
    before = session.rounds(lambda: _place(session, shop))
    session.data.clean()
    say(f"making {_ORDERS:,} past orders")
    session.data.make_past_orders(_ORDERS)
    session.data.settle()
    after = session.rounds(lambda: _place(session, shop))
    session.data.clean()
    slowdown = _cpu_ms(after) / _cpu_ms(before)
    text = (
        f"an order costs {_cpu_ms(before):.3f} ms of CPU without past orders and {_cpu_ms(after):.3f} ms with"
        f" {_ORDERS:,}: {slowdown:.2f} times"
    )
    return outcome("PlaceOrder with 1,000,000 past", after, claims=[(text, slowdown <= _MOST_SLOWDOWN)])


def _place(session: Session, shop: Shop) -> Round:
    batch = session.data.make_guest_carts(int(_CARTS_A_SECOND * (session.options.seconds + 1)), lines=LINES)
    session.data.settle()
    return session.load(orders_job(session, shop, batch, lines=LINES))


def _reads(session: Session, products: int) -> dict[str, list[Round]]:
    shop = session.shop(COLD, products=products)
    page = IsPage(PAGE_SIZE)
    lists = [requests.list_after(place).SerializeToString() for place in requests.places(products)]
    searches = [requests.search(query).SerializeToString() for query in session.data.queries()]
    jobs = {
        "product": get_product_job(session, shop.workers, count=_IDS),
        "list": calls(session, shop.workers, requests.LIST_PRODUCTS, lists, page),
        "search": calls(session, shop.workers, requests.SEARCH_PRODUCTS, searches, page),
    }
    return {name: session.rounds(partial(session.load, job)) for name, job in jobs.items()}


def _cpu_ms(rounds: list[Round]) -> float:
    seen = summarize(rounds)
    return seen.cpu.total / max(1, seen.requests) * MILLISECONDS
