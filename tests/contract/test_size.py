"""Modules and functions stay small: the large ones are where every shop before this one hurt."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("migrations", "protos", "server", "tests")
# A module aims at 250 lines and a function at 40; what comes here should have been split before.
MODULE_LINES = 500
FUNCTION_LINES = 60


def test_modules_stay_small():
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in sources()
        # A migration is written once and never read in parts.
        if path.parent.name != "versions" and (lines := line_count(path)) > MODULE_LINES
    }

    assert long == {}


def test_functions_stay_small():
    long = {
        f"{path.relative_to(ROOT).as_posix()}:{function.lineno} {function.name}": lines
        for path in sources()
        if path.parent.name != "versions"
        for function in functions(path)
        if (lines := body_line_count(function)) > FUNCTION_LINES
    }

    assert long == {}


def sources() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_line_count(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count from the first statement after the docstring to the last line."""
    has_docstring = ast.get_docstring(function, clean=False) is not None
    first = function.body[1 if has_docstring and len(function.body) > 1 else 0]
    return (function.end_lineno or first.lineno) - first.lineno + 1
