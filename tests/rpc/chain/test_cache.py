"""What the chain keeps of answers to anonymous callers."""

import grpc

from tests.rpc.chain.conftest import Echo
from tests.world.refusals import refusal


async def test_keeps_an_answer_that_says_what_would_make_it_wrong(echo: Echo):
    async def answer(request, call):
        call.cache_tags = frozenset({"thing"})
        return f"answer {len(echo.servicer.calls)}"

    echo.servicer.script = answer

    assert [(await echo.call("Kept", text="a")).text for _ in range(2)] == ["answer 1", "answer 1"]


async def test_an_answer_without_cache_tags_is_a_defect_and_not_kept_for_ever(echo: Echo):
    refused = [await refusal(echo.call("Kept", text="a")) for _ in range(2)]

    assert [one.code for one in refused] == [grpc.StatusCode.INTERNAL] * 2
    assert len(echo.servicer.calls) == 2


async def test_callers_with_credentials_need_no_tags(echo: Echo):
    assert (await echo.call("Kept", text="a", headers=echo.user())).text == "echo a"
