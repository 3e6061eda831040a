"""UserService.VerifyEmail."""

import asyncio
from datetime import timedelta

import grpc
import pytest
from kontor.users.v1 import users_pb2
from kontor.users.v1 import users_service_pb2 as api

from tests.rpc.users.conftest import Shop
from tests.shop import refusal


def request(code: str) -> api.VerifyEmailRequest:
    return api.VerifyEmailRequest(token=code)


async def test_verifies_the_account(shop: Shop) -> None:
    await shop.register()

    response = await shop.rpc.VerifyEmail(request(await shop.mailed_code()))

    assert response.user.email == "ada@example.com"
    assert response.user.email_verified
    assert response.user.role == users_pb2.User.CUSTOMER
    assert response.user.id.startswith("user_")
    assert await shop.rows("SELECT email_verified_time FROM users") == [(shop.clock.now(),)]
    assert await shop.rows("SELECT type FROM events ORDER BY sequence") == [
        ("user.registered",),
        ("user.email_verified",),
    ]


async def test_takes_a_code_as_people_type_it(shop: Shop) -> None:
    await shop.register()
    code = await shop.mailed_code()

    response = await shop.rpc.VerifyEmail(request(f" {code.lower().replace('-', ' ').replace('0', 'o')} "))

    assert response.user.email_verified


async def test_a_code_works_once(shop: Shop) -> None:
    await shop.register()
    code = await shop.mailed_code()
    await shop.rpc.VerifyEmail(request(code))
    before = await shop.rows("SELECT * FROM users")

    refused = await refusal(shop.rpc.VerifyEmail(request(code)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "EMAIL_TOKEN_INVALID")
    assert await shop.rows("SELECT * FROM users") == before


async def test_a_code_works_once_however_many_use_it_at_once(shop: Shop) -> None:
    await shop.register()
    code = await shop.mailed_code()

    results = await asyncio.gather(*(shop.rpc.VerifyEmail(request(code)) for _ in range(6)), return_exceptions=True)

    assert sum(isinstance(result, api.VerifyEmailResponse) for result in results) == 1
    assert await shop.rows("SELECT count(*) FROM events WHERE type = 'user.email_verified'") == [(1,)]


@pytest.mark.parametrize("code", ["AAAAA-BBBBB-CCCCC-DDDDD-EEEEE", "x"])
async def test_refuses_an_unknown_code(shop: Shop, code: str) -> None:
    await shop.register()

    refused = await refusal(shop.rpc.VerifyEmail(request(code)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "EMAIL_TOKEN_INVALID")
    assert await shop.rows("SELECT email_verified_time FROM users") == [(None,)]


async def test_a_code_lasts_a_day(shop: Shop) -> None:
    await shop.register()
    code = await shop.mailed_code()

    shop.clock.advance(timedelta(hours=24))

    assert (await refusal(shop.rpc.VerifyEmail(request(code)))).reason == "EMAIL_TOKEN_INVALID"
    assert await shop.rows("SELECT email_verified_time FROM users") == [(None,)]


async def test_a_second_code_is_taken_but_verifies_nothing_again(shop: Shop) -> None:
    await shop.register()
    first = await shop.mailed_code()
    await shop.rpc.ResendVerification(api.ResendVerificationRequest(email="ada@example.com"))
    second = await shop.mailed_code()
    await shop.rpc.VerifyEmail(request(first))
    verified = shop.clock.now()
    shop.clock.advance(timedelta(hours=1))

    response = await shop.rpc.VerifyEmail(request(second))

    assert response.user.email_verified
    assert await shop.rows("SELECT email_verified_time FROM users") == [(verified,)]
    assert await shop.rows("SELECT count(*) FROM events WHERE type = 'user.email_verified'") == [(1,)]


async def test_no_code_is_mailed_once_the_address_is_verified(shop: Shop) -> None:
    await shop.register()
    code = await shop.mailed_code()
    await shop.rpc.ResendVerification(api.ResendVerificationRequest(email="ada@example.com"))
    await shop.rpc.VerifyEmail(request(code))

    await shop.work()

    assert len(shop.mailbox.mails) == 1
