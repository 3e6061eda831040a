"""`kontor demo`: the whole journey against the running shop, over both transports."""

import sys

import pytest

from tests.ops.shop_process import ShopProcess, home_folder, run, shop_environment

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


@pytest.mark.parametrize("options", [[], ["--grpc"]], ids=["rest", "grpc"])
def test_buys_pays_and_ships(shop: ShopProcess, options: list[str]) -> None:
    shown = run(shop.environment, "demo", *options)

    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "── 16. Two guests want the last unit" in shown.stdout
    assert '"reason": "OUT_OF_STOCK"' in shown.stdout
    assert "CONFIRMED → COMPLETED" in shown.stdout
    assert shown.stdout.rstrip().endswith("Bought, paid, invoiced and shipped.")
    target = "kontor.orders.v1.OrderService/PlaceOrder" if options else "POST /v1/orders"
    assert f"→ {target}" in shown.stdout


def test_says_that_no_shop_is_running() -> None:
    with home_folder() as home:
        shown = run(shop_environment(home), "demo")

    assert shown.returncode == 1
    assert "kontor up" in shown.stderr
