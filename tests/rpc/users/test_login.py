"""UserService.Login."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import argon2
import bcrypt
import grpc
import pytest
from kontor.users.v1 import users_pb2
from kontor.users.v1 import users_service_pb2 as api

from server.features.users.errors import InvalidCredentials
from server.features.users.sessions.values import Device
from server.kernel.actor import Permission, Role
from tests.world.people import OTHER_PASSWORD, PASSWORD, Person
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def set_hash(shop: Shop, password_hash: str) -> None:
    await shop.run("UPDATE users SET password_hash = %s", password_hash)


async def fail(shop: Shop, times: int, email: str = "ada@customer.example", *, address: str = "203.0.113.7") -> None:
    for _ in range(times):
        refused = await refusal(shop.guest().log_in(email, OTHER_PASSWORD, address=address))
        assert refused.reason == "INVALID_CREDENTIALS"


async def test_opens_a_session(shop: Shop, guest: Person) -> None:
    user_id = await shop.join()

    response = await guest.log_in("Ada@Customer.Example ")

    actor = shop.entrance.access_tokens.verify(response.tokens.access_token)
    assert (actor.user_id, actor.role) == (user_id, Role.CUSTOMER)
    assert response.tokens.expires_in.ToTimedelta() == timedelta(minutes=15)
    assert response.user.email == "ada@customer.example"
    now = shop.clock.now()
    assert await shop.run(
        "SELECT id, user_id, remote_address, created_time, expires_time, revoked_time FROM sessions"
    ) == [(actor.session_id, user_id, "203.0.113.7", now, now + timedelta(days=30), None)]
    [(user_agent,)] = await shop.run("SELECT user_agent FROM sessions")
    assert user_agent.startswith("grpc-python")


async def test_a_session_of_staff_has_its_permissions(shop: Shop, guest: Person) -> None:
    await shop.join()
    await shop.run("UPDATE users SET role = 'STAFF', permissions = '{orders.read,payments.read}'")

    response = await guest.log_in()

    actor = shop.entrance.access_tokens.verify(response.tokens.access_token)
    assert actor.role is Role.STAFF
    assert actor.permissions == {Permission.ORDERS_READ, Permission.PAYMENTS_READ}
    assert response.user.role == users_pb2.User.STAFF


async def test_keeps_only_a_hash_of_the_refresh_token(shop: Shop, guest: Person) -> None:
    await shop.join()

    response = await guest.log_in()

    [(token_hash,)] = await shop.run("SELECT token_hash FROM refresh_tokens")
    assert len(token_hash) == 32
    assert response.tokens.refresh_token.encode() not in token_hash


async def test_says_and_does_the_same_for_a_wrong_password_and_an_unknown_address(shop: Shop, guest: Person) -> None:
    await shop.join()
    seen = []

    for email in ("ada@customer.example", "nobody@example.com"):
        verifications, hashes = shop.app.users.hasher.verify_count, shop.app.users.hasher.hash_count
        refused = await refusal(guest.log_in(email, OTHER_PASSWORD))
        refused = replace(refused, request_id="")
        seen.append(
            (refused, shop.app.users.hasher.verify_count - verifications, shop.app.users.hasher.hash_count - hashes)
        )

    assert seen[0] == seen[1]
    refused, verifications, hashes = seen[0]
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "INVALID_CREDENTIALS")
    assert (verifications, hashes) == (1, 0)
    assert await shop.count("sessions") == 0


async def test_an_unverified_address_is_told_so_only_with_the_right_password(shop: Shop, guest: Person) -> None:
    await guest.register()

    wrong = await refusal(guest.log_in(password=OTHER_PASSWORD))
    right = await refusal(guest.log_in())

    assert wrong.reason == "INVALID_CREDENTIALS"
    assert (right.code, right.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "EMAIL_NOT_VERIFIED")
    assert await shop.count("sessions") == 0


async def test_a_closed_account_looks_like_none(shop: Shop, guest: Person) -> None:
    await shop.join()
    await shop.run("UPDATE users SET active = false")

    refused = await refusal(guest.log_in())

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "INVALID_CREDENTIALS")
    assert await shop.count("sessions") == 0


async def test_waits_ever_longer_after_five_failures_of_an_account(shop: Shop, guest: Person) -> None:
    await shop.join()
    await fail(shop, 5)
    verifications = shop.app.users.hasher.verify_count

    refused = await refusal(guest.log_in())

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS")
    assert refused.retry_seconds == 1
    assert shop.app.users.hasher.verify_count == verifications
    assert await shop.count("sessions") == 0
    for wait in (1, 2, 4, 8):
        shop.clock.advance(timedelta(seconds=wait))
        await fail(shop, 1)
        assert (await refusal(guest.log_in())).retry_seconds == wait * 2


async def test_the_wait_is_the_same_for_an_unknown_address(shop: Shop, guest: Person) -> None:
    await fail(shop, 5, "nobody@example.com")

    refused = await refusal(guest.log_in("nobody@example.com"))

    assert (refused.reason, refused.retry_seconds) == ("TOO_MANY_ATTEMPTS", 1)


async def test_the_wait_never_exceeds_a_quarter_of_an_hour(shop: Shop, guest: Person) -> None:
    await shop.join()
    for _ in range(20):
        await refusal(guest.log_in(password=OTHER_PASSWORD))
        shop.clock.advance(timedelta(minutes=15))

    await refusal(guest.log_in(password=OTHER_PASSWORD))

    assert (await refusal(guest.log_in())).retry_seconds == 900


async def test_success_forgets_the_failures_of_the_account(shop: Shop, guest: Person) -> None:
    await shop.join()
    await fail(shop, 4)
    await guest.log_in()

    await fail(shop, 4)

    await guest.log_in()


async def test_success_at_one_account_does_not_forget_the_failures_of_the_network_address(
    shop: Shop, guest: Person
) -> None:
    await shop.join()
    for number in range(19):
        await fail(shop, 1, f"victim{number}@example.com", address="198.51.100.1")
    await guest.log_in(address="198.51.100.1")
    await fail(shop, 1, "victim19@example.com", address="198.51.100.1")

    refused = await refusal(guest.log_in(address="198.51.100.1"))

    assert refused.reason == "TOO_MANY_ATTEMPTS"
    await guest.log_in(address="198.51.100.2")


async def test_a_burst_of_guesses_gets_no_more_tries_than_a_patient_guesser(shop: Shop, guest: Person) -> None:
    await shop.join()
    verifications = shop.app.users.hasher.verify_count

    refusals = await asyncio.gather(*(refusal(guest.log_in(password=OTHER_PASSWORD)) for _ in range(30)))

    assert sorted(refused.reason for refused in refusals) == ["INVALID_CREDENTIALS"] * 5 + ["TOO_MANY_ATTEMPTS"] * 25
    assert shop.app.users.hasher.verify_count - verifications == 5


async def test_many_right_logins_at_once_all_succeed(shop: Shop, guest: Person) -> None:
    await shop.join()

    await asyncio.gather(*(guest.log_in() for _ in range(12)))

    assert await shop.count("sessions") == 12


async def test_a_bcrypt_hash_from_elsewhere_logs_in_and_is_rehashed(shop: Shop, guest: Person) -> None:
    await shop.join()
    await set_hash(shop, bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())

    wrong = await refusal(guest.log_in(password=OTHER_PASSWORD))
    await guest.log_in()

    assert wrong.reason == "INVALID_CREDENTIALS"
    [(password_hash,)] = await shop.run("SELECT password_hash FROM users")
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await guest.log_in()


async def test_a_long_password_that_bcrypt_cut_logs_in(shop: Shop, guest: Person) -> None:
    await shop.join()
    long = "wide open sea " * 8
    await set_hash(shop, bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4, prefix=b"2a")).decode())

    await guest.log_in(password=long)

    assert (await refusal(guest.log_in(password=long[:72]))).reason == "INVALID_CREDENTIALS"


async def test_a_hash_with_old_parameters_is_rehashed(shop: Shop, guest: Person) -> None:
    await shop.join()
    await set_hash(shop, argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD))

    await guest.log_in()

    [(password_hash,)] = await shop.run("SELECT password_hash FROM users")
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_hash_with_present_parameters_stays(shop: Shop, guest: Person) -> None:
    await shop.join()
    before = await shop.run("SELECT password_hash FROM users")

    await guest.log_in()

    assert await shop.run("SELECT password_hash FROM users") == before


async def test_a_password_looks_the_same_from_every_keyboard(shop: Shop, guest: Person) -> None:
    await shop.join(password="Zoë walks 7 small dogs")

    await guest.log_in(password="Zoe\u0308 walks 7 small dogs")


@pytest.mark.parametrize("email", ["", "a"])
async def test_refuses_broken_fields(shop: Shop, email: str) -> None:
    refused = await refusal(shop.call(api.LoginRequest(email=email, password=PASSWORD)))

    assert (refused.code, set(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, {"email"})


async def test_no_session_opens_when_the_password_changes_while_it_is_checked(shop: Shop) -> None:
    await shop.join()
    checked = await shop.app.users.sessions._check("ada@customer.example", PASSWORD, account=b"", device=Device("", ""))
    await shop.run("UPDATE users SET password_hash = %s", await shop.app.users.hasher.hash(OTHER_PASSWORD))

    with pytest.raises(InvalidCredentials):
        await shop.app.users.sessions._open(checked, PASSWORD, account=b"", device=Device("", ""))

    assert await shop.count("sessions") == 0
