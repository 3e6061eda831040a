"""The list of all workloads: their names on the command line, in the order in which they run."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.bench import wrk
from tests.bench.arithmetic import Outcome
from tests.bench.session import Session
from tests.bench.workloads import (
    budgets,
    carts,
    catalog,
    crowd,
    generator,
    latency,
    logins,
    orders,
    scale,
    storm,
    workers,
)


@dataclass(frozen=True, slots=True)
class Workload:
    """Something that is measured."""

    name: str
    run: Callable[[Session], Outcome]
    # The load generators that have to be installed.
    tools: tuple[str, ...] = ()
    # Whether it belongs to a run that names none.
    usual: bool = True


# Those that need warm caches come together, as every other setup starts the shop anew.
WORKLOADS = (
    Workload("get-product", catalog.get_product_warm),
    Workload("get-product-rest", catalog.get_product_rest, (wrk.TOOL,)),
    Workload("cpu-detail-warm", budgets.detail_warm, (wrk.TOOL,)),
    Workload("cpu-list-warm", budgets.list_warm, (wrk.TOOL,)),
    Workload("get-product-cold", catalog.get_product_cold),
    Workload("list-products", catalog.list_products),
    Workload("search-products", catalog.search_products),
    Workload("get-cart", carts.get_cart),
    Workload("add-item", carts.add_item),
    Workload("place-order", orders.place_orders),
    Workload("place-order-hot", orders.place_hot_orders),
    Workload("login", logins.login),
    Workload("cpu-detail-cold", budgets.detail_cold, (wrk.TOOL,)),
    Workload("cpu-list-cold", budgets.list_cold, (wrk.TOOL,)),
    Workload("cpu-search", budgets.search, (wrk.TOOL,)),
    Workload("cpu-add-item", budgets.add_item),
    Workload("cpu-checkout", budgets.checkout),
    Workload("fixed-rate", latency.open_loop),
    Workload("rush", crowd.rush, usual=False),
    Workload("connections", crowd.ten_thousand, usual=False),
    Workload("login-storm", storm.logins, usual=False),
    Workload("two-workers", workers.two_workers, usual=False),
    Workload("past-orders", scale.many_orders, usual=False),
    Workload("many-products", scale.many_products, usual=False),
    Workload("generator", generator.against_h2load, (generator.TOOL,), usual=False),
)


class UnknownWorkload(Exception):
    """There is no workload of this name."""


def chosen(names: str) -> list[Workload]:
    """Return the workloads of a list with commas: names, groups such as `cpu`, `all`, or nothing for the usual ones."""
    if not names:
        return [workload for workload in WORKLOADS if workload.usual]
    if names == "all":
        return list(WORKLOADS)
    found: dict[str, Workload] = {}
    for name in names.split(","):
        matches = [one for one in WORKLOADS if name in (one.name, one.name.split("-")[0])]
        exact = [one for one in matches if one.name == name]
        if not matches:
            raise UnknownWorkload(
                f"there is no workload {name!r}; there are: {', '.join(one.name for one in WORKLOADS)}"
            )
        found.update({one.name: one for one in exact or matches})
    return [workload for workload in WORKLOADS if workload.name in found]
