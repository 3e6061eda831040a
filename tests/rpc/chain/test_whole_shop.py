"""The whole shop, wired as in production, starts and answers."""

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from kontor.catalog.v1 import catalog_service_pb2
from kontor.users.v1 import users_service_pb2

from server.app import App
from server.db.handlers import Jobs, Subscription
from server.db.statement import count_statements
from server.features.core import Feature
from server.features.orders.events import OrderConfirmed
from tests.shop import Clients, Mailbox, Work, refusal


async def test_serves_every_service_of_the_contract(app: App, client: Clients):
    health = health_pb2_grpc.HealthStub(client.channel)

    for service in [service for feature in app.features for service in feature.services()]:
        name = service.descriptor.full_name
        answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING, name


async def test_subscribers_of_one_event_add_up(app: App, monkeypatch: pytest.MonkeyPatch):
    """Whoever subscribes to an event takes it away from nobody."""

    class Bookkeeping(Feature):
        def jobs(self) -> Jobs:
            async def hear(event: OrderConfirmed) -> None:
                """It only has to be queued."""

            return Jobs(subscriptions=[Subscription(OrderConfirmed, "bookkeeping.hear", hear)])

    names = [one.name for one in app.dispatcher().subscriptions(OrderConfirmed)]
    monkeypatch.setattr(app, "features", (*app.features, Bookkeeping()))

    assert [one.name for one in app.dispatcher().subscriptions(OrderConfirmed)] == [*names, "bookkeeping.hear"]
    assert "orders.send_confirmation_mails" in names


async def test_a_read_is_one_statement(client: Clients):
    with count_statements() as statements:
        await client.catalog.ListCategories(catalog_service_pb2.ListCategoriesRequest())

    assert len(statements) == 1


async def test_refuses_a_stranger(client: Clients):
    refused = await refusal(client.users.GetMe(users_service_pb2.GetMeRequest()))

    assert refused.reason == "UNAUTHENTICATED"


async def test_works_off_what_a_call_caused(client: Clients, mailbox: Mailbox, work: Work):
    await client.users.Register(
        users_service_pb2.RegisterRequest(
            email="ada@example.com", password="violet harbour 93 teapot", display_name="Ada"
        )
    )
    assert mailbox.mails == []

    await work()

    assert [mail.to for mail in mailbox.mails] == ["ada@example.com"]
