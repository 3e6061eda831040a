"""The import contracts of our own find what they look for, and nothing else."""

import pytest
from grimp import ImportGraph
from importlinter import Contract

from tests.contract.import_contracts import (
    DoorsContract,
    GuardedContract,
    ImportsContract,
    KindsContract,
    OnlyContract,
    PureContract,
)

CART, ORDERS = "shop.features.cart", "shop.features.orders"
MODULES = (
    "shop.kernel.ids",
    f"{CART}.service",
    f"{CART}.queries",
    f"{CART}.list_queries",
    f"{CART}.tables",
    f"{CART}.rules",
    f"{ORDERS}.service",
    f"{ORDERS}.placing.service",
    f"{ORDERS}.placing.queries",
)


@pytest.fixture
def graph() -> ImportGraph:
    graph = ImportGraph()
    for module in ("shop", "shop.features", CART, ORDERS, f"{ORDERS}.placing", *MODULES):
        graph.add_module(module)
    for library in ("uuid", "uuid_utils", "sqlalchemy"):
        graph.add_module(library, is_squashed=True)
    return graph


@pytest.mark.parametrize(
    ("importer", "imported", "kept"),
    [
        (f"{ORDERS}.placing.service", f"{CART}.service", True),
        (f"{ORDERS}.placing.service", f"{CART}.queries", False),
        (f"{ORDERS}.placing.service", f"{CART}.list_queries", False),
        (f"{CART}.service", f"{ORDERS}.placing.queries", False),
        (f"{CART}.service", f"{ORDERS}.placing", False),
        (f"{CART}.service", f"{CART}.queries", True),
        (f"{CART}.service", "shop.kernel.ids", True),
    ],
)
def test_doors(graph, importer, imported, kept):
    doors = make(DoorsContract, features="shop.features", open_kinds=["service"])

    graph.add_import(importer=importer, imported=imported)

    assert found(doors, graph) == ([] if kept else [(importer, imported)])


def test_kinds(graph):
    kinds = make(KindsContract, features="shop.features", kinds=["service", "queries", "tables", "rules"])

    assert kinds.check(graph, verbose=False).kept

    graph.add_module(f"{ORDERS}.placing.helpers")
    graph.add_module(f"{CART}.queries_old")

    assert kinds.check(graph, verbose=False).metadata["modules"] == [f"{CART}.queries_old", f"{ORDERS}.placing.helpers"]


@pytest.mark.parametrize(
    ("imported", "kept"), [("uuid", True), ("uuid_utils", True), ("sqlalchemy", False), (f"{CART}.service", False)]
)
def test_only(graph, imported, kept):
    only = make(OnlyContract, modules=["shop.kernel.*"], allowed=["uuid_utils"])

    graph.add_import(importer="shop.kernel.ids", imported=imported)

    assert found(only, graph) == ([] if kept else [("shop.kernel.ids", imported)])


def test_pure_looks_through_what_is_imported(graph):
    pure = make(PureContract, modules=["shop.features.*rules"], forbidden=["sqlalchemy"])

    graph.add_import(importer=f"{CART}.rules", imported="shop.kernel.ids")
    assert found(pure, graph) == []
    graph.add_import(importer="shop.kernel.ids", imported="sqlalchemy")

    assert found(pure, graph) == [(f"{CART}.rules", "sqlalchemy")]


def test_guarded(graph):
    guarded = make(GuardedContract, guarded=["sqlalchemy", "shop.*tables"], visitors=["shop.*queries"])

    for importer in (f"{CART}.queries", f"{CART}.list_queries", f"{CART}.service"):
        graph.add_import(importer=importer, imported=f"{CART}.tables")
        graph.add_import(importer=importer, imported="sqlalchemy")

    assert found(guarded, graph) == [(f"{CART}.service", f"{CART}.tables"), (f"{CART}.service", "sqlalchemy")]


def make(kind: type[Contract], **options: object) -> Contract:
    return kind("a contract", session_options={}, contract_options=options)


def found(contract: Contract, graph: ImportGraph) -> list[tuple[str, str]]:
    assert isinstance(contract, ImportsContract)
    check = contract.check(graph, verbose=False)
    offences = check.metadata["offences"]
    assert check.kept == (not offences)
    return [(offence.importer, offence.imported) for offence in offences]
