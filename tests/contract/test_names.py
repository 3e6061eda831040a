"""The tests of an RPC are found by its name."""

import re
from pathlib import Path

import pytest

from tests.world.rpcs import Rpc, rpcs

TESTS = Path(__file__).parents[1] / "rpc"


@pytest.mark.parametrize("rpc", rpcs(), ids=str)
def test_every_rpc_has_a_file_of_tests_that_is_named_after_it(rpc: Rpc) -> None:
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", rpc.descriptor.name).lower()
    file = TESTS / rpc.feature / f"test_{name}.py"

    assert file.is_file()
    assert file.read_text(encoding="utf-8").startswith(f'"""{str(rpc).replace("/", ".")}.')
