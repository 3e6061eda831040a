"""`make rpc`: what it writes goes on from what is there, and it writes it once."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what it reads and writes."""
    folder = tmp_path_factory.mktemp("house")
    for name in ("protos", "server", "generated", "tests/rpc/orders", "tests/contract"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "recorded"))
    return folder


def write(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(copy / "protos/new_rpc.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_writes_five_files_and_the_generated_code(copy: Path) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}

    made = write(copy, "orders.CancelOrder", "orders.fulfill")

    assert made.returncode == 0, made.stderr
    changed = {
        path.relative_to(copy).as_posix()
        for path in copy.rglob("*")
        if path.is_file() and before.get(path) != path.read_bytes() and path.suffix != ".pyc"
    }
    by_hand = {path for path in changed if not path.startswith("generated/")}
    assert by_hand == {
        "protos/kontor/orders/v1/orders_service.proto",
        "server/features/orders/service.py",
        "server/features/orders/servicer.py",
        "tests/contract/cases.py",
        "tests/rpc/orders/test_cancel_order.py",
    }
    assert by_hand < changed
    for path in by_hand:
        text = (copy / path).read_text(encoding="utf-8")
        if path.endswith(".py"):
            compile(text, path, "exec")
    policy = (copy / "protos/kontor/orders/v1/orders_service.proto").read_text(encoding="utf-8")
    assert "permission: PERMISSION_ORDERS_FULFILL" in policy.partition("rpc CancelOrder")[2].partition("\n  }\n")[0]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("orders.PlaceOrder",), "OrderService has PlaceOrder already"),
        (("nothing.CancelOrder",), "there is no protos/kontor/nothing/v1/nothing_service.proto"),
        (("orders",), "name the feature and the RPC"),
        ((), "name the feature and the RPC"),
        (("orders.ReturnOrder", "orders.dream"), "has no PERMISSION_ORDERS_DREAM"),
    ],
)
def test_says_why_it_writes_nothing(copy: Path, arguments: tuple[str, ...], why: str) -> None:
    refused = write(copy, *arguments)

    assert refused.returncode == 1
    assert why in refused.stderr
