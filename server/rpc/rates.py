"""How often a caller may call: each RPC has a rate class in its policy, and each class has a limit.

Whoever calls is counted apart from everybody else: the user, else the guest's cart, else the network address. A cart is
had for nothing, so for what is costly only the address of a guest counts. Each process counts for itself and in memory,
so that several of them together let through as many times the limit.
"""

import socket
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from math import ceil
from typing import Final, NamedTuple, Protocol

from server.kernel.errors import ResourceExhausted
from server.metrics.meters import Figure, counter
from server.rpc.call import Call

# A user's id, a cart's, or an address. Each is of a type of its own, so that no user is taken for a cart.
Caller = int | bytes | str

_PERIOD_SECONDS: Final = 60.0
# So many callers of a class are remembered; an entry takes some 250 bytes.
_REMEMBERED_CALLERS: Final = 10_000
# IPv4 in the clothes of IPv6, as a socket for both shows it.
_MAPPED: Final = bytes(10) + b"\xff\xff"


class RateClass(StrEnum):
    """What kind of call it is; `protos/kontor/options/v1/policy.proto` says what belongs to each."""

    DEFAULT = "DEFAULT"
    READ = "READ"
    WRITE = "WRITE"
    LOGIN = "LOGIN"
    MAIL = "MAIL"
    SEARCH = "SEARCH"
    CHECKOUT = "CHECKOUT"
    UPLOAD = "UPLOAD"
    REPORT = "REPORT"


class Limit(NamedTuple):
    """How many calls a minute, of a person (a user or a cart) and of an address. All of them may come at once."""

    person: int
    address: int


# They end what a program gone wild or somebody hostile does to everybody else, and nothing that a person can do. An
# address gets ten times as much and more: behind it may be a storefront's server with all of its guests, or a whole
# company. What harms by its number alone, guesses at passwords and mails to strangers, is up to the accounts' own
# throttles, which are stricter and are kept in the database.
LIMITS: Final[Mapping[RateClass, Limit]] = {
    # As writes, since nobody said that it is cheaper.
    RateClass.DEFAULT: Limit(3_000, 30_000),
    # A hundred a second is a page with dozens of calls, opened every second. A thousand of anonymous callers from one
    # address leave room for everybody else: a process answers four times as many.
    RateClass.READ: Limit(6_000, 60_000),
    # Fifty a second is a stocktaking that is fed in by a program. Stripe's events come from few addresses, in bursts.
    RateClass.WRITE: Limit(3_000, 30_000),
    # Each hashes a password, 10 ms on a core. A storefront's server logs twenty people in each second.
    RateClass.LOGIN: Limit(120, 1_200),
    # Each mails somebody who did not ask.
    RateClass.MAIL: Limit(60, 1_200),
    # A search for each letter that somebody types, and no more: one costs as much as ten reads.
    RateClass.SEARCH: Limit(1_200, 12_000),
    # Each holds stock or asks a payment provider, who has limits too.
    RateClass.CHECKOUT: Limit(600, 6_000),
    # Each stores a file.
    RateClass.UPLOAD: Limit(600, 6_000),
    # Each keeps a core or the database busy for a while: a month's invoices, fetched by a program, take ten a second.
    RateClass.REPORT: Limit(600, 6_000),
}


# The classes in which a guest is its cart, so that those behind a storefront's server are told apart. In all others it
# is its address: with a new cart for each call it would be another caller each time.
BY_CART: Final = frozenset({RateClass.DEFAULT, RateClass.READ, RateClass.WRITE})


class RateLimited(ResourceExhausted):
    """The caller calls too often. `headers` tell it in the words that HTTP clients know."""

    reason = "RATE_LIMITED"

    def __init__(self, rate_class: RateClass, *, limit: int, wait_seconds: float, reset_seconds: float) -> None:
        wait = max(1, ceil(wait_seconds))
        super().__init__(
            f"{limit} calls a minute of the class {rate_class} are allowed; try again in {wait} s",
            metadata={"rate_class": rate_class},
            retry_after=timedelta(seconds=wait_seconds),
        )
        self.headers = (
            ("retry-after", str(wait)),
            ("ratelimit-limit", str(limit)),
            ("ratelimit-remaining", "0"),
            ("ratelimit-reset", str(max(1, ceil(reset_seconds)))),
        )


class Counter(Protocol):
    """Counts the calls of one class."""

    async def count(self, caller: Caller, now: float) -> None:
        """Count a call, at a time of `perf_counter`. Raises RateLimited, and then it is not counted."""


class Rates(Protocol):
    """Where calls are counted: in each process, or in a store that all of them share."""

    def counter(self, rate_class: RateClass) -> Counter:
        """Return what counts the calls of a class."""


class MemoryRates:
    """Counts in this process; nothing runs in the background."""

    def __init__(self, factor: float = 1.0, *, remember: int = _REMEMBERED_CALLERS) -> None:
        """Multiply each limit with a factor above zero."""
        self._counters = {
            rate_class: _MemoryCounter(rate_class, limit, factor, remember) for rate_class, limit in LIMITS.items()
        }

    def counter(self, rate_class: RateClass) -> Counter:
        """Return what counts the calls of a class."""
        return self._counters[rate_class]

    def figures(self) -> Sequence[Figure]:
        """Return what it tells about itself."""
        return (
            counter(
                "kontor_rate_refusals_total",
                "Calls that were refused because their caller calls too often.",
                lambda: {rate_class: each.refused for rate_class, each in self._counters.items()},
                label="rate_class",
            ),
        )


class _Quota:
    """So many calls in a period. A caller that is idle gets one back each interval, up to all of them."""

    __slots__ = ("interval", "limit", "most_ahead")

    def __init__(self, limit: float) -> None:
        self.limit = max(1, round(limit))
        self.interval = _PERIOD_SECONDS / self.limit
        # With a little more room than for one call, as sums of intervals are never exact.
        self.most_ahead = _PERIOD_SECONDS - self.interval * 0.99


class _MemoryCounter:
    """One number for each caller (GCRA): when its calls will be paid off, at one interval each."""

    __slots__ = ("_address", "_person", "_rate_class", "_remember", "_until", "refused")

    def __init__(self, rate_class: RateClass, limit: Limit, factor: float, remember: int) -> None:
        self._rate_class = rate_class
        self._person = _Quota(limit.person * factor)
        self._address = _Quota(limit.address * factor)
        self._remember = remember
        self.refused = 0
        # In the order of the latest calls. Who falls out was idle for the longest time, and starts anew.
        self._until: OrderedDict[Caller, float] = OrderedDict()

    async def count(self, caller: Caller, now: float) -> None:
        """Count a call. Raises RateLimited."""
        quota = self._address if type(caller) is str else self._person
        until = self._until.get(caller, 0.0)
        if until < now:
            until = now
        elif until - now > quota.most_ahead:
            self.refused += 1
            ahead = until - now
            wait = ahead + quota.interval - _PERIOD_SECONDS
            raise RateLimited(self._rate_class, limit=quota.limit, wait_seconds=wait, reset_seconds=ahead)
        self._until[caller] = until + quota.interval
        self._until.move_to_end(caller)
        if len(self._until) > self._remember:
            self._until.popitem(last=False)


def caller_of(call: Call, *, by_cart: bool) -> Caller:
    """Return who is counted for a call. Those of whom no address is known, on a unix socket without Envoy, are one."""
    actor = call.actor
    if actor.user_id is not None:
        return actor.user_id.int
    if by_cart and actor.cart_id is not None:
        return actor.cart_id.bytes
    return network_of(call.remote_address)


def network_of(address: str) -> str:
    """Return the address by which to count: of IPv6 the first 56 bits, as the rest is for each customer to choose."""
    if ":" not in address:
        return address
    try:
        packed = socket.inet_pton(socket.AF_INET6, address)
    except OSError:
        return address
    return socket.inet_ntoa(packed[12:]) if packed.startswith(_MAPPED) else packed[:7].hex()
