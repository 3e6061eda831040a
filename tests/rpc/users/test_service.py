"""What the accounts offer to the rest of the program."""

from datetime import timedelta

import pytest
from kontor.users.v1 import users_service_pb2 as api

from server.db.jobs import NewJob, defer_all
from server.features.users.errors import InvalidCredentials, PasswordTooCommon
from server.features.users.sessions.values import Device
from server.kernel.errors import InvalidArgument
from tests.factories import execute
from tests.rpc.users.conftest import GOOD_PASSWORD, OTHER_PASSWORD, Shop
from tests.shop import refusal


async def test_ensure_admin_makes_a_verified_administrator(shop: Shop) -> None:
    assert await shop.accounts.ensure_admin("Root@Example.com", GOOD_PASSWORD)

    assert await shop.rows("SELECT email, role, email_verified_time FROM users") == [
        ("root@example.com", "ADMIN", shop.clock.now())
    ]
    assert (await shop.login("root@example.com")).user.email_verified


async def test_ensure_admin_never_touches_an_account(shop: Shop) -> None:
    await shop.make_user()
    before = await shop.rows("SELECT * FROM users")

    assert not await shop.accounts.ensure_admin("ada@example.com", OTHER_PASSWORD)

    assert await shop.rows("SELECT * FROM users") == before


@pytest.mark.parametrize(
    ("email", "password", "error"),
    [
        ("root", GOOD_PASSWORD, InvalidArgument),
        ("root@example.com", "short 9 tea", InvalidArgument),
        ("root@example.com", "administrator", PasswordTooCommon),
    ],
)
async def test_ensure_admin_refuses_what_register_refuses(
    shop: Shop, email: str, password: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await shop.accounts.ensure_admin(email, password)

    assert await shop.rows("SELECT 1 FROM users") == []


async def test_no_session_opens_when_the_password_changes_while_it_is_checked(shop: Shop) -> None:
    await shop.make_user()
    checked = await shop.sessions._check("ada@example.com", GOOD_PASSWORD, account=b"", device=Device("", ""))
    async with shop.db.write() as tx:
        await execute(tx, "UPDATE users SET password_hash = %s", (await shop.hasher.hash(OTHER_PASSWORD),))

    with pytest.raises(InvalidCredentials):
        await shop.sessions._open(checked, GOOD_PASSWORD, account=b"", device=Device("", ""))

    assert await shop.rows("SELECT 1 FROM sessions") == []


async def clean_up(shop: Shop) -> None:
    async with shop.db.write() as tx:
        await defer_all(tx, [NewJob("users.clean_up", {"timestamp": 0})])
    await shop.work()


async def test_clean_up_deletes_what_has_been_over_for_a_week(shop: Shop) -> None:
    await shop.make_user()
    await shop.login()
    await refusal(shop.login(password=OTHER_PASSWORD))

    shop.clock.advance(timedelta(days=36))
    await clean_up(shop)
    kept = await shop.rows("SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM refresh_tokens)")
    shop.clock.advance(timedelta(days=1))
    await clean_up(shop)

    assert kept == [(1, 1)]
    for table in ("sessions", "refresh_tokens", "email_tokens", "login_throttles", "registrations"):
        assert await shop.rows(f"SELECT count(*) FROM {table}") == [(0,)]
    assert await shop.rows("SELECT count(*) FROM users") == [(1,)]


async def test_clean_up_deletes_accounts_that_nobody_verified_for_a_week(shop: Shop) -> None:
    await shop.make_user("verified@example.com")
    await shop.register("closed@example.com")
    async with shop.db.write() as tx:
        await execute(tx, "UPDATE users SET active = false WHERE email = 'closed@example.com'")
    await shop.register("old@example.com")
    await shop.register("again@example.com")
    shop.clock.advance(timedelta(days=1))
    await shop.register("again@example.com")
    shop.clock.advance(timedelta(days=6))

    await clean_up(shop)

    emails = ["again@example.com", "closed@example.com", "verified@example.com"]
    assert await shop.rows("SELECT email FROM users ORDER BY email") == [(email,) for email in emails]
    # The address is free, and the one that was registered again can still be verified.
    await shop.register("old@example.com")
    await shop.work()
    await shop.rpc.ResendVerification(api.ResendVerificationRequest(email="again@example.com"))
    verified = await shop.rpc.VerifyEmail(
        api.VerifyEmailRequest(token=await shop.mailed_code(), password=GOOD_PASSWORD)
    )
    assert verified.user.email == "again@example.com"
