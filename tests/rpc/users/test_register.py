"""UserService.Register."""

import asyncio
from datetime import timedelta

import grpc
import pytest
from kontor.users.v1 import users_service_pb2 as api

from tests.world.people import OTHER_PASSWORD, PASSWORD, Person
from tests.world.refusals import refusal
from tests.world.shop import Shop


def request(email: str = "ada@customer.example", password: str = PASSWORD) -> api.RegisterRequest:
    return api.RegisterRequest(email=email, password=password, display_name="Ada Byron")


async def test_makes_an_unverified_customer_and_mails_a_code(shop: Shop) -> None:
    response = await shop.call(request("Ada@Customer.EXAMPLE"))
    code = await shop.mailed_code()

    assert response == api.RegisterResponse(email="ada@customer.example")
    rows = await shop.run("SELECT email, display_name, role, active, email_verified_time FROM users")
    assert rows == [("ada@customer.example", "Ada Byron", "CUSTOMER", True, None)]
    [(password_hash,)] = await shop.run("SELECT password_hash FROM users")
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    [mail] = shop.mailbox.mails
    assert mail.to == "ada@customer.example"
    assert mail.subject == "Confirm your e-mail address for Kontor"
    assert mail.html is not None
    # Whoever registers a strange address must not write to its owner in the shop's name.
    assert "Hello," in mail.text
    assert "Byron" not in mail.text + mail.html
    assert f"https://shop.example/verify-email?token={code}" in mail.text
    assert f"    {code}\n" in mail.text
    assert mail.html.count(code) == 2


async def test_keeps_only_a_hash_of_the_code(shop: Shop, guest: Person) -> None:
    await guest.register()

    code = await shop.mailed_code()

    [(token_hash,)] = await shop.run("SELECT token_hash FROM email_tokens")
    assert len(token_hash) == 32
    assert code.encode() not in token_hash
    assert await shop.run("SELECT 1 FROM procrastinate_jobs WHERE args::text LIKE %s", f"%{code}%") == []


async def test_answers_the_same_for_a_known_address_and_tells_its_owner(shop: Shop) -> None:
    await shop.join()
    before = await shop.run("SELECT * FROM users")
    shop.mailbox.mails.clear()
    hashes = shop.app.users.hasher.hash_count

    response = await shop.call(request("ADA@customer.example", OTHER_PASSWORD))
    await shop.work()

    assert response == api.RegisterResponse(email="ada@customer.example")
    assert shop.app.users.hasher.hash_count == hashes + 1
    assert await shop.run("SELECT * FROM users") == before
    assert [mail.subject for mail in shop.mailbox.mails] == ["You already have an account at Kontor"]
    assert await shop.run("SELECT 1 FROM email_tokens WHERE used_time IS NULL") == []


async def test_an_unverified_address_can_be_registered_again_and_both_codes_are_good(shop: Shop, guest: Person) -> None:
    await guest.register(password=OTHER_PASSWORD)
    first_code = await shop.mailed_code()

    await guest.register(password=PASSWORD)
    second_code = await shop.mailed_code()

    assert await shop.count("users") == 1
    assert await shop.run("SELECT count(*) FROM email_tokens WHERE used_time IS NULL") == [(2,)]
    assert first_code != second_code
    await guest.verify(second_code)
    assert (await guest.log_in(password=PASSWORD)).user.email_verified
    assert (await refusal(guest.log_in(password=OTHER_PASSWORD))).reason == "INVALID_CREDENTIALS"


@pytest.mark.parametrize("name", ["Hello, you won!\nclaim", "see https:", "evil/prize", "a\u2028b", "\x85"])
async def test_refuses_a_name_that_could_hold_a_link_or_a_line(shop: Shop, name: str) -> None:
    refused = await refusal(
        shop.call(api.RegisterRequest(email="ada@customer.example", password=PASSWORD, display_name=f"Ada {name}"))
    )

    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.fields == {"display_name": "must not contain control characters, / or :"}
    assert await shop.count("users") == 0


async def test_takes_the_names_that_people_have(shop: Shop) -> None:
    name = "Дарья D'Ångström-Ó Súilleabháin 王小明 (Jr.)"

    await shop.call(api.RegisterRequest(email="a@example.com", password=PASSWORD, display_name=name))

    assert await shop.run("SELECT display_name FROM users") == [(name,)]


async def test_slows_down_a_network_address_that_opens_many_accounts(shop: Shop) -> None:
    address = "203.0.113.7"
    for number in range(20):
        await shop.call(request(f"victim{number}@example.com"), x_forwarded_for=address)
    hashes = shop.app.users.hasher.hash_count

    refused = await refusal(shop.call(request("victim20@example.com"), x_forwarded_for=address))

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS")
    assert refused.retry_seconds == 10
    assert shop.app.users.hasher.hash_count == hashes
    assert await shop.count("users") == 20
    await shop.call(request("victim20@example.com"), x_forwarded_for="203.0.113.8")
    shop.clock.advance(timedelta(seconds=10))
    await shop.call(request("victim21@example.com"), x_forwarded_for=address)


@pytest.mark.parametrize(
    "password", ["password1234", "Qwertyuiop12", "aaaaaaaaaaaa", "ada@customer.example", "AdaByron2031"]
)
async def test_refuses_a_common_password(shop: Shop, password: str) -> None:
    refused = await refusal(shop.call(request(password=password)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PASSWORD_TOO_COMMON")
    assert set(refused.fields) == {"password"}
    assert await shop.count("users") == 0


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [("ada", PASSWORD, "email"), ("", PASSWORD, "email"), ("ada@customer.example", "short 9 tea", "password")],
)
async def test_refuses_broken_fields(shop: Shop, email: str, password: str, field: str) -> None:
    refused = await refusal(shop.call(request(email, password)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert set(refused.fields) == {field}
    assert await shop.count("users") == 0


async def test_the_same_address_registered_at_once_becomes_one_account(shop: Shop) -> None:
    await asyncio.gather(*(shop.call(request()) for _ in range(4)))

    assert await shop.count("users") == 1
    assert await shop.run("SELECT sequence FROM events ORDER BY sequence") == [(1,), (2,), (3,), (4,)]


async def test_slows_down_mails_to_one_address(shop: Shop) -> None:
    for _ in range(5):
        await shop.call(request())
    hashes = shop.app.users.hasher.hash_count

    refused = await refusal(shop.call(request()))

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS")
    assert refused.retry_seconds == 60
    assert shop.app.users.hasher.hash_count == hashes
    assert await shop.count("events") == 5
    shop.clock.advance(timedelta(seconds=60))
    await shop.call(request())


async def test_a_mail_that_could_not_be_sent_is_tried_again(shop: Shop, guest: Person) -> None:
    shop.mailbox.failures = 1
    await guest.register()

    await shop.work()

    assert shop.mailbox.mails == []
    [(status, attempts, later)] = await shop.run(
        "SELECT status::text, attempts, scheduled_at > now() FROM procrastinate_jobs "
        "WHERE task_name = 'users.send_verification'"
    )
    assert (status, attempts, later) == ("todo", 1, True)
    await shop.run("UPDATE procrastinate_jobs SET scheduled_at = now()")
    await guest.verify(await shop.mailed_code())
