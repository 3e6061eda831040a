"""Contract types for import-linter that its own ones cannot express; pyproject.toml says what they hold for."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.imports import ModuleExpression


@dataclass(frozen=True, slots=True, order=True)
class Offence:
    """One import that a contract forbids."""

    importer: str
    imported: str
    lines: tuple[int, ...]


class DirectImportsContract(Contract):
    """A contract about single imports: it is broken by every import that `offends` finds."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look for offending imports."""
        pairs = set(self.offending_pairs(graph))
        offences = sorted(Offence(importer, imported, lines(graph, importer, imported)) for importer, imported in pairs)
        return ContractCheck(kept=not offences, metadata={"offences": offences})

    def offending_pairs(self, graph: ImportGraph) -> Iterable[tuple[str, str]]:
        """Yield importer and imported module of each offending import."""
        raise NotImplementedError

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line for each offending import."""
        for offence in check.metadata["offences"]:
            where = ", ".join(f"l.{line}" for line in offence.lines)
            output.print_error(f"- {offence.importer} -> {offence.imported} ({where})", bold=False)
        output.new_line()


class DoorsContract(DirectImportsContract):
    """A feature imports from another one only what stands in the rooms that are open to visitors.

    Options: `features`, the packages; `open_rooms`, the names of the modules that other features may import.
    """

    features = fields.SetField(subfield=fields.StringField())
    open_rooms = fields.SetField(subfield=fields.StringField())

    def offending_pairs(self, graph: ImportGraph) -> Iterable[tuple[str, str]]:
        """Yield the imports of other features' closed rooms."""
        features, open_rooms = cast(set[str], self.features), cast(set[str], self.open_rooms)
        for importer, imported in internal_imports(graph, features):
            if feature(importer) != feature(imported) and room(imported) not in open_rooms:
                yield importer, imported


class OnlyContract(DirectImportsContract):
    """Modules import nothing but the standard library, each other and what is allowed.

    Options: `modules`, `exempt` from them, and `allowed`, all module expressions; packages stand for all that is in
    them.
    """

    modules = fields.SetField(subfield=fields.ModuleExpressionField())
    exempt = fields.SetField(subfield=fields.ModuleExpressionField(), required=False)
    allowed = fields.SetField(subfield=fields.ModuleExpressionField())

    def offending_pairs(self, graph: ImportGraph) -> Iterable[tuple[str, str]]:
        """Yield the imports of everything else."""
        modules = matching(graph, self.modules) - matching(graph, self.exempt)
        allowed = modules | matching(graph, self.allowed) | sys.stdlib_module_names
        for importer in modules:
            for imported in graph.find_modules_directly_imported_by(importer):
                if imported not in allowed:
                    yield importer, imported


class GuardedContract(DirectImportsContract):
    """Modules are imported by their visitors only.

    Options: `guarded` and `visitors`, shell patterns of whole module names: server.*queries is server.cart.queries
    and server.catalog.list_queries, which the expressions of import-linter cannot say.
    """

    guarded = fields.SetField(subfield=fields.StringField())
    visitors = fields.SetField(subfield=fields.StringField())

    def offending_pairs(self, graph: ImportGraph) -> Iterable[tuple[str, str]]:
        """Yield the imports by anybody else."""
        for imported in graph.modules:
            if fits(imported, self.guarded):
                for importer in graph.find_modules_that_directly_import(imported):
                    if not fits(importer, self.visitors):
                        yield importer, imported


def internal_imports(graph: ImportGraph, packages: set[str]) -> Iterable[tuple[str, str]]:
    """Yield every import from a module of the packages to a module of the packages."""
    for importer in graph.modules:
        if feature(importer) in packages:
            for imported in graph.find_modules_directly_imported_by(importer):
                if feature(imported) in packages:
                    yield importer, imported


def feature(module: str) -> str:
    """Return the package that a module belongs to: server.orders.place -> server.orders."""
    return ".".join(module.split(".")[:2])


def room(module: str) -> str:
    """Return the name of a module in its feature: server.orders.place -> place."""
    return ".".join(module.split(".")[2:3])


def fits(module: str, option: object) -> bool:
    """Tell whether a module's name fits one of an option's shell patterns."""
    return any(fnmatchcase(module, pattern) for pattern in cast(set[str], option))


def matching(graph: ImportGraph, option: object) -> frozenset[str]:
    """Return the modules that an option's expressions name, with all that is in them."""
    # A field of a contract class is its value on an instance, which the checker does not know.
    expressions = cast(set[ModuleExpression] | None, option) or set()
    named = {module for expression in expressions for module in graph.find_matching_modules(expression.expression)}
    packages = (module for module in named if not graph.is_module_squashed(module))
    return frozenset(named).union(*(graph.find_descendants(package) for package in packages))


def lines(graph: ImportGraph, importer: str, imported: str) -> tuple[int, ...]:
    """Return the numbers of the lines that import."""
    return tuple(detail["line_number"] for detail in graph.get_import_details(importer=importer, imported=imported))
