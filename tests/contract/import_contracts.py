"""Contract types for import-linter that its own ones cannot express; pyproject.toml says what they hold for.

Modules are named by shell patterns over their whole names: `server.features.*queries` is
`server.features.cart.queries` and `server.features.catalog.list_queries`. Packages stand for themselves only; what is
in them is `package.*`.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


@dataclass(frozen=True, slots=True, order=True)
class Offence:
    """One import that a contract forbids."""

    importer: str
    imported: str
    lines: tuple[int, ...]


class ImportsContract(Contract):
    """A contract about pairs of modules: it is broken by every pair that `offending_pairs` finds."""

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
            where = ", ".join(f"l.{line}" for line in offence.lines) or "by way of others"
            output.print_error(f"- {offence.importer} -> {offence.imported} ({where})", bold=False)
        output.new_line()


class KindsContract(Contract):
    """Every module of a feature is of a known kind, which its name says: `queries`, or `list_queries`.

    Options: `features`, the package that holds them; `kinds`.
    """

    features = fields.StringField()
    kinds = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look for modules of no known kind."""
        kinds = cast(set[str], self.kinds)
        modules = graph.find_descendants(str(self.features))
        odd = sorted(module for module in modules if not graph.find_children(module) and kind_of(module) not in kinds)
        # A feature that is only planned has an empty package.
        odd = [module for module in odd if feature_of(module, str(self.features)) != module]
        return ContractCheck(kept=not odd, metadata={"modules": odd})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the modules."""
        for module in check.metadata["modules"]:
            output.print_error(f"- {module} is of no known kind", bold=False)
        output.new_line()


class DoorsContract(ImportsContract):
    """A feature imports from another one only modules of the kinds that are open to visitors.

    Options: `features`, the package that holds them; `open_kinds`.
    """

    features = fields.StringField()
    open_kinds = fields.SetField(subfield=fields.StringField())

    def offending_pairs(self, graph: ImportGraph) -> Iterable[tuple[str, str]]:
        """Yield the imports of other features' closed rooms."""
        root, open_kinds = str(self.features), cast(set[str], self.open_kinds)
        for importer in graph.find_descendants(root):
            for imported in graph.find_modules_directly_imported_by(importer):
                if not imported.startswith(f"{root}.") or feature_of(importer, root) == feature_of(imported, root):
                    continue
                if imported == feature_of(imported, root) and not graph.find_children(imported):
                    # A module beside the features, which is none of theirs.
                    continue
                if graph.find_children(imported) or kind_of(imported) not in open_kinds:
                    yield importer, imported


class OnlyContract(ImportsContract):
    """Modules import nothing but the standard library, each other and what is allowed.

    Options: `modules`, and `allowed`, both patterns.
    """

    modules = fields.SetField(subfield=fields.StringField())
    allowed = fields.SetField(subfield=fields.StringField())

    def offending_pairs(self, graph: ImportGraph) -> Iterable[tuple[str, str]]:
        """Yield the imports of everything else."""
        modules = {module for module in graph.modules if fits(module, self.modules)}
        for importer in modules:
            for imported in graph.find_modules_directly_imported_by(importer):
                if imported not in modules | sys.stdlib_module_names and not fits(imported, self.allowed):
                    yield importer, imported


class PureContract(ImportsContract):
    """Modules reach nothing of what is forbidden, not even by way of what they import.

    Options: `modules` and `forbidden`, both patterns.
    """

    modules = fields.SetField(subfield=fields.StringField())
    forbidden = fields.SetField(subfield=fields.StringField())

    def offending_pairs(self, graph: ImportGraph) -> Iterable[tuple[str, str]]:
        """Yield what they reach."""
        for importer in graph.modules:
            if fits(importer, self.modules):
                for imported in graph.find_upstream_modules(importer):
                    if fits(imported, self.forbidden):
                        yield importer, imported


class GuardedContract(ImportsContract):
    """Modules are imported by their visitors only.

    Options: `guarded` and `visitors`, both patterns.
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


def kind_of(module: str) -> str:
    """Return the kind of a module: server.features.catalog.list_queries -> queries."""
    return module.rpartition(".")[2].rpartition("_")[2]


def feature_of(module: str, root: str) -> str:
    """Return the feature that a module belongs to: server.features.orders.placing.service -> server.features.orders."""
    return f"{root}.{module.removeprefix(f'{root}.').partition('.')[0]}"


def fits(module: str, option: object) -> bool:
    """Tell whether a module's name fits one of an option's patterns."""
    return any(fnmatchcase(module, pattern) for pattern in cast(set[str], option))


def lines(graph: ImportGraph, importer: str, imported: str) -> tuple[int, ...]:
    """Return the numbers of the lines that import."""
    return tuple(detail["line_number"] for detail in graph.get_import_details(importer=importer, imported=imported))
