"""A shop that speaks German unless somebody asks for something else."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from kontor.cart.v1 import cart_service_pb2
from kontor.orders.v1 import orders_service_pb2

from server.app import build
from server.db.jobs import make_job_app
from server.db.session import Database
from server.settings import Settings
from tests.buying import Bazaar, open_bazaar
from tests.fakes import StripeStandIn
from tests.shop import Clients, Mailbox, ManualClock


@pytest.fixture
async def german_shop(
    settings: Settings, db: Database, clock: ManualClock, mailbox: Mailbox, stripe: StripeStandIn, database_url: str
) -> AsyncIterator[Bazaar]:
    spoken = settings.model_copy(update={"default_language": "de"})
    jobs = make_job_app(database_url)
    async with await build(spoken, clock=clock, mailer=mailbox) as app, jobs.open_async():
        app.register_jobs(jobs)
        server, dispatcher = app.server("127.0.0.1:0"), app.dispatcher()
        await server.start()
        await dispatcher.start()

        async def work() -> None:
            while await dispatcher.dispatch():
                await jobs.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield await open_bazaar(app, Clients(channel), clock, stripe, work)
        await server.stop(0)


async def test_writes_german(german_shop: Bazaar, mailbox: Mailbox):
    guest = german_shop.guest()
    placed = await guest.place(await guest.fill("shirt"))

    await german_shop.pay(placed)

    assert [mail.subject for mail in mailbox.mails] == [f"Ihre Bestellung {placed.order.number} ist bestätigt"]
    request = orders_service_pb2.GetInvoiceRequest(order_id=placed.order.id)
    invoice = await german_shop.client.orders.GetInvoice(request, metadata=guest.metadata)
    assert b"/Lang(de)" in invoice.data


async def test_refuses_in_german_who_asks_for_what_it_does_not_speak(german_shop: Bazaar):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await german_shop.client.cart.SetEmail(
            cart_service_pb2.SetEmailRequest(email="ada@example.com"), metadata=(("accept-language", "fr"),)
        )

    trailers: dict[str, Any] = dict(caught.value.trailing_metadata() or ())  # type: ignore[arg-type]  # Pairs.
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    said = error_details_pb2.LocalizedMessage()
    assert status.details[-1].Unpack(said)
    assert said == error_details_pb2.LocalizedMessage(locale="de", message="Das Gesuchte wurde nicht gefunden.")
