"""Whether more workers do more."""

from tests.bench.arithmetic import MILLISECONDS, Outcome, Round, outcome, rate_on_own_cores, summarize
from tests.bench.machine import describe
from tests.bench.session import WARM_CACHE_BYTES, Session
from tests.bench.shop import SERVER, Setup
from tests.bench.workloads.calling import warm
from tests.bench.workloads.catalog import get_product_job

_PRODUCTS = 5_000
_WARMING_SECONDS = 120.0
_LEAST_GAIN = 1.7


def two_workers(session: Session) -> Outcome:
    """GetProduct, warm, with one worker and with two; the generator's own CPU is counted out."""
    cores = describe().cores
    one = _rounds(session, workers=1)
    two = _rounds(session, workers=2)
    alone, both = summarize(one), summarize(two)
    before = rate_on_own_cores(alone, SERVER, cores=1)
    after = rate_on_own_cores(both, SERVER, cores=min(2, cores))
    gain = after / before if before else 0.0
    seen = (
        f"measured {alone.rps:,.0f}/s with one and {both.rps:,.0f}/s with two, on {cores} cores of which the generator"
        f" took {alone.generator_cpu_seconds / alone.seconds:.2f} and {both.generator_cpu_seconds / both.seconds:.2f}"
    )
    costs = [one.cpu.parts[SERVER] / max(1, one.requests) * MILLISECONDS for one in (alone, both)]
    claim = f"two workers do {gain:.2f} times what one does on cores of their own"
    notes = [seen, f"a call costs the worker {costs[0]:.3f} ms with one and {costs[1]:.3f} ms with two"]
    return outcome("GetProduct, warm, 2 workers", two, claims=[(claim, gain >= _LEAST_GAIN)], notes=notes)


def _rounds(session: Session, *, workers: int) -> list[Round]:
    shop = session.shop(Setup(workers=workers, cache_bytes=WARM_CACHE_BYTES))
    for worker in shop.workers:
        warm(get_product_job(session, [worker], count=_PRODUCTS, once=True, seconds=_WARMING_SECONDS))
    return session.rounds(lambda: session.load(get_product_job(session, shop.workers, count=_PRODUCTS)))
