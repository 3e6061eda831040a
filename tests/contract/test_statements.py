"""Hot RPCs run as many statements as the design says, however much there is to show."""

import gc
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from pkgutil import walk_packages
from typing import Any

import psycopg
import pytest
from kontor.catalog.v1 import catalog_service_pb2
from psycopg.pq import ExecStatus

import server
from server.db.statement import Query, count_statements
from server.db.wire import Prepared
from server.features.cart.upkeep_queries import _DELETE_CLOSED, _DELETE_EXPIRED
from server.features.catalog import list_queries, search_queries
from server.features.catalog.values import CategoryName, ListShape, ProductOrder, SearchShape
from tests.world.shop import Shop


@pytest.fixture(params=[1, 8])
async def skus(request: pytest.FixtureRequest, shop: Shop, goods: None) -> list[str]:
    """Put one thing, or many, on the shelves."""
    skus = [f"thing-{number}" for number in range(request.param)]
    for sku in skus:
        await shop.shelve(sku)
    return skus


async def test_get_product_is_one(shop: Shop, skus: list[str]) -> None:
    with count_statements() as statements:
        await shop.call(catalog_service_pb2.GetProductRequest(product_id=skus[0]))

    assert len(statements) == 1, "\n".join(statements)


async def test_list_products_is_one(shop: Shop, skus: list[str]) -> None:
    with count_statements() as statements:
        answer = await shop.call(catalog_service_pb2.ListProductsRequest(page_size=100))

    assert len(answer.products) >= len(skus)
    assert len(statements) == 1, "\n".join(statements)


async def test_search_products_is_one(shop: Shop, skus: list[str]) -> None:
    with count_statements() as statements:
        answer = await shop.call(catalog_service_pb2.SearchProductsRequest(query="thing"))

    assert len(answer.products) == len(skus)
    assert len(statements) == 1, "\n".join(statements)


async def test_get_cart_is_one(shop: Shop, skus: list[str]) -> None:
    guest = shop.guest()
    await guest.fill(*skus)

    with count_statements() as statements:
        cart = await guest.cart()

    assert len(cart.items) == len(skus)
    assert len(statements) == 1, "\n".join(statements)


async def test_place_order_is_twelve(shop: Shop, skus: list[str]) -> None:
    guest = shop.guest()
    request = await guest.fill(*skus)

    with count_statements() as statements:
        placed = await guest.place(request)

    assert len(placed.order.lines) == len(skus)
    assert len(statements) == 12, "\n".join(statements)


async def test_get_order_is_three(shop: Shop, skus: list[str]) -> None:
    guest = shop.guest()
    placed = await guest.buy(*skus)

    with count_statements() as statements:
        await guest.order(placed.order.id)

    assert len(statements) == 3, "\n".join(statements)


async def test_list_orders_is_three(shop: Shop, skus: list[str]) -> None:
    customer = await shop.customer()
    for sku in skus:
        await customer.buy(sku)

    with count_statements() as statements:
        answer = await customer.list_orders()

    assert len(answer.orders) == len(skus)
    assert len(statements) == 3, "\n".join(statements)


def test_postgresql_can_prepare_every_statement_of_the_program(database_url: str) -> None:
    refused = []
    prepared = {statement.name: statement for statement in _statements()}
    with psycopg.connect(database_url) as connection:
        for statement in prepared.values():
            with connection.transaction(force_rollback=True):
                result = connection.pgconn.prepare(statement.name, statement.text, statement.types)
                if result.status != ExecStatus.COMMAND_OK:
                    refused.append(f"{result.error_message.decode()}\n{statement.sql}")

    assert refused == []
    # The search finds those of classes that hold several, and those that are made on demand.
    for known in (
        _DELETE_CLOSED._command,
        _DELETE_EXPIRED._command,
        list_queries._statement(ListShape()),
        search_queries._statement(SearchShape()),
    ):
        assert known.compiled.prepared.name in prepared


def _statements() -> Iterator[Prepared]:
    """Find what the modules of the program made when they were imported."""
    for module in walk_packages(server.__path__, "server."):
        # The embedded parts are programs of their own, without statements.
        if not module.name.startswith(("server.embedded", "server.__main__")):
            yield from _within(list(vars(import_module(module.name)).values()), depth=5)
    for query in _shaped():
        yield query.compiled.prepared


def _shaped() -> Iterator[Query[Any]]:
    """Make the statements that come in shapes: every order and category, each filter alone and all together."""
    flags = ("min_price", "max_price", "in_stock", "tags", "vendor")
    filters = [{}, *[{flag: True} for flag in flags], dict.fromkeys(flags, True)]
    categories: tuple[CategoryName, ...] = ("", "id", "slug")
    both = (False, True)
    for order, after, category, chosen in product(ProductOrder, both, categories, filters):
        yield list_queries._statement(ListShape(order=order, after=after, category=category, **chosen))
    for similar, after, category, in_stock in product(both, both, categories, both):
        shape = SearchShape(similar=similar, after=after, category=category, in_stock=in_stock)
        yield search_queries._statement(shape)


def _within(values: list[object], depth: int) -> Iterator[Prepared]:
    for value in values:
        if isinstance(value, Prepared):
            yield value
        elif depth and (isinstance(value, (list, tuple, dict)) or type(value).__module__.startswith("server.")):
            yield from _within(gc.get_referents(value), depth - 1)
