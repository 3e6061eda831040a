"""UserService.ResendVerification."""

import grpc
from kontor.users.v1 import users_service_pb2 as api

from server.db.statement import count_statements
from tests.world.people import OTHER_PASSWORD, PASSWORD, Person
from tests.world.refusals import refusal
from tests.world.shop import Shop


def request(email: str = "ada@customer.example") -> api.ResendVerificationRequest:
    return api.ResendVerificationRequest(email=email)


async def test_mails_another_code_and_the_first_still_works(shop: Shop, guest: Person) -> None:
    await guest.register()
    first = await shop.mailed_code()

    await shop.call(request("ADA@customer.example"))
    second = await shop.mailed_code()

    assert len(shop.mailbox.mails) == 2
    assert first != second
    assert (await guest.verify(first)).user.email_verified


async def test_the_code_stands_for_the_latest_registration(shop: Shop, guest: Person) -> None:
    await guest.register(password=OTHER_PASSWORD)
    await guest.register(password=PASSWORD)
    await shop.work()

    await shop.call(request())
    code = await shop.mailed_code()

    refused = await refusal(guest.verify(code, OTHER_PASSWORD))
    assert refused.reason == "EMAIL_TOKEN_INVALID"
    assert (await guest.verify(code)).user.email_verified


async def test_slows_down_an_address_of_the_network_that_has_many_mails_sent(shop: Shop) -> None:
    address = "203.0.113.7"
    for number in range(20):
        await shop.call(request(f"victim{number}@example.com"), x_forwarded_for=address)

    refused = await refusal(shop.call(request("victim20@example.com"), x_forwarded_for=address))

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS")
    assert refused.retry_seconds == 10
    await shop.call(request("victim20@example.com"), x_forwarded_for="203.0.113.8")


async def test_does_the_same_work_for_every_address_and_mails_only_who_waits(shop: Shop, guest: Person) -> None:
    await shop.join("verified@example.com")
    await guest.register("waiting@example.com")
    await shop.work()
    shop.mailbox.mails.clear()

    logs = []
    for email in ("verified@example.com", "waiting@example.com", "nobody@example.com"):
        with count_statements() as log:
            await shop.call(request(email))
        logs.append(list(log))
    await shop.work()

    assert logs[0] == logs[1] == logs[2]
    assert [mail.to for mail in shop.mailbox.mails] == ["waiting@example.com"]


async def test_slows_down_known_and_unknown_addresses_alike(shop: Shop) -> None:
    for _ in range(5):
        await shop.call(request("nobody@example.com"))

    refused = await refusal(shop.call(request("nobody@example.com")))

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS")
    assert refused.retry_seconds == 60
    assert len(await shop.run("SELECT 1 FROM procrastinate_jobs WHERE task_name = 'users.resend_verification'")) == 5
    await shop.call(request("other@example.com"))
