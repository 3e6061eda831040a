"""What a caller learns when a call fails."""

import asyncio
from datetime import timedelta

import grpc
import psycopg
import pytest
import structlog
from psycopg_pool import PoolTimeout

from server.kernel.errors import FailedPrecondition, FieldViolation
from tests.rpc.chain.conftest import Echo
from tests.world.refusals import refusal
from tests.world.waiting import eventually


class TooHot(FailedPrecondition):
    reason = "TOO_HOT"


async def test_names_every_field_at_fault(echo: Echo):
    refused = await refusal(echo.call("Public", text="x" * 21, items=[{"name": "good"}, {"name": "b"}]))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert set(refused.fields) == {"text", "items[1].name"}
    assert "20" in refused.fields["text"]
    assert refused.message == f"text: {refused.fields['text']} (and 1 more)"
    assert echo.servicer.calls == []


async def test_refuses_bytes_that_are_no_request(echo: Echo):
    refused = await refusal(echo.call("Public", raw=b"\xff\xff\xff"))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert refused.metadata == {"message": "kontor.test.v1.EchoRequest"}


async def test_tells_all_about_an_expected_error(echo: Echo):
    async def refuse(request, call):
        raise TooHot(
            "Too hot: 90 °C",
            metadata={"degrees": "90"},
            fields=[FieldViolation("text", "is hot")],
            retry_after=timedelta(seconds=2.5),
        )

    echo.servicer.script = refuse
    refused = await refusal(echo.call("Public", headers=(("x-request-id", "my-request-1"),)))

    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    assert (refused.reason, refused.message, refused.metadata) == ("TOO_HOT", "Too hot: 90 °C", {"degrees": "90"})
    assert (refused.fields, refused.retry_seconds) == ({"text": "is hot"}, 2.5)
    assert refused.request_id == "my-request-1"


async def test_hides_a_defect_and_logs_it_under_the_request_id(echo: Echo):
    async def fail(request, call):
        raise ValueError("the secret is 42")

    echo.servicer.script = fail
    with structlog.testing.capture_logs() as logs:
        refused = await refusal(echo.call("Public"))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert refused.message == "Something failed in the server; its log has the request id"
    [failure] = [line for line in logs if line["event"] == "call.failed"]
    assert failure["request_id"] == refused.request_id
    assert str(failure["exc_info"]) == "the secret is 42"


@pytest.mark.parametrize("error", [psycopg.OperationalError("host db:5432 is away"), PoolTimeout("none in 5 s")])
async def test_says_when_to_come_back_while_the_database_is_away(echo: Echo, error):
    async def fail(request, call):
        raise error

    echo.servicer.script = fail
    refused = await refusal(echo.call("Public"))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
    assert refused.retry_seconds == 1.0
    assert "5432" not in refused.message


async def test_answers_an_unknown_method_in_the_same_form(echo: Echo):
    refused = await refusal(echo.channel.unary_unary("/kontor.test.v1.EchoService/Nothing", None, None)(b""))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNIMPLEMENTED, "UNIMPLEMENTED")
    assert refused.metadata == {"method": "/kontor.test.v1.EchoService/Nothing"}


async def test_a_caller_that_leaves_is_no_defect(echo: Echo):
    started = asyncio.Event()

    async def wait(request, call):
        started.set()
        await asyncio.Event().wait()
        return ""

    echo.servicer.script = wait
    with structlog.testing.capture_logs() as logs:
        call = asyncio.ensure_future(echo.call("Public"))
        await started.wait()
        call.cancel()
        [line] = await eventually(lambda: [line for line in logs if line["event"] == "call"])

    assert (line["code"], line["log_level"]) == ("CANCELLED", "info")
    assert not [line for line in logs if line["log_level"] == "error"]


async def test_keeps_a_sane_request_id_and_replaces_any_other(echo: Echo):
    kept = echo.call("Public", headers=(("x-request-id", "trace-0123"),))
    await kept
    replaced = echo.call("Public", headers=(("x-request-id", "two words"),))
    await replaced

    first, second = (call.id for call in echo.servicer.calls)
    assert dict(await kept.trailing_metadata())["x-request-id"] == first == "trace-0123"
    assert dict(await replaced.trailing_metadata())["x-request-id"] == second
    assert len(second) == 32


async def test_logs_writes_but_not_fast_reads(echo: Echo):
    with structlog.testing.capture_logs() as logs:
        await echo.call("Read", text="a")
        await echo.call("Public", text="b")

    [line] = [line for line in logs if line["event"] == "call"]
    assert (line["method"], line["code"]) == ("/kontor.test.v1.EchoService/Public", "OK")
    assert "b" not in line.values()


async def test_sends_the_headers_that_a_servicer_set(echo: Echo):
    async def answer(request, call):
        call.set_header("etag", '"1"')
        return "x"

    echo.servicer.script = answer
    call = echo.call("Public")
    await call

    assert dict(await call.initial_metadata())["etag"] == '"1"'


async def test_knows_the_address_that_envoy_saw(echo: Echo):
    await echo.call("Public", headers=(("x-forwarded-for", "198.51.100.9, 203.0.113.7"),))
    await echo.call("Public")

    behind_envoy, direct = (call.remote_address for call in echo.servicer.calls)
    assert (behind_envoy, direct) == ("203.0.113.7", "127.0.0.1")
