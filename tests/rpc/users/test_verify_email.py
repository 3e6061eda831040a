"""UserService.VerifyEmail."""

import asyncio
from datetime import timedelta

import grpc
import pytest
from kontor.users.v1 import users_pb2
from kontor.users.v1 import users_service_pb2 as api

from tests.world.mailbox import code_in
from tests.world.people import OTHER_PASSWORD, PASSWORD, Person
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_verifies_the_account(shop: Shop, guest: Person) -> None:
    await guest.register()

    response = await guest.verify(await shop.mailed_code())

    assert response.user.email == "ada@customer.example"
    assert response.user.email_verified
    assert response.user.role == users_pb2.User.CUSTOMER
    assert response.user.id.startswith("user_")
    assert await shop.run("SELECT email_verified_time FROM users") == [(shop.clock.now(),)]
    assert await shop.run("SELECT type FROM events ORDER BY sequence") == [
        ("user.registered",),
        ("user.email_verified",),
    ]


async def test_takes_a_code_as_people_type_it(shop: Shop, guest: Person) -> None:
    await guest.register()
    code = await shop.mailed_code()

    response = await guest.verify(f" {code.lower().replace('-', ' ').replace('0', 'o')} ")

    assert response.user.email_verified


async def test_a_code_works_once(shop: Shop, guest: Person) -> None:
    await guest.register()
    code = await shop.mailed_code()
    await guest.verify(code)
    before = await shop.run("SELECT * FROM users")

    refused = await refusal(guest.verify(code))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "EMAIL_TOKEN_INVALID")
    assert await shop.run("SELECT * FROM users") == before


async def test_a_code_works_once_however_many_use_it_at_once(shop: Shop, guest: Person) -> None:
    await guest.register()
    code = await shop.mailed_code()

    results = await asyncio.gather(*(guest.verify(code) for _ in range(6)), return_exceptions=True)

    assert sum(isinstance(result, api.VerifyEmailResponse) for result in results) == 1
    assert await shop.run("SELECT count(*) FROM events WHERE type = 'user.email_verified'") == [(1,)]


@pytest.mark.parametrize("code", ["AAAAA-BBBBB-CCCCC-DDDDD-EEEEE", "x"])
async def test_refuses_an_unknown_code(shop: Shop, guest: Person, code: str) -> None:
    await guest.register()

    refused = await refusal(guest.verify(code))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "EMAIL_TOKEN_INVALID")
    assert await shop.run("SELECT email_verified_time FROM users") == [(None,)]


async def test_a_code_lasts_a_day(shop: Shop, guest: Person) -> None:
    await guest.register()
    code = await shop.mailed_code()

    shop.clock.advance(timedelta(hours=24))

    assert (await refusal(guest.verify(code))).reason == "EMAIL_TOKEN_INVALID"
    assert await shop.run("SELECT email_verified_time FROM users") == [(None,)]


async def test_a_second_code_is_taken_but_verifies_nothing_again(shop: Shop, guest: Person) -> None:
    await guest.register()
    first = await shop.mailed_code()
    await shop.call(api.ResendVerificationRequest(email="ada@customer.example"))
    second = await shop.mailed_code()
    await guest.verify(first)
    verified = shop.clock.now()
    shop.clock.advance(timedelta(hours=1))

    response = await guest.verify(second)

    assert response.user.email_verified
    assert await shop.run("SELECT email_verified_time FROM users") == [(verified,)]
    assert await shop.run("SELECT count(*) FROM events WHERE type = 'user.email_verified'") == [(1,)]


async def test_no_code_is_mailed_once_the_address_is_verified(shop: Shop, guest: Person) -> None:
    await guest.register()
    code = await shop.mailed_code()
    await shop.call(api.ResendVerificationRequest(email="ada@customer.example"))
    await guest.verify(code)

    await shop.work()

    assert len(shop.mailbox.mails) == 1


async def test_the_owner_of_an_address_never_verifies_the_password_of_a_stranger(shop: Shop, guest: Person) -> None:
    await guest.register(password=PASSWORD)
    owners = await shop.mailed_code()
    await guest.register(password=OTHER_PASSWORD)
    strangers = await shop.mailed_code()

    # The owner follows the newer mail.
    refused = await refusal(guest.verify(strangers))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "EMAIL_TOKEN_INVALID")
    assert await shop.run("SELECT email_verified_time FROM users") == [(None,)]
    response = await guest.verify(owners)

    assert response.user.email_verified
    assert (await refusal(guest.log_in(password=OTHER_PASSWORD))).reason == "INVALID_CREDENTIALS"
    assert (await guest.log_in(password=PASSWORD)).user.email_verified


async def test_the_account_gets_the_name_and_the_password_of_the_code_and_the_others_are_forgotten(
    shop: Shop, guest: Person
) -> None:
    await guest.register()
    first = await shop.mailed_code()
    await shop.call(
        api.RegisterRequest(email="ada@customer.example", password=OTHER_PASSWORD, display_name="Somebody Else")
    )
    second = await shop.mailed_code()

    response = await guest.verify(first)

    assert response.user.display_name == "Ada Byron"
    before = await shop.run("SELECT * FROM users")
    refused = await refusal(guest.verify(second, OTHER_PASSWORD))
    assert refused.reason == "EMAIL_TOKEN_INVALID"
    assert await shop.run("SELECT * FROM users") == before
    assert await shop.count("registrations") == 1


async def test_two_registrations_verified_at_once_become_one_of_them(shop: Shop, guest: Person) -> None:
    passwords = [PASSWORD, OTHER_PASSWORD]
    codes = []
    for password in passwords:
        await guest.register(password=password)
        codes.append(await shop.mailed_code())

    results = await asyncio.gather(
        *(guest.verify(*pair) for pair in zip(codes, passwords, strict=True)), return_exceptions=True
    )

    [won] = [index for index, result in enumerate(results) if isinstance(result, api.VerifyEmailResponse)]
    await guest.log_in(password=passwords[won])
    assert (await refusal(guest.log_in(password=passwords[1 - won]))).reason == "INVALID_CREDENTIALS"


async def test_a_mail_that_is_sent_late_still_carries_its_own_registration(shop: Shop, guest: Person) -> None:
    # Both are registered before the first mail goes out.
    await guest.register(password=PASSWORD)
    await guest.register(password=OTHER_PASSWORD)
    await shop.work()
    codes = [code_in(mail) for mail in shop.mailbox.mails]

    results = await asyncio.gather(*(guest.verify(code) for code in codes), return_exceptions=True)

    assert sum(isinstance(result, api.VerifyEmailResponse) for result in results) == 1
    await guest.log_in(password=PASSWORD)


async def test_slows_down_who_guesses_the_password_of_a_code(shop: Shop, guest: Person) -> None:
    await guest.register()
    code = await shop.mailed_code()
    for _ in range(5):
        assert (await refusal(guest.verify(code, "wrong"))).reason == "EMAIL_TOKEN_INVALID"
    verifications = shop.app.users.hasher.verify_count

    refused = await refusal(guest.verify(code))

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS")
    assert refused.retry_seconds == 1
    assert shop.app.users.hasher.verify_count == verifications
    shop.clock.advance(timedelta(seconds=1))
    assert (await guest.verify(code)).user.email_verified


async def test_an_unknown_code_costs_no_hashing(shop: Shop, guest: Person) -> None:
    verifications = shop.app.users.hasher.verify_count

    await refusal(guest.verify("AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"))

    assert shop.app.users.hasher.verify_count == verifications


async def test_needs_the_password(guest: Person) -> None:
    refused = await refusal(guest.verify("x", ""))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["password"])
