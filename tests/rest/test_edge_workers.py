"""What the real Envoy does about workers that die, drain and return."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from tests.rest.echoing import SHOP, call, details, healthy
from tests.rest.edge_process import RunningEdge, local_edge, running_echo
from tests.world.processes import short_folder
from tests.world.waiting import wait_until


@pytest.fixture
def fragile(descriptors: Path) -> Iterator[RunningEdge]:
    edge = replace(local_edge(), public_url=SHOP)
    with short_folder() as folder, running_echo(edge, descriptors, ["one", "two"], folder) as running:
        wait_until(lambda: healthy(running), "both workers answer")
        yield running


def until_dead(fragile: RunningEdge, call: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """Call until a call reached the worker that dies of it; Envoy chooses at random."""
    answers = []
    for _ in range(200):
        answers.append(call())
        if fragile.workers["one"].poll() is not None:
            break
    return answers


def test_repeats_a_read_when_its_worker_dies(fragile: RunningEdge) -> None:
    answers = until_dead(fragile, lambda: httpx.get(f"{fragile.url}/v1/echo/x?order=die:one"))

    assert {(answer.status_code, answer.json()["worker"]) for answer in answers} == {(200, "two")}
    assert fragile.workers["one"].wait(5) == 1


def test_repeats_no_write_when_its_worker_dies(fragile: RunningEdge) -> None:
    answers = until_dead(fragile, lambda: httpx.post(f"{fragile.url}/v1/echo", json={"order": "die:one"}))

    failed = [answer for answer in answers if answer.status_code != 200]
    assert [(answer.status_code, answer.json()["code"]) for answer in failed] == [(503, 14)]
    assert failed[0].json()["message"] == "The shop is not reachable for now; try again."
    assert details(failed[0])["ErrorInfo"]["reason"] == "UNAVAILABLE"


def test_sends_nothing_to_a_worker_that_drains(fragile: RunningEdge) -> None:
    fragile.workers["one"].send_signal(signal.SIGUSR1)

    def only_two() -> bool:
        answers = [httpx.get(f"{fragile.url}/v1/echo/x") for _ in range(12)]
        return {answer.json()["worker"] for answer in answers} == {"two"}

    wait_until(only_two, "the draining worker gets no calls")


def test_is_not_ready_without_workers(fragile: RunningEdge, messages: dict[str, Any]) -> None:
    before = httpx.get(f"{fragile.url}/healthz")
    for worker in fragile.workers.values():
        worker.kill()

    wait_until(lambda: httpx.get(f"{fragile.url}/healthz").status_code == 503, "the edge is not ready")
    health, answer = httpx.get(f"{fragile.url}/healthz"), httpx.get(f"{fragile.url}/v1/echo/x")
    with pytest.raises(grpc.RpcError) as refused:
        call(fragile.grpc_target, messages)

    assert before.status_code == 200
    assert health.json()["code"] == answer.json()["code"] == 14
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert refused.value.details() == "The shop is not reachable for now; try again."


def test_asks_for_https_when_the_shop_has_it(fragile: RunningEdge) -> None:
    answer = httpx.get(f"{fragile.url}/v1/echo/x")

    assert answer.headers["strict-transport-security"] == "max-age=31536000"
