"""The server around the chain: health, reflection, and an orderly end."""

import asyncio
import os
import signal

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from server.rpc.auth import Authenticator
from server.rpc.chain import Chain, Service
from server.rpc.server import AddressTaken, Server
from tests.rpc.chain.conftest import Echo
from tests.rpc.chain.contract import DESCRIPTOR, SERVICE, EchoRequest, EchoResponse, EchoServicer

SERVING = health_pb2.HealthCheckResponse.SERVING


async def test_answers_for_its_health_as_a_whole_and_per_service(echo: Echo):
    health = health_pb2_grpc.HealthStub(echo.channel)

    for name in ("", SERVICE):
        assert (await health.Check(health_pb2.HealthCheckRequest(service=name))).status == SERVING
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health.Check(health_pb2.HealthCheckRequest(service="kontor.other.v1.Other"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_lists_and_describes_its_services(echo: Echo):
    reflection = reflection_pb2_grpc.ServerReflectionStub(echo.channel)
    requests = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE),
    ]

    listed, described = [answer async for answer in reflection.ServerReflectionInfo(iter(requests))]

    names = [service.name for service in listed.list_services_response.service]
    assert names == sorted([SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"])
    assert any(b"EchoRequest" in file for file in described.file_descriptor_response.file_descriptor_proto)


def make_server(echo: Echo, servicer: EchoServicer, address: str) -> Server:
    authenticator = Authenticator(echo.entrance.access_tokens, echo.entrance.cart_tokens)
    return Server(
        Chain(db=echo.db, authenticator=authenticator, clock=echo.clock), [Service(DESCRIPTOR, servicer)], address
    )


async def test_finishes_calls_in_flight_on_sigterm(echo: Echo, tmp_path):
    started, finish = asyncio.Event(), asyncio.Event()

    async def wait(request, call):
        started.set()
        await finish.wait()
        return "finished"

    servicer = EchoServicer()
    servicer.script = wait
    address = f"unix:{tmp_path / 'worker.sock'}"
    server = make_server(echo, servicer, address)
    running = asyncio.create_task(server.run_until_terminated())
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary(f"/{SERVICE}/Public", None, response_deserializer=EchoResponse.FromString)
        in_flight = asyncio.ensure_future(call(EchoRequest().SerializeToString(), wait_for_ready=True))
        await started.wait()
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        assert (await watch.read()).status == SERVING

        os.kill(os.getpid(), signal.SIGTERM)

        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
        finish.set()
        assert (await in_flight).text == "finished"
    await running


async def test_refuses_a_taken_address(echo: Echo):
    first = make_server(echo, EchoServicer(), "127.0.0.1:0")
    await first.start()

    with pytest.raises(AddressTaken, match="in use"):
        await make_server(echo, EchoServicer(), f"127.0.0.1:{first.port}").start()

    await first.stop(0)
