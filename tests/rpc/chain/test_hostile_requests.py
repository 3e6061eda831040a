"""Requests that are made to hurt: very many faults, characters that no text may have, values out of every range."""

import time
from typing import Any

import grpc
import psycopg
import pytest
import structlog
from kontor.catalog.v1 import catalog_service_pb2

from tests.rpc.chain.conftest import Echo
from tests.world.looking import run
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def trailer_bytes(call: Any) -> int:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    trailers: Any = caught.value.trailing_metadata()
    return sum(len(name) + len(value) for name, value in trailers)


async def test_names_ten_of_many_faults_and_counts_the_rest(echo: Echo):
    request: dict[str, Any] = {"text": "x" * 21, "items": [{"name": "b"}] * 3_000}

    refused = await refusal(echo.call("Public", **request))

    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert list(refused.fields) == ["text", *(f"items[{n}].name" for n in range(9))]
    assert refused.message == f"text: {refused.fields['text']} (and 3000 more)"
    assert await trailer_bytes(echo.call("Public", **request)) < 4096


async def test_names_the_first_fault_only_of_a_large_request(echo: Echo):
    refused = await refusal(echo.call("Public", items=[{"name": "b"}] * 10_000))

    assert list(refused.fields) == ["items[0].name"]
    assert refused.message == f"items[0].name: {refused.fields['items[0].name']}"
    assert echo.servicer.calls == []


async def test_a_request_with_very_many_faults_keeps_nobody_waiting(shop: Shop):
    request = catalog_service_pb2.ListProductsRequest(tags=[""] * 300_000)
    started = time.perf_counter()

    refused = await refusal(shop.call(request))

    # To list all of them takes six seconds.
    assert time.perf_counter() - started < 2
    assert list(refused.fields) == ["tags"]


@pytest.mark.parametrize(
    ("method", "fields", "path"),
    [
        ("Public", {"text": "a\0b"}, "text"),
        ("Read", {"text": "\0"}, "text"),
        ("Must", {"request_id": "key\0"}, "request_id"),
        ("Once", {"text": "fine", "items": [{"name": "good"}, {"name": "ba\0d"}]}, "items[1].name"),
    ],
)
async def test_refuses_the_character_nul_in_any_text(echo: Echo, method: str, fields: dict[str, Any], path: str):
    with structlog.testing.capture_logs() as logs:
        refused = await refusal(echo.call(method, **fields))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert refused.fields == {path: "must not contain the character NUL"}
    assert echo.servicer.calls == []
    assert {line["log_level"] for line in logs} == {"info"}


async def test_a_nul_byte_outside_of_texts_is_fine(echo: Echo):
    # An empty item has the length 0.
    answer = await echo.call("Signed", raw=b"\x0a\x03a\x00b")

    assert answer.text == "echo a\0b"
    assert (await refusal(echo.call("Public", items=[{}]))).fields.keys() == {"items[0].name"}
    # A field that the contract does not know.
    assert (await echo.call("Public", raw=b"\x0a\x01a\xf8\x01\x00")).text == "echo a"


@pytest.mark.parametrize(
    "statement", ["SELECT (10^30)::numeric::bigint", "SELECT 'top secret'::timestamptz", "SELECT '\\u0000'::jsonb->>0"]
)
async def test_a_value_that_the_database_cannot_take_is_the_callers_mistake(echo: Echo, statement: str):
    async def read(request, call):
        await run(echo.db, statement)
        return ""

    echo.servicer.script = read
    with structlog.testing.capture_logs() as logs:
        refused = await refusal(echo.call("Public"))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert refused.message == "A value in the request is out of range, or has characters that no text may have"
    [line] = [line for line in logs if line["event"] == "call.unfit_value"]
    assert (line["log_level"], line["request_id"]) == ("warning", refused.request_id)
    assert "top secret" not in str(logs)
    assert not [line for line in logs if line["log_level"] == "error"]


async def test_a_text_with_nul_never_reaches_the_database_as_a_defect(echo: Echo):
    async def write(request, call):
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")

    echo.servicer.script = write

    assert (await refusal(echo.call("Signed", text="a\0"))).code is grpc.StatusCode.INVALID_ARGUMENT
