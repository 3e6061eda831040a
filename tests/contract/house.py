"""The house as its modules tell it, for tests that hold for every feature, present and future."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import server.features
from server.db.base import Base
from server.kernel.event import Event, known_events
from server.kernel.task import Task

SERVER = Path(server.__file__).parent
FEATURES = SERVER / "features"
_PLATE = re.compile(r"^(Owns|Tells|Hears|Locks|Read first): (.+?)(?=^\w|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class House:
    """One feature."""

    name: str

    @property
    def folder(self) -> Path:
        """Where it stands."""
        return FEATURES / self.name

    @property
    def plate(self) -> dict[str, str]:
        """What the docstring of its package says, by the words that its lines begin with."""
        text = import_module(f"server.features.{self.name}").__doc__ or ""
        return {word: " ".join(said.split()) for word, said in _PLATE.findall(text)}

    def listed(self, word: str) -> set[str]:
        """Return what a line of the plate lists."""
        said = self.plate.get(word, "")
        return {name.strip() for name in said.split(",") if name.strip() not in ("", "nothing")}

    @property
    def tables(self) -> set[str]:
        """The tables whose classes stand in it."""
        mine = f"server.features.{self.name}."
        mappers = Base.registry.mappers
        return {mapper.class_.__tablename__ for mapper in mappers if mapper.class_.__module__.startswith(mine)}

    @property
    def events(self) -> set[type[Event]]:
        """The events whose classes stand in it."""
        mine = f"server.features.{self.name}."
        return {kind for kind in known_events().values() if kind.__module__.startswith(mine)}

    @property
    def tasks(self) -> set[type[Task]]:
        """The tasks whose classes stand in it."""
        return {task for task in Task.__subclasses__() if task.__module__.startswith(f"server.features.{self.name}.")}

    def modules(self) -> Iterator[tuple[Path, ast.Module]]:
        """Yield its modules."""
        for path in sorted(self.folder.rglob("*.py")):
            yield path, parsed(path)

    def mentions(self, name: str, *, outside: frozenset[str]) -> bool:
        """Whether a class is used in one of its modules, other than those of the kinds outside."""
        return any(
            kind_of(path) not in outside
            and any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))
            for path, tree in self.modules()
        )


def houses() -> list[House]:
    """List the features."""
    load()
    return [House(path.name) for path in sorted(FEATURES.iterdir()) if (path / "__init__.py").exists()]


@cache
def load() -> None:
    """Import every module of the server, so that every class is known."""
    for module in walk_packages(server.__path__, "server."):
        # The first is the program itself; the second runs it.
        if not module.name.startswith(("server.__main__", "server.embedded")):
            import_module(module.name)


@cache
def parsed(path: Path) -> ast.Module:
    """Read a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def kind_of(path: Path) -> str:
    """Return the kind of a module: `queries` of list_queries.py."""
    return path.stem.rpartition("_")[2]


def classes() -> Iterator[tuple[str, str]]:
    """Yield the name and the module of every public class of the server."""
    for path in sorted(SERVER.rglob("*.py")):
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, path.relative_to(SERVER).as_posix()
