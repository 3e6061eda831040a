"""The published reasons and the program's are the same, so that a client can branch on them."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from kontor.errors.v1 import reason_pb2

import server
from server.edge.config import REFUSALS
from server.kernel.errors import AppError
from tests.contract.descriptors import comments
from tests.world.rpcs import Rpc, rpcs

SERVER = Path(server.__file__).parent
PUBLISHED = set(reason_pb2.Reason.keys()) - {"REASON_UNSPECIFIED"}
# The chain's own word for a defect: no class, as nobody may raise it.
OF_THE_CHAIN = {"INTERNAL"}
# What any RPC may answer because of who calls, how, or when; the chain says it and no comment repeats it.
OF_EVERY_RPC = {
    "INVALID_ARGUMENT",
    "UNAUTHENTICATED",
    "PERMISSION_DENIED",
    "TOKEN_INVALID",
    "TOKEN_EXPIRED",
    "CART_TOKEN_INVALID",
    "IDEMPOTENCY_KEY_REUSED",
    "RATE_LIMITED",
    "UNAVAILABLE",
}
# They can be refused only for such reasons.
WITHOUT_OWN_ERRORS = {
    "CartService/GetCart",
    "UserService/Logout",
}
NAME = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")


def test_published_reasons_are_those_of_the_program_and_of_the_edge():
    raised = {error.reason for error in error_classes().values() if hasattr(error, "reason")}
    at_the_edge = {code.name for code, _ in REFUSALS.values()}

    assert raised | at_the_edge | OF_THE_CHAIN == PUBLISHED


def test_metadata_is_published():
    """The comment of a reason names every key of its metadata."""
    described = {name.rpartition(".")[2]: text for name, text in comments().items() if ".Reason." in name}
    secret = {
        f"{reason}: {key}"
        for reason, keys in metadata_keys().items()
        for key in keys
        if f"`{key}`" not in described[reason]
    }

    assert secret == set()
    # The search finds what is known to be there.
    assert metadata_keys()["PRICE_CHANGED"] >= {"amount_minor", "currency_code"}


def test_every_rpc_tells_its_errors():
    silent = {str(rpc) for rpc in rpcs() if "Errors:" not in comments()[rpc.descriptor.full_name]}

    assert silent == WITHOUT_OWN_ERRORS


def test_comments_of_rpcs_name_published_reasons():
    named = {name for rpc in rpcs() for name in errors_in_comment(rpc)}

    assert "OUT_OF_STOCK" in named
    assert named - PUBLISHED == set()


def test_comments_of_rpcs_name_what_their_use_cases_raise():
    """A use case has the name of its RPC, and its docstring says `Raises X, Y`."""
    untold = {
        f"{rpc}: {reason}"
        for rpc in rpcs()
        for reason in raised_by_use_case(rpc) - errors_in_comment(rpc) - OF_EVERY_RPC
    }

    assert untold == set()
    assert "OUT_OF_STOCK" in raised_by_use_case(next(rpc for rpc in rpcs() if rpc.descriptor.name == "PlaceOrder"))


@cache
def error_classes() -> Mapping[str, type[AppError]]:
    """Return every class of errors in the program by module and name."""
    for module in walk_packages(server.__path__, "server."):
        # The first is the program itself; the second runs it and answers nobody.
        if module.name != "server.__main__" and not module.name.startswith("server.embedded"):
            import_module(module.name)
    found: dict[str, type[AppError]] = {}
    open_ends: list[type[AppError]] = [AppError]
    while open_ends:
        for error in open_ends.pop().__subclasses__():
            open_ends.append(error)
            if error.__module__.startswith("server."):
                found[f"{error.__module__}.{error.__name__}"] = error
    return found


def metadata_keys() -> Mapping[str, set[str]]:
    """Return the keys that stand in the source as metadata of each reason."""
    found: dict[str, set[str]] = defaultdict(set)
    by_name = {name.rpartition(".")[2]: error for name, error in error_classes().items()}
    for path in SERVER.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        module = ".".join(path.relative_to(SERVER.parent).with_suffix("").parts)
        for scope in ast.walk(tree):
            error = error_classes().get(f"{module}.{scope.name}") if isinstance(scope, ast.ClassDef) else None
            if error is not None:
                found[error.reason] |= set(keys_below(scope))
            elif isinstance(scope, ast.Call) and isinstance(scope.func, ast.Name) and scope.func.id in by_name:
                for argument in scope.keywords:
                    if argument.arg == "metadata":
                        found[by_name[scope.func.id].reason] |= set(keys_below(argument.value))
    return found


def keys_below(node: ast.AST) -> Iterator[str]:
    """Yield the texts that are keys of dicts."""
    for part in ast.walk(node):
        keys = part.keys if isinstance(part, ast.Dict) else [part.slice] if isinstance(part, ast.Subscript) else []
        yield from (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def errors_in_comment(rpc: Rpc) -> set[str]:
    _, _, errors = comments()[rpc.descriptor.full_name].partition("Errors:")
    return set(NAME.findall(errors))


def raised_by_use_case(rpc: Rpc) -> set[str]:
    """Return the reasons that docstrings of functions with the RPC's name promise."""
    wanted = re.sub(r"(?<!^)(?=[A-Z])", "_", rpc.descriptor.name).lower()
    reasons = {
        name.rpartition(".")[2]: error.reason for name, error in error_classes().items() if hasattr(error, "reason")
    }
    promised = set()
    for path in (SERVER / "features" / rpc.feature).rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name == wanted:
                _, _, text = (ast.get_docstring(function) or "").partition("Raises")
                promised |= {reasons[word] for word in re.findall(r"\w+", text) if word in reasons}
    return promised
