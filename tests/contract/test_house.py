"""What docs/conventions.md says of every feature, held against the code."""

import sys
from collections import defaultdict
from types import ModuleType

import pytest

from server.db.base import Base
from server.db.statement import _Statement
from server.kernel.task import Task
from tests.contract.house import House, classes, houses, kind_of, load
from tests.world.shop import Shop

HOUSES = houses()
# The contract of the words on a front plate.
WORDS = {"Owns", "Tells", "Hears", "Locks", "Read first"}
ADVICE = "python -m tests.contract.plates"


@pytest.mark.parametrize("house", HOUSES, ids=lambda house: house.name)
def test_the_front_plate_says_what_a_newcomer_needs(house: House):
    assert set(house.plate) == WORDS
    assert house.listed("Owns") == house.tables, ADVICE
    for name in house.plate["Read first"].replace(",", " ").split():
        if name.endswith(".py"):
            assert (house.folder / name).exists(), name


@pytest.mark.parametrize("house", HOUSES, ids=lambda house: house.name)
def test_the_front_plate_says_which_events_it_tells(house: House):
    """And each is told: somewhere in the feature it is made."""
    assert house.listed("Tells") == {event.__name__ for event in house.events}, ADVICE
    untold = {event.__name__ for event in house.events if not house.mentions(event.__name__, outside=_NOT_TOLD_IN)}
    assert untold == set()


_NOT_TOLD_IN = frozenset({"events", "feature", "jobs"})


async def test_the_front_plates_say_who_hears_of_which_event(shop: Shop):
    heard: dict[str, set[str]] = defaultdict(set)
    for feature in shop.app.features:
        house = type(feature).__module__.split(".")[2]
        heard[house] |= {subscription.event.__name__ for subscription in feature.jobs().subscriptions}

    assert {house.name: house.listed("Hears") for house in HOUSES if house.listed("Hears")} == {
        name: events for name, events in heard.items() if events
    }, ADVICE


async def test_every_subscribed_event_is_told_by_somebody(shop: Shop):
    told = {event for house in HOUSES for event in house.events}
    subscribed = {subscription.event for feature in shop.app.features for subscription in feature.jobs().subscriptions}

    assert subscribed - told == set()
    assert subscribed


async def test_every_task_has_one_handler_and_is_deferred(shop: Shop):
    handled = [handler.task for feature in shop.app.features for handler in feature.jobs().handlers]
    tasks = {task for house in HOUSES for task in house.tasks}

    assert set(handled) == tasks
    assert len(handled) == len(set(handled))
    idle = {
        task.__name__
        for house in HOUSES
        for task in house.tasks
        if not any(other.mentions(task.__name__, outside=frozenset({"tasks", "feature", "jobs"})) for other in HOUSES)
    }
    assert idle == set()
    assert all(task.__module__.startswith("server.features.") for task in tasks), Task


async def test_every_job_is_named_after_its_feature(shop: Shop):
    for feature in shop.app.features:
        house, jobs = type(feature).__module__.split(".")[2], feature.jobs()
        names = [job.name for job in (*jobs.subscriptions, *jobs.periodics)]
        names += [handler.task.name for handler in jobs.handlers]
        assert [name for name in names if not name.startswith(f"{house}.")] == []


def test_no_two_classes_share_a_name():
    """One word, one thing: whoever reads it in a log or a test knows which is meant."""
    places: dict[str, list[str]] = defaultdict(list)
    for name, module in classes():
        places[name].append(module)

    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}


def test_tables_are_named_as_in_the_database():
    load()
    odd = {
        mapper.class_.__name__: mapper.class_.__tablename__
        for mapper in Base.registry.mappers
        if mapper.class_.__name__ != "".join(part.title() for part in mapper.class_.__tablename__.split("_"))
    }

    assert odd == {}


def test_statements_are_private_to_their_queries():
    """Callers see typed functions, never parameters that no checker knows."""
    load()
    public = [
        f"{module.__name__}.{name}"
        for module in _modules("server.features.")
        for name, value in vars(module).items()
        if isinstance(value, _Statement) and not name.startswith("_")
    ]

    assert public == []


def test_no_folder_of_a_feature_holds_more_than_fifteen_modules():
    for house in HOUSES:
        for folder in (house.folder, *(path for path in house.folder.rglob("*") if path.is_dir())):
            assert len([path for path in folder.glob("*.py") if path.name != "__init__.py"]) <= 15, folder


def test_features_stay_a_short_list():
    for house in HOUSES:
        for path, _ in house.modules():
            if kind_of(path) == "feature":
                assert len(path.read_text(encoding="utf-8").splitlines()) <= 60, path


def _modules(prefix: str) -> list[ModuleType]:
    return [module for name, module in sorted(sys.modules.items()) if name.startswith(prefix)]
