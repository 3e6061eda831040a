"""The whole shop, wired as in production, starts and answers."""

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from kontor.catalog.v1 import catalog_service_pb2
from kontor.users.v1 import users_service_pb2

from server.db.handlers import Jobs, Subscription
from server.db.statement import count_statements
from server.features.core import Feature
from server.features.orders.events import OrderConfirmed
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_serves_every_service_of_the_contract(shop: Shop):
    health = health_pb2_grpc.HealthStub(shop.channel)

    for service in [service for feature in shop.app.features for service in feature.services()]:
        name = service.descriptor.full_name
        answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING, name


async def test_subscribers_of_one_event_add_up(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    """Whoever subscribes to an event takes it away from nobody."""

    app = shop.app

    class Bookkeeping(Feature):
        def jobs(self) -> Jobs:
            async def hear(event: OrderConfirmed) -> None:
                """It only has to be queued."""

            return Jobs(subscriptions=[Subscription(OrderConfirmed, "bookkeeping.hear", hear)])

    names = [one.name for one in app.dispatcher().subscriptions(OrderConfirmed)]
    monkeypatch.setattr(app, "features", (*app.features, Bookkeeping()))

    assert [one.name for one in app.dispatcher().subscriptions(OrderConfirmed)] == [*names, "bookkeeping.hear"]
    assert "orders.send_confirmation_mails" in names


async def test_a_read_is_one_statement(shop: Shop):
    with count_statements() as statements:
        await shop.call(catalog_service_pb2.ListCategoriesRequest())

    assert len(statements) == 1


async def test_refuses_a_stranger(shop: Shop):
    refused = await refusal(shop.call(users_service_pb2.GetMeRequest()))

    assert refused.reason == "UNAUTHENTICATED"


async def test_works_off_what_a_call_caused(shop: Shop):
    await shop.guest().register("ada@example.com")
    assert shop.mailbox.mails == []

    await shop.work()

    assert [mail.to for mail in shop.mailbox.mails] == ["ada@example.com"]
