"""Many at once: ten thousand connections, and two hundred buyers of twenty units."""

from dataclasses import replace
from typing import Any

from tests.bench import machine
from tests.bench.arithmetic import Outcome, outcome
from tests.bench.flows import ONE_BUYS_OF, try_to_buy, visit
from tests.bench.job import FlowJob
from tests.bench.session import Session, say
from tests.bench.shop import Setup
from tests.bench.workloads import requests
from tests.bench.workloads.calling import CLIENTS
from tests.bench.workloads.orders import LINES, make_carts

_CONNECTIONS = 10_000
# What a process needs besides its connections.
_OTHER_FILES = 500
_SHARE = 0.5
_LONGER = 5
_MOST_P99_MS = 100.0
_ORDERS_A_SECOND = 400
_BUYERS, _UNITS, _RUSH_SECONDS = 200, 20, 2.0
_PLENTY = 1_000_000_000
_BY_DEFAULT = Setup(cache_bytes=None)


def ten_thousand(session: Session) -> Outcome:
    """10,000 REST connections that are kept, over which reads and purchases come at half of the highest rate."""
    shop = session.shop(_BY_DEFAULT)
    allowed = machine.raise_open_files() - _OTHER_FILES
    connections = min(_CONNECTIONS, allowed)
    job = FlowJob(
        targets=[shop.http_target],
        seconds=session.options.seconds,
        connections=CLIENTS,
        once=True,
        flow=visit,
        numbers=0,
    )
    highest = session.load(_with_carts(session, job)).rps
    rate = round(highest * _SHARE)
    say(f"the highest rate is {highest:.0f}/s: opening {connections:,} connections for {rate}/s")
    steady = replace(job, rate=rate, connections=connections, seconds=session.options.seconds * _LONGER)
    seen = session.load(_with_carts(session, steady))
    memory = ", ".join(f"{part} {size / 2**20:.0f} MiB" for part, size in shop.memory_bytes().items())
    claims = [
        (f"p99 is {seen.p99_ms:.0f} ms, {_MOST_P99_MS:.0f} are allowed", seen.p99_ms < _MOST_P99_MS),
        (f"{seen.rps:.0f} of {rate}/s were served", seen.rps >= rate * 0.95),
    ]
    if connections < _CONNECTIONS:
        text = f"only {connections:,} connections: the system allows {allowed + _OTHER_FILES:,} open files a process"
        claims.append((f"{text}; raise the hard limit (`ulimit -Hn`)", False))
    return outcome(f"{connections:,} connections", [seen], claims=claims, notes=[f"memory: {memory}"])


def rush(session: Session) -> Outcome:
    """200 buyers at once for 20 units: 20 orders, 180 clear refusals, within two seconds."""
    shop = session.shop(_BY_DEFAULT)
    batch = make_carts(session, _BUYERS, lines=1, same_goods=True)
    variant = session.data.goods(1)[0].variant_uuid
    session.data.set_stock(variant, _UNITS)
    job = FlowJob(
        targets=[shop.http_target],
        seconds=_RUSH_SECONDS,
        warm_seconds=0,
        connections=_BUYERS,
        once=True,
        flow=try_to_buy,
        numbers=_BUYERS,
        context=_carts(session, batch),
    )
    seen = session.load(job)
    orders, reserved = session.data.count_orders(), session.data.reserved(variant)
    session.data.set_stock(variant, _PLENTY)
    refused = seen.requests - seen.errors - orders
    claims = [
        (f"{orders} orders for {_UNITS} units, {reserved} of them held", orders == reserved == _UNITS),
        (f"{refused} clear refusals", refused == _BUYERS - _UNITS),
        (f"all within {seen.seconds:.2f} s", seen.seconds <= _RUSH_SECONDS),
    ]
    return outcome("200 buyers for 20 units", [seen], claims=claims)


def _with_carts(session: Session, job: FlowJob) -> FlowJob:
    """Give a job enough carts to buy."""
    count = int(_ORDERS_A_SECOND * (job.seconds + 1))
    batch = make_carts(session, count, lines=LINES)
    places = requests.places(session.options.products)
    context = {
        **_carts(session, batch),
        "ids": session.data.product_ids(),
        "lists": [requests.list_path(place) for place in places],
    }
    return replace(job, numbers=count * ONE_BUYS_OF, context=context)


def _carts(session: Session, batch: int) -> dict[str, Any]:
    carts = session.data.guest_carts(batch)
    return {"tokens": [cart.token for cart in carts], "totals": [cart.total_minor for cart in carts]}
