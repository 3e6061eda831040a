"""What a job worker does: tasks, what hears of events, and what the clock starts.

Features list theirs, and `register` gives them all to procrastinate.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import procrastinate
import structlog

from server.kernel.event import Event
from server.kernel.payload import PayloadUnreadable, from_json
from server.kernel.task import Task
from server.metrics.meters import Timings, job_timings

_log = structlog.get_logger(__name__)

T = TypeVar("T", bound=Task)
E = TypeVar("E", bound=Event)

# For jobs that talk to others: eleven tries in a day, after 3, 9, 27, ... seconds.
RETRY: Final = procrastinate.RetryStrategy(max_attempts=10, exponential_wait=3)


@dataclass(frozen=True, slots=True)
class Handler(Generic[T]):
    """What does a task. It may run twice for one task, and changes nothing the second time."""

    task: type[T]
    run: Callable[[T], Awaitable[object]]
    retry: procrastinate.RetryStrategy = field(default_factory=lambda: RETRY)


@dataclass(frozen=True, slots=True)
class Subscription(Generic[E]):
    """A job for each event of a kind; those about one aggregate come one after the other, in order."""

    event: type[E]
    # Of the job: the feature, then what is done, `orders.send_shipped_mail`.
    name: str
    run: Callable[[E], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class BatchSubscription(Generic[E]):
    """A job for many events of a kind, whose order does not matter.

    A job that is repeated gets all of them again: it sees to it that one event's trouble does not repeat the others.
    """

    event: type[E]
    name: str
    run: Callable[[Sequence[E]], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Periodic:
    """What the clock starts. While one waits in the queue no second one comes; `alone`: nor while one runs."""

    name: str
    cron: str
    run: Callable[[], Awaitable[object]]
    alone: bool = False


AnySubscription = Subscription[Any] | BatchSubscription[Any]


@dataclass(frozen=True, slots=True)
class Jobs:
    """What one part of the program has a worker do."""

    handlers: Sequence[Handler[Any]] = ()
    subscriptions: Sequence[AnySubscription] = ()
    periodics: Sequence[Periodic] = ()


def register(app: procrastinate.App, jobs: Jobs, timings: Timings | None = None) -> None:
    """Give a worker's app what it has to do, and count what is done.

    Raises procrastinate's TaskAlreadyRegistered for a name with two.
    """
    timings = timings or job_timings()
    for handler in jobs.handlers:
        _register_handler(app, handler, timings)
    for subscription in jobs.subscriptions:
        _register_subscription(app, subscription, timings)
    for periodic in jobs.periodics:
        _register_periodic(app, periodic, timings)


def _register_handler(app: procrastinate.App, handler: Handler[Any], timings: Timings) -> None:
    name = handler.task.name

    @app.task(name=name, retry=handler.retry)
    async def run(**args: Any) -> None:
        with timings.measure(name):
            await handler.run(from_json(handler.task, args))


def _register_subscription(app: procrastinate.App, subscription: AnySubscription, timings: Timings) -> None:
    kind = subscription.event
    if isinstance(subscription, BatchSubscription):

        @app.task(name=subscription.name, retry=RETRY)
        async def run_batch(**args: Any) -> None:
            with timings.measure(subscription.name):
                await subscription.run(_readable(kind, args["events"]))

    else:

        @app.task(name=subscription.name, retry=RETRY)
        async def run(**args: Any) -> None:
            with timings.measure(subscription.name):
                await subscription.run(from_json(kind, args["data"]))


def _readable(kind: type[E], events: Sequence[Mapping[str, Any]]) -> list[E]:
    """Read the events of a batch; one that cannot be read does not keep the others from being heard."""
    found = []
    for event in events:
        try:
            found.append(from_json(kind, event["data"]))
        except PayloadUnreadable as error:
            _log.error("jobs.event_unreadable", event_id=event.get("event_id"), error=str(error))
    return found


def _register_periodic(app: procrastinate.App, periodic: Periodic, timings: Timings) -> None:
    lock = periodic.name if periodic.alone else None

    @app.periodic(cron=periodic.cron)
    @app.task(name=periodic.name, queueing_lock=periodic.name, lock=lock)
    async def run(timestamp: int) -> None:
        with timings.measure(periodic.name):
            await periodic.run()
