"""Runs load generators in processes of their own."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection as Pipe

import uvloop

from tests.bench import grpc_load, http_load
from tests.bench.arithmetic import Cpu, Round
from tests.bench.job import CallJob, Feed, FlowJob, Load, Tally, join
from tests.bench.machine import CannotMeasure

_READY, _GO = "ready", "go"
# They begin anew instead of copying this process with its connections and threads.
_processes = multiprocessing.get_context("spawn")

MeasureCpu = Callable[[], Cpu]


def load(job: Load, *, cpu: MeasureCpu = Cpu, generators: int = 1) -> Round:
    """Run a job; `cpu` tells what the target has used so far. Raises CannotMeasure when a generator fails."""
    pipes: list[Pipe] = []
    processes = []
    for part in range(generators):
        ours, theirs = _processes.Pipe()
        process = _processes.Process(target=_generate, args=(part, generators, theirs), daemon=True)
        process.start()
        # With our copy open, the end of a generator that fails would not be noticed.
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    try:
        for pipe in pipes:
            # Not as an argument: of a process that dies while it starts, the pipe of arguments would never tell.
            _send(pipe, job)
        for pipe in pipes:
            _receive(pipe)
        before = cpu()
        for pipe in pipes:
            _send(pipe, _GO)
        tallies = [_receive(pipe) for pipe in pipes]
        used = cpu() - before
    finally:
        for process in processes:
            process.join(10)
            process.kill()
    return replace(join([tally for tally in tallies if isinstance(tally, Tally)]), cpu=used)


def _send(pipe: Pipe, value: object) -> None:
    try:
        pipe.send(value)
    except OSError:
        raise CannotMeasure("a load generator failed; what went wrong stands above") from None


def _receive(pipe: Pipe) -> object:
    try:
        return pipe.recv()
    except (EOFError, OSError):
        raise CannotMeasure("a load generator failed; what went wrong stands above") from None


def _generate(part: int, parts: int, pipe: Pipe) -> None:
    """Run a job in this process: take it, warm up, say so, wait for the word, and tell what was seen."""
    job: Load = pipe.recv()
    uvloop.run(_run(job, Feed(job, part=part, parts=parts), pipe))


async def _run(job: Load, feed: Feed, pipe: Pipe) -> None:
    browsers = await http_load.connect(job) if isinstance(job, FlowJob) else []
    warm, tally = Tally(), Tally()
    if job.warm_seconds:
        await _load(job, feed, warm, browsers, job.warm_seconds)
    pipe.send(_READY)
    await asyncio.to_thread(pipe.recv)
    started, cpu = time.perf_counter(), time.process_time()
    await _load(job, feed, tally, browsers, job.seconds)
    tally.seconds = time.perf_counter() - started
    tally.cpu_seconds = time.process_time() - cpu
    # An answer that was wrong while warming up is as wrong as any.
    tally.errors += warm.errors
    tally.first_error = warm.first_error or tally.first_error
    pipe.send(tally)
    for browser in browsers:
        browser.close()


async def _load(job: Load, feed: Feed, tally: Tally, browsers: list[http_load.Browser], seconds: float) -> None:
    if isinstance(job, CallJob):
        await grpc_load.run(job, feed, tally, seconds)
    elif isinstance(job, FlowJob):
        await http_load.run(job, feed, tally, browsers, seconds)
