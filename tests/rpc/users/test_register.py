"""UserService.Register."""

import asyncio
from datetime import timedelta

import grpc
import pytest
from kontor.users.v1 import users_service_pb2 as api

from tests.factories import execute
from tests.rpc.users.conftest import GOOD_PASSWORD, OTHER_PASSWORD, Shop
from tests.shop import refusal


def request(email: str = "ada@example.com", password: str = GOOD_PASSWORD) -> api.RegisterRequest:
    return api.RegisterRequest(email=email, password=password, display_name="Ada Byron")


async def test_makes_an_unverified_customer_and_mails_a_code(shop: Shop) -> None:
    response = await shop.rpc.Register(request("Ada@Example.COM"))
    code = await shop.mailed_code()

    assert response == api.RegisterResponse(email="ada@example.com")
    rows = await shop.rows("SELECT email, display_name, role, active, email_verified_time FROM users")
    assert rows == [("ada@example.com", "Ada Byron", "CUSTOMER", True, None)]
    [(password_hash,)] = await shop.rows("SELECT password_hash FROM users")
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    [mail] = shop.mailbox.mails
    assert mail.to == "ada@example.com"
    assert mail.subject == "Confirm your e-mail address for Kontor"
    assert mail.html is not None
    # Whoever registers a strange address must not write to its owner in the shop's name.
    assert "Hello," in mail.text
    assert "Byron" not in mail.text + mail.html
    assert f"https://shop.example/verify-email?token={code}" in mail.text
    assert f"    {code}\n" in mail.text
    assert mail.html.count(code) == 2


async def test_keeps_only_a_hash_of_the_code(shop: Shop) -> None:
    await shop.register()

    code = await shop.mailed_code()

    [(token_hash,)] = await shop.rows("SELECT token_hash FROM email_tokens")
    assert len(token_hash) == 32
    assert code.encode() not in token_hash
    assert await shop.rows("SELECT 1 FROM procrastinate_jobs WHERE args::text LIKE %s", f"%{code}%") == []


async def test_answers_the_same_for_a_known_address_and_tells_its_owner(shop: Shop) -> None:
    await shop.make_user()
    before = await shop.rows("SELECT * FROM users")
    shop.mailbox.mails.clear()
    hashes = shop.hasher.hash_count

    response = await shop.rpc.Register(request("ADA@example.com", OTHER_PASSWORD))
    await shop.work()

    assert response == api.RegisterResponse(email="ada@example.com")
    assert shop.hasher.hash_count == hashes + 1
    assert await shop.rows("SELECT * FROM users") == before
    assert [mail.subject for mail in shop.mailbox.mails] == ["You already have an account at Kontor"]
    assert await shop.rows("SELECT 1 FROM email_tokens WHERE used_time IS NULL") == []


async def test_an_unverified_address_can_be_registered_again_and_both_codes_are_good(shop: Shop) -> None:
    await shop.register(password=OTHER_PASSWORD)
    first_code = await shop.mailed_code()

    await shop.register(password=GOOD_PASSWORD)
    second_code = await shop.mailed_code()

    assert await shop.rows("SELECT count(*) FROM users") == [(1,)]
    assert await shop.rows("SELECT count(*) FROM email_tokens WHERE used_time IS NULL") == [(2,)]
    assert first_code != second_code
    await shop.rpc.VerifyEmail(api.VerifyEmailRequest(token=second_code, password=GOOD_PASSWORD))
    assert (await shop.login(password=GOOD_PASSWORD)).user.email_verified
    assert (await refusal(shop.login(password=OTHER_PASSWORD))).reason == "INVALID_CREDENTIALS"


@pytest.mark.parametrize("name", ["Hello, you won!\nclaim", "see https:", "evil/prize", "a\u2028b", "\x85"])
async def test_refuses_a_name_that_could_hold_a_link_or_a_line(shop: Shop, name: str) -> None:
    refused = await refusal(
        shop.rpc.Register(
            api.RegisterRequest(email="ada@example.com", password=GOOD_PASSWORD, display_name=f"Ada {name}")
        )
    )

    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.fields == {"display_name": "must not contain control characters, / or :"}
    assert await shop.rows("SELECT 1 FROM users") == []


async def test_takes_the_names_that_people_have(shop: Shop) -> None:
    name = "Дарья D'Ångström-Ó Súilleabháin 王小明 (Jr.)"

    await shop.rpc.Register(api.RegisterRequest(email="a@example.com", password=GOOD_PASSWORD, display_name=name))

    assert await shop.rows("SELECT display_name FROM users") == [(name,)]


async def test_slows_down_a_network_address_that_opens_many_accounts(shop: Shop) -> None:
    metadata = (("x-forwarded-for", "203.0.113.7"),)
    for number in range(20):
        await shop.rpc.Register(request(f"victim{number}@example.com"), metadata=metadata)
    hashes = shop.hasher.hash_count

    refused = await refusal(shop.rpc.Register(request("victim20@example.com"), metadata=metadata))

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS")
    assert refused.retry_seconds == 10
    assert shop.hasher.hash_count == hashes
    assert await shop.rows("SELECT count(*) FROM users") == [(20,)]
    await shop.rpc.Register(request("victim20@example.com"), metadata=(("x-forwarded-for", "203.0.113.8"),))
    shop.clock.advance(timedelta(seconds=10))
    await shop.rpc.Register(request("victim21@example.com"), metadata=metadata)


@pytest.mark.parametrize(
    "password", ["password1234", "Qwertyuiop12", "aaaaaaaaaaaa", "ada@example.com", "AdaByron2031"]
)
async def test_refuses_a_common_password(shop: Shop, password: str) -> None:
    refused = await refusal(shop.rpc.Register(request(password=password)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PASSWORD_TOO_COMMON")
    assert set(refused.fields) == {"password"}
    assert await shop.rows("SELECT 1 FROM users") == []


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [("ada", GOOD_PASSWORD, "email"), ("", GOOD_PASSWORD, "email"), ("ada@example.com", "short 9 tea", "password")],
)
async def test_refuses_broken_fields(shop: Shop, email: str, password: str, field: str) -> None:
    refused = await refusal(shop.rpc.Register(request(email, password)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert set(refused.fields) == {field}
    assert await shop.rows("SELECT 1 FROM users") == []


async def test_the_same_address_registered_at_once_becomes_one_account(shop: Shop) -> None:
    await asyncio.gather(*(shop.rpc.Register(request()) for _ in range(4)))

    assert len(await shop.rows("SELECT 1 FROM users")) == 1
    assert await shop.rows("SELECT sequence FROM events ORDER BY sequence") == [(1,), (2,), (3,), (4,)]


async def test_slows_down_mails_to_one_address(shop: Shop) -> None:
    for _ in range(5):
        await shop.rpc.Register(request())
    hashes = shop.hasher.hash_count

    refused = await refusal(shop.rpc.Register(request()))

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS")
    assert refused.retry_seconds == 60
    assert shop.hasher.hash_count == hashes
    assert len(await shop.rows("SELECT 1 FROM events")) == 5
    shop.clock.advance(timedelta(seconds=60))
    await shop.rpc.Register(request())


async def test_a_mail_that_could_not_be_sent_is_tried_again(shop: Shop) -> None:
    shop.mailbox.failures = 1
    await shop.register()

    await shop.work()

    assert shop.mailbox.mails == []
    [(status, attempts, later)] = await shop.rows(
        "SELECT status::text, attempts, scheduled_at > now() FROM procrastinate_jobs "
        "WHERE task_name = 'users.send_verification'"
    )
    assert (status, attempts, later) == ("todo", 1, True)
    async with shop.db.write() as tx:
        await execute(tx, "UPDATE procrastinate_jobs SET scheduled_at = now()")
    await shop.rpc.VerifyEmail(api.VerifyEmailRequest(token=await shop.mailed_code(), password=GOOD_PASSWORD))
