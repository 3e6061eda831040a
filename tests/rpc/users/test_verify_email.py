"""UserService.VerifyEmail."""

import asyncio
from datetime import timedelta

import grpc
import pytest
from kontor.users.v1 import users_pb2
from kontor.users.v1 import users_service_pb2 as api

from tests.rpc.users.conftest import GOOD_PASSWORD, OTHER_PASSWORD, Shop
from tests.shop import refusal


def request(code: str, password: str = GOOD_PASSWORD) -> api.VerifyEmailRequest:
    return api.VerifyEmailRequest(token=code, password=password)


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


async def test_the_owner_of_an_address_never_verifies_the_password_of_a_stranger(shop: Shop) -> None:
    await shop.register(password=GOOD_PASSWORD)
    owners = await shop.mailed_code()
    await shop.register(password=OTHER_PASSWORD)
    strangers = await shop.mailed_code()

    # The owner follows the newer mail.
    refused = await refusal(shop.rpc.VerifyEmail(request(strangers)))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "EMAIL_TOKEN_INVALID")
    assert await shop.rows("SELECT email_verified_time FROM users") == [(None,)]
    response = await shop.rpc.VerifyEmail(request(owners))

    assert response.user.email_verified
    assert (await refusal(shop.login(password=OTHER_PASSWORD))).reason == "INVALID_CREDENTIALS"
    assert (await shop.login(password=GOOD_PASSWORD)).user.email_verified


async def test_the_account_gets_the_name_and_the_password_of_the_code_and_the_others_are_forgotten(shop: Shop) -> None:
    await shop.register()
    first = await shop.mailed_code()
    await shop.rpc.Register(
        api.RegisterRequest(email="ada@example.com", password=OTHER_PASSWORD, display_name="Somebody Else")
    )
    second = await shop.mailed_code()

    response = await shop.rpc.VerifyEmail(request(first))

    assert response.user.display_name == "Ada Byron"
    before = await shop.rows("SELECT * FROM users")
    refused = await refusal(shop.rpc.VerifyEmail(request(second, OTHER_PASSWORD)))
    assert refused.reason == "EMAIL_TOKEN_INVALID"
    assert await shop.rows("SELECT * FROM users") == before
    assert await shop.rows("SELECT count(*) FROM registrations") == [(1,)]


async def test_two_registrations_verified_at_once_become_one_of_them(shop: Shop) -> None:
    passwords = [GOOD_PASSWORD, OTHER_PASSWORD]
    codes = []
    for password in passwords:
        await shop.register(password=password)
        codes.append(await shop.mailed_code())

    results = await asyncio.gather(
        *(shop.rpc.VerifyEmail(request(*pair)) for pair in zip(codes, passwords, strict=True)), return_exceptions=True
    )

    [won] = [index for index, result in enumerate(results) if isinstance(result, api.VerifyEmailResponse)]
    await shop.login(password=passwords[won])
    assert (await refusal(shop.login(password=passwords[1 - won]))).reason == "INVALID_CREDENTIALS"


async def test_a_mail_that_is_sent_late_still_carries_its_own_registration(shop: Shop) -> None:
    # Both are registered before the first mail goes out.
    await shop.register(password=GOOD_PASSWORD)
    await shop.register(password=OTHER_PASSWORD)
    await shop.work()
    codes = [mail.text.split("?token=")[1].split()[0] for mail in shop.mailbox.mails]

    results = await asyncio.gather(*(shop.rpc.VerifyEmail(request(code)) for code in codes), return_exceptions=True)

    assert sum(isinstance(result, api.VerifyEmailResponse) for result in results) == 1
    await shop.login(password=GOOD_PASSWORD)


async def test_slows_down_who_guesses_the_password_of_a_code(shop: Shop) -> None:
    await shop.register()
    code = await shop.mailed_code()
    for _ in range(5):
        assert (await refusal(shop.rpc.VerifyEmail(request(code, "wrong")))).reason == "EMAIL_TOKEN_INVALID"
    verifications = shop.hasher.verify_count

    refused = await refusal(shop.rpc.VerifyEmail(request(code)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS")
    assert refused.retry_seconds == 1
    assert shop.hasher.verify_count == verifications
    shop.clock.advance(timedelta(seconds=1))
    assert (await shop.rpc.VerifyEmail(request(code))).user.email_verified


async def test_an_unknown_code_costs_no_hashing(shop: Shop) -> None:
    verifications = shop.hasher.verify_count

    await refusal(shop.rpc.VerifyEmail(request("AAAAA-BBBBB-CCCCC-DDDDD-EEEEE")))

    assert shop.hasher.verify_count == verifications


async def test_needs_the_password(shop: Shop) -> None:
    refused = await refusal(shop.rpc.VerifyEmail(request("x", "")))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["password"])
