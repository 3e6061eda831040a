"""Reading the catalog, with its cache and without."""

from collections.abc import Sequence

from kontor.catalog.v1.catalog_pb2 import Product

from server.features.catalog.search_queries import _all_of
from server.features.catalog.seeding.rules import made_time
from tests.bench import pgbench, wrk
from tests.bench.arithmetic import Cpu, Outcome, Round
from tests.bench.bare_run import bare_servers
from tests.bench.checks import IsPage, IsProduct, SameBytes
from tests.bench.flows import PAGE_SIZE
from tests.bench.generators import load
from tests.bench.job import CallJob, Check
from tests.bench.session import COLD, WARM, Session, say
from tests.bench.shop import Shop
from tests.bench.trace import trace
from tests.bench.workloads import requests
from tests.bench.workloads.calling import CLIENTS, ask, calls, warm

_WARMING_SECONDS = 600.0
_WARM_PLACES = 500


def get_product_warm(session: Session) -> Outcome:
    """GetProduct over gRPC, from the cache."""
    shop = warm_shop(session)
    answer = typical_answer(shop, session)
    # It shares the machine with the generator, which shall have the same work with both.
    same_look = IsProduct([Product.FromString(answer).id] * len(session.data.product_ids()))
    with bare_servers(shop, answer) as bare:
        return session.turns(
            "GetProduct, gRPC, warm",
            lambda: session.load(get_product_job(session, shop.workers)),
            lambda: load(get_product_job(session, bare.workers, same_look)),
            limit="a bare grpc.aio handler that returns fixed bytes of that size",
            goal_ratio=0.75,
        )


def get_product_cold(session: Session) -> Outcome:
    """GetProduct over gRPC, from the database."""
    shop = session.shop(COLD)
    seen = trace(shop, requests.GET_PRODUCT, requests.get_product(session.data.product_ids(1)[0]))
    (statement,) = seen.statements
    with bare_servers(shop, seen.response, statement=statement) as bare:
        uuids = [uuid.bytes for uuid in session.data.product_uuids()]
        limit = calls(session, bare.workers, requests.GET_PRODUCT, uuids, SameBytes(seen.response))
        return session.turns(
            "GetProduct, gRPC, cache off",
            lambda: session.load(get_product_job(session, shop.workers)),
            lambda: load(limit),
            limit="a bare handler that runs the same one prepared statement on psycopg",
            goal_ratio=0.75,
        )


def get_product_rest(session: Session) -> Outcome:
    """GetProduct over REST, from the cache."""
    shop = warm_shop(session)
    answer = typical_answer(shop, session)
    paths = [requests.product_path(id) for id in session.data.product_ids()]

    def run(target: str, *, shop_runs: bool) -> Round:
        cpu = shop.cpu if shop_runs else Cpu
        seconds = session.options.seconds
        return wrk.load(target, paths, expected='"slug":', connections=CLIENTS, seconds=seconds, cpu=cpu)

    with bare_servers(shop, answer, edge=True) as bare:
        return session.turns(
            "GetProduct, REST, warm",
            lambda: run(shop.http_target, shop_runs=True),
            lambda: run(bare.http_target, shop_runs=False),
            limit="Envoy transcoding to the bare handler",
            goal_ratio=0.8,
        )


def list_products(session: Session) -> Outcome:
    """ListProducts of 20 from anywhere in the catalog, from the database."""
    shop = session.shop(COLD)
    products = session.options.products
    places = requests.places(products)
    seen = trace(shop, requests.LIST_PRODUCTS, requests.list_after(places[0]))
    anywhere = f"timestamptz '{made_time(0).isoformat()}' + :place * interval '1 minute'"
    script = pgbench.write_script(
        seen,
        varying={made_time(places[0]): anywhere},
        sets=[f"\\set place random({PAGE_SIZE + 1}, {products - 1})"],
    )
    messages = [requests.list_after(place).SerializeToString() for place in places]
    return session.turns(
        f"ListProducts, 20 of {products:,}, cache off",
        lambda: session.load(calls(session, shop.workers, requests.LIST_PRODUCTS, messages, IsPage(PAGE_SIZE))),
        lambda: pgbench.run(shop, script, clients=CLIENTS, seconds=session.options.seconds),
        limit=f"the same {script.statement_count} statement in pgbench",
        goal_ratio=0.35,
    )


def search_products(session: Session) -> Outcome:
    """SearchProducts with one and two words, from the database."""
    shop = session.shop(COLD)
    queries = session.data.queries()
    seen = trace(shop, requests.SEARCH_PRODUCTS, requests.search(queries[0]))
    split = [query.split() for query in queries]
    script = pgbench.write_script(
        seen,
        varying={
            _all_of(split[0]): pgbench.one_of([_all_of(words) for words in split], ":query"),
            queries[0]: pgbench.one_of(queries, ":query"),
        },
        sets=[f"\\set query random(1, {len(queries)})"],
    )
    messages = [requests.search(query).SerializeToString() for query in queries]
    return session.turns(
        f"SearchProducts, 20 of {session.options.products:,}, cache off",
        lambda: session.load(calls(session, shop.workers, requests.SEARCH_PRODUCTS, messages, IsPage(PAGE_SIZE))),
        lambda: pgbench.run(shop, script, clients=CLIENTS, seconds=session.options.seconds),
        limit=f"its {script.statement_count} statement in pgbench",
        goal_ratio=0.6,
    )


def warm_shop(session: Session) -> Shop:
    """Return a shop whose workers have every product, and lists from some places, in their caches."""
    shop = session.shop(WARM)

    def fill() -> None:
        say(f"filling the caches of {len(shop.workers)} workers with every product")
        places = warm_places(session)
        for worker in shop.workers:
            warm(get_product_job(session, [worker], once=True, seconds=_WARMING_SECONDS))
            messages = [requests.list_after(place).SerializeToString() for place in places]
            check = IsPage(PAGE_SIZE)
            path = requests.LIST_PRODUCTS
            warm(calls(session, [worker], path, messages, check, once=True, seconds=_WARMING_SECONDS))

    session.once("caches filled", fill)
    return shop


def warm_places(session: Session) -> list[int]:
    """Return the places where the lists begin that are kept in warm caches."""
    return requests.places(session.options.products)[:_WARM_PLACES]


def typical_answer(shop: Shop, session: Session) -> bytes:
    """Return the answer of the usual size."""
    some = session.data.product_ids(101)
    answers = [ask(shop, requests.GET_PRODUCT, requests.get_product(id)) for id in some]
    return sorted(answers, key=len)[len(answers) // 2]


def get_product_job(
    session: Session,
    targets: Sequence[str],
    check: Check | None = None,
    *,
    count: int | None = None,
    once: bool = False,
    seconds: float | None = None,
    rate: float | None = None,
) -> CallJob:
    """Make the job that asks for products drawn by chance, out of all or some of them."""
    ids = session.data.product_ids(count)
    messages = [requests.get_product(id).SerializeToString() for id in ids]
    return calls(
        session,
        targets,
        requests.GET_PRODUCT,
        messages,
        check or IsProduct(ids),
        once=once,
        seconds=seconds,
        rate=rate,
    )
