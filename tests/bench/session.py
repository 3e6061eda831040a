"""What a workload works with: the running shop, its data, and rounds in turns with the limit."""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.arithmetic import Cpu, Outcome, Round, outcome
from tests.bench.data import Data
from tests.bench.generators import load
from tests.bench.job import Load
from tests.bench.seeding import prepare
from tests.bench.shop import Setup, Shop, running_shop

# Holds the answers for 100,000 products in every worker.
WARM_CACHE_BYTES = 1024 * 1024 * 1024
COLD = Setup(cache_bytes=0)
WARM = Setup(cache_bytes=WARM_CACHE_BYTES)
_WORK_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much is measured."""

    folder: Path
    products: int = 100_000
    seconds: float = 4.0
    rounds: int = 3


@dataclass
class Session:
    """Keeps one shop running for the workloads that want the same one."""

    options: Options
    _stack: ExitStack = field(default_factory=ExitStack)
    _running: tuple[Setup, int, Shop, Data] | None = None
    # What was done once for the running shop, such as warming its caches.
    _done: set[str] = field(default_factory=set)

    def shop(self, setup: Setup, *, products: int | None = None) -> Shop:
        """Return a shop of this setup with so many products; the one that ran before is stopped if it differs."""
        products = products or self.options.products
        if self._running is None or self._running[:2] != (setup, products):
            self.close()
            say(f"starting the shop: {setup.workers} workers, cache {_cache(setup)}, {products} products")
            folder = self.options.folder / f"products-{products}"
            folder.parent.mkdir(parents=True, exist_ok=True)
            shop = self._stack.enter_context(running_shop(folder, setup))
            prepare(shop, products, _show_progress)
            data = Data(shop)
            self._stack.callback(data.close)
            data.clean()
            data.settle()
            self._running = (setup, products, shop, data)
        return self._running[2]

    @property
    def data(self) -> Data:
        """The data of the running shop."""
        if self._running is None:
            raise RuntimeError("no shop runs")
        return self._running[3]

    def once(self, name: str, work: Callable[[], None]) -> None:
        """Do something that the running shop needs once."""
        if name not in self._done:
            work()
            self._done.add(name)

    def close(self) -> None:
        """Stop the shop."""
        self._stack.close()
        self._running = None
        self._done.clear()

    def load(self, job: Load) -> Round:
        """Load the shop, and count its CPU until the jobs that the load caused are done too."""
        if self._running is None:
            raise RuntimeError("no shop runs")
        return load(job, cpu=self.cpu)

    def cpu(self) -> Cpu:
        """Return what the shop has used, once its job worker has nothing left to do."""
        if self._running is None:
            raise RuntimeError("no shop runs")
        deadline = time.monotonic() + _WORK_SECONDS
        while self.data.open_work():
            if time.monotonic() > deadline:
                raise TimeoutError("the job worker does not get done")
            time.sleep(0.05)
        return self._running[2].cpu()

    def turns(
        self,
        name: str,
        shop_round: Callable[[], Round],
        limit_round: Callable[[], Round],
        *,
        limit: str,
        goal_ratio: float,
        claims: Callable[[Sequence[Round]], Sequence[tuple[str, bool]]] = lambda rounds: (),
    ) -> Outcome:
        """Measure the limit and the shop in turns, so that a machine that changes changes for both."""
        rounds, limit_rounds = [], []
        for number in range(1, self.options.rounds + 1):
            limit_rounds.append(limit_round())
            rounds.append(shop_round())
            say(f"{name}, round {number}: limit {limit_rounds[-1].rps:.0f}/s, shop {rounds[-1].rps:.0f}/s")
        return outcome(
            name, rounds, limit=limit, limit_rounds=limit_rounds, goal_ratio=goal_ratio, claims=claims(rounds)
        )

    def rounds(self, shop_round: Callable[[], Round]) -> list[Round]:
        """Measure the shop alone."""
        return [shop_round() for _ in range(self.options.rounds)]


def say(text: str) -> None:
    """Tell the person at the terminal what goes on; the tables go to standard output."""
    print(f"  {time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def _cache(setup: Setup) -> str:
    if setup.cache_bytes is None:
        return "as set by default"
    return f"{setup.cache_bytes // 2**20} MiB" if setup.cache_bytes else "off"


def _show_progress(done: int, total: int) -> None:
    if done % 10_000 == 0 or done == total:
        say(f"made {done} of {total} products, which are kept for the next run")
