"""Whether a storm of logins leaves the shop to everybody else."""

import time
from concurrent.futures import ThreadPoolExecutor

from tests.bench.arithmetic import Outcome, outcome
from tests.bench.generators import load
from tests.bench.session import COLD, Session
from tests.bench.workloads.catalog import get_product_job
from tests.bench.workloads.logins import login_job

_LOGINS = 200
_READS_A_SECOND = 100
_READ_SECONDS = 12.0
_BEFORE_SECONDS = 2.0
_MOST_MS = 50.0


def logins(session: Session) -> Outcome:
    """200 logins at once while products are read at a steady rate, cache off."""
    shop = session.shop(COLD)
    batch = session.data.make_users(_LOGINS)
    session.data.settle()
    storm = login_job(session, shop, batch, _LOGINS, at_once=True)
    reads = get_product_job(session, shop.workers, seconds=_READ_SECONDS, rate=_READS_A_SECOND)
    with ThreadPoolExecutor(2) as pool:
        reading = pool.submit(load, reads, cpu=shop.cpu)
        time.sleep(_BEFORE_SECONDS)
        logged_in = pool.submit(load, storm).result()
        read = reading.result()
    claims = [
        (f"reads take {read.p99_ms:.0f} ms (p99), {_MOST_MS:.0f} are allowed", read.p99_ms < _MOST_MS),
        (f"all {logged_in.requests} logins succeed", logged_in.errors == 0 and logged_in.requests == _LOGINS),
    ]
    note = f"the logins took {logged_in.seconds:.1f} s, {logged_in.first_error or 'none was refused'}"
    return outcome("reads beside 200 logins", [read], claims=claims, notes=[note])
