"""UserService.ResendVerification."""

import grpc
from kontor.users.v1 import users_service_pb2 as api

from server.db.statement import count_statements
from tests.rpc.users.conftest import GOOD_PASSWORD, OTHER_PASSWORD, Shop
from tests.shop import refusal


def request(email: str = "ada@example.com") -> api.ResendVerificationRequest:
    return api.ResendVerificationRequest(email=email)


async def test_mails_another_code_and_the_first_still_works(shop: Shop) -> None:
    await shop.register()
    first = await shop.mailed_code()

    await shop.rpc.ResendVerification(request("ADA@example.com"))
    second = await shop.mailed_code()

    assert len(shop.mailbox.mails) == 2
    assert first != second
    assert (await shop.rpc.VerifyEmail(api.VerifyEmailRequest(token=first, password=GOOD_PASSWORD))).user.email_verified


async def test_the_code_stands_for_the_latest_registration(shop: Shop) -> None:
    await shop.register(password=OTHER_PASSWORD)
    await shop.register(password=GOOD_PASSWORD)
    await shop.work()

    await shop.rpc.ResendVerification(request())
    code = await shop.mailed_code()

    refused = await refusal(shop.rpc.VerifyEmail(api.VerifyEmailRequest(token=code, password=OTHER_PASSWORD)))
    assert refused.reason == "EMAIL_TOKEN_INVALID"
    assert (await shop.rpc.VerifyEmail(api.VerifyEmailRequest(token=code, password=GOOD_PASSWORD))).user.email_verified


async def test_slows_down_an_address_of_the_network_that_has_many_mails_sent(shop: Shop) -> None:
    metadata = (("x-forwarded-for", "203.0.113.7"),)
    for number in range(20):
        await shop.rpc.ResendVerification(request(f"victim{number}@example.com"), metadata=metadata)

    refused = await refusal(shop.rpc.ResendVerification(request("victim20@example.com"), metadata=metadata))

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS")
    assert refused.retry_seconds == 10
    await shop.rpc.ResendVerification(request("victim20@example.com"), metadata=(("x-forwarded-for", "203.0.113.8"),))


async def test_does_the_same_work_for_every_address_and_mails_only_who_waits(shop: Shop) -> None:
    await shop.make_user("verified@example.com")
    await shop.register("waiting@example.com")
    await shop.work()
    shop.mailbox.mails.clear()

    logs = []
    for email in ("verified@example.com", "waiting@example.com", "nobody@example.com"):
        with count_statements() as log:
            await shop.rpc.ResendVerification(request(email))
        logs.append(list(log))
    await shop.work()

    assert logs[0] == logs[1] == logs[2]
    assert [mail.to for mail in shop.mailbox.mails] == ["waiting@example.com"]


async def test_slows_down_known_and_unknown_addresses_alike(shop: Shop) -> None:
    for _ in range(5):
        await shop.rpc.ResendVerification(request("nobody@example.com"))

    refused = await refusal(shop.rpc.ResendVerification(request("nobody@example.com")))

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS")
    assert refused.retry_seconds == 60
    assert len(await shop.rows("SELECT 1 FROM procrastinate_jobs WHERE task_name = 'users.resend_verification'")) == 5
    await shop.rpc.ResendVerification(request("other@example.com"))
