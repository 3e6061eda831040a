"""How the program makes the first administrator."""

import pytest

from server.features.users.errors import PasswordTooCommon
from server.kernel.errors import InvalidArgument
from tests.world.people import OTHER_PASSWORD, PASSWORD, Person
from tests.world.shop import Shop


async def test_makes_a_verified_administrator(shop: Shop, guest: Person) -> None:
    assert await shop.app.users.accounts.ensure_admin("Root@Example.com", PASSWORD)

    assert await shop.run("SELECT email, role, email_verified_time FROM users") == [
        ("root@example.com", "ADMIN", shop.clock.now())
    ]
    assert (await guest.log_in("root@example.com")).user.email_verified


async def test_never_touches_an_account(shop: Shop) -> None:
    await shop.join()
    before = await shop.run("SELECT * FROM users")

    assert not await shop.app.users.accounts.ensure_admin("ada@customer.example", OTHER_PASSWORD)

    assert await shop.run("SELECT * FROM users") == before


@pytest.mark.parametrize(
    ("email", "password", "error"),
    [
        ("root", PASSWORD, InvalidArgument),
        ("root@example.com", "short 9 tea", InvalidArgument),
        ("root@example.com", "administrator", PasswordTooCommon),
    ],
)
async def test_refuses_what_register_refuses(shop: Shop, email: str, password: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await shop.app.users.accounts.ensure_admin(email, password)

    assert await shop.count("users") == 0
