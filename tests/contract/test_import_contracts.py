"""The import contracts of our own find what they look for, and nothing else."""

import pytest
from grimp import ImportGraph

from tests.contract.import_contracts import DirectImportsContract, DoorsContract, GuardedContract, OnlyContract

MODULES = (
    "server.kernel.ids",
    "server.cart.service",
    "server.cart.queries",
    "server.cart.list_queries",
    "server.cart.tables",
    "server.orders.service",
    "server.orders.place",
)


@pytest.fixture
def graph() -> ImportGraph:
    graph = ImportGraph()
    for module in MODULES:
        graph.add_module(module)
    for library in ("uuid", "uuid_utils", "sqlalchemy"):
        graph.add_module(library, is_squashed=True)
    return graph


@pytest.mark.parametrize(
    ("importer", "imported", "kept"),
    [
        ("server.orders.place", "server.cart.service", True),
        ("server.orders.place", "server.cart.queries", False),
        ("server.cart.service", "server.cart.queries", True),
        ("server.cart.service", "server.kernel.ids", True),
    ],
)
def test_doors(graph, importer, imported, kept):
    doors = make(DoorsContract, features=["server.cart", "server.orders"], open_rooms=["service"])

    graph.add_import(importer=importer, imported=imported)

    assert found(doors, graph) == ([] if kept else [(importer, imported)])


@pytest.mark.parametrize(
    ("imported", "kept"), [("uuid", True), ("uuid_utils", True), ("sqlalchemy", False), ("server.cart.service", False)]
)
def test_only(graph, imported, kept):
    only = make(OnlyContract, modules=["server.*.ids"], allowed=["uuid_utils"])

    graph.add_import(importer="server.kernel.ids", imported=imported)

    assert found(only, graph) == ([] if kept else [("server.kernel.ids", imported)])


def test_only_leaves_out_what_is_exempt(graph):
    only = make(OnlyContract, modules=["server.*.service"], exempt=["server.orders.service"], allowed=[])

    graph.add_import(importer="server.orders.service", imported="sqlalchemy")
    graph.add_import(importer="server.cart.service", imported="sqlalchemy")

    assert found(only, graph) == [("server.cart.service", "sqlalchemy")]


def test_guarded(graph):
    guarded = make(GuardedContract, guarded=["sqlalchemy", "server.*.tables"], visitors=["server.*queries"])

    for importer in ("server.cart.queries", "server.cart.list_queries", "server.cart.service"):
        graph.add_import(importer=importer, imported="server.cart.tables")
        graph.add_import(importer=importer, imported="sqlalchemy")

    assert found(guarded, graph) == [
        ("server.cart.service", "server.cart.tables"),
        ("server.cart.service", "sqlalchemy"),
    ]


def make(kind: type[DirectImportsContract], **options: list[str]) -> DirectImportsContract:
    return kind("a contract", session_options={}, contract_options=options)


def found(contract: DirectImportsContract, graph: ImportGraph) -> list[tuple[str, str]]:
    check = contract.check(graph, verbose=False)
    offences = check.metadata["offences"]
    assert check.kept == (not offences)
    return [(offence.importer, offence.imported) for offence in offences]
