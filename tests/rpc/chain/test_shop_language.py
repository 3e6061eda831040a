"""A shop that speaks German unless somebody asks for something else."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from google.rpc import error_details_pb2
from kontor.cart.v1 import cart_service_pb2

from server.app import build
from server.settings import Settings
from tests.rpc.chain.test_localized import details_of
from tests.world.shop import Shop, serving
from tests.world.work import Work


@pytest.fixture
async def german_shop(shop: Shop, settings: Settings) -> AsyncIterator[Shop]:
    spoken = settings.model_copy(update={"default_language": "de"})
    async with (
        await build(spoken, clock=shop.clock, mailer=shop.mailbox) as app,
        serving(app) as channel,
        Work(app) as work,
    ):
        german = replace(shop, app=app, channel=channel, work=work, variants={})
        await german.open()
        yield german


async def test_writes_german(german_shop: Shop):
    guest = german_shop.guest()
    placed = await guest.buy("shirt")

    await german_shop.pay(placed)

    mails = german_shop.mailbox.mails
    assert [mail.subject for mail in mails] == [f"Ihre Bestellung {placed.order.number} ist bestätigt"]
    assert b"/Lang(de)" in (await guest.invoice(placed.order.id)).data


async def test_refuses_in_german_who_asks_for_what_it_does_not_speak(german_shop: Shop):
    request = cart_service_pb2.SetEmailRequest(email="ada@example.com")

    _, details = await details_of(german_shop.call(request, accept_language="fr"))

    assert details["google.rpc.LocalizedMessage"] == error_details_pb2.LocalizedMessage(
        locale="de", message="Das Gesuchte wurde nicht gefunden."
    )
