"""How long a call takes at half of what the shop can do: an open loop, in which a slow answer holds up no next call."""

from dataclasses import replace

from tests.bench.arithmetic import Outcome, outcome
from tests.bench.flows import read_product
from tests.bench.job import FlowJob
from tests.bench.session import Session, say
from tests.bench.shop import Setup
from tests.bench.workloads.calling import CLIENTS

_CONNECTIONS = 64
_SHARE = 0.5
_LONGER = 2.5


def open_loop(session: Session) -> Outcome:
    """GetProduct over REST at a fixed rate, half of the highest; latencies count from when a call was due."""
    shop = session.shop(Setup(cache_bytes=None))
    ids = session.data.product_ids()
    job = FlowJob(
        targets=[shop.http_target],
        seconds=session.options.seconds,
        connections=CLIENTS,
        flow=read_product,
        numbers=len(ids),
        context={"ids": ids},
    )
    highest = session.load(job).rps
    rate = round(highest * _SHARE)
    say(f"the highest rate is {highest:.0f}/s, so calls come at {rate}/s")
    steady = replace(job, rate=rate, connections=_CONNECTIONS, seconds=session.options.seconds * _LONGER)
    note = f"{rate}/s were due, half of {highest:.0f}/s; cache as set by default"
    return outcome("GetProduct, REST, fixed rate", session.rounds(lambda: session.load(steady)), notes=[note])
