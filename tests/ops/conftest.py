"""A shop as `kontor up` runs it."""

from collections.abc import Iterator

import pytest

from tests.ops.shop_process import ShopProcess, home_folder, shop_environment


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopProcess]:
    """Open a shop in its first run; a test that ends it starts it again."""
    with home_folder() as home:
        running = ShopProcess(shop_environment(home), tmp_path_factory.mktemp("shop") / "output")
        running.start()
        try:
            running.wait_for("Stop    Ctrl-C")
            yield running
        finally:
            running.stop()
