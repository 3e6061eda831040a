"""What the accounts offer to the rest of the program."""

from datetime import timedelta

import pytest

from server.db.jobs import defer
from server.kernel.errors import InvalidArgument, NotFound
from server.kernel.ids import UserId, new_id
from server.users import queries
from server.users.errors import InvalidCredentials, PasswordTooCommon
from server.users.rules import Device
from server.users.service import get_email
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


async def test_get_email(shop: Shop) -> None:
    user_id = await shop.make_user()

    async with shop.db.read() as tx:
        assert await get_email(tx, UserId(user_id)) == "ada@example.com"
        with pytest.raises(NotFound):
            await get_email(tx, UserId(new_id()))


async def test_no_session_opens_when_the_password_changes_while_it_is_checked(shop: Shop) -> None:
    await shop.make_user()
    async with shop.db.read() as tx:
        checked = await queries.FIND_CREDENTIALS.one(tx, email="ada@example.com")
    async with shop.db.write() as tx:
        await tx.connection.execute("UPDATE users SET password_hash = %s", (await shop.hasher.hash(OTHER_PASSWORD),))

    with pytest.raises(InvalidCredentials):
        await shop.sessions._open(checked, GOOD_PASSWORD, account=b"", device=Device("", ""))

    assert await shop.rows("SELECT 1 FROM sessions") == []


async def clean_up(shop: Shop) -> None:
    async with shop.db.write() as tx:
        await defer(tx, "users.clean_up", timestamp=0)
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
    for table in ("sessions", "refresh_tokens", "email_tokens", "login_throttles"):
        assert await shop.rows(f"SELECT count(*) FROM {table}") == [(0,)]
    assert await shop.rows("SELECT count(*) FROM users") == [(1,)]
