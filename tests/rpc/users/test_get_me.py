"""UserService.GetMe."""

import grpc
from kontor.users.v1 import users_pb2
from kontor.users.v1 import users_service_pb2 as api

from server.db.statement import count_statements
from server.kernel.ids import Prefix, format_id
from tests.factories import execute
from tests.rpc.users.conftest import Shop, bearer
from tests.shop import refusal


async def test_returns_the_callers_account_with_one_statement(shop: Shop) -> None:
    user_id = await shop.make_user()
    await shop.make_user("bob@example.com")
    tokens = (await shop.login()).tokens

    with count_statements() as statements:
        user = await shop.rpc.GetMe(api.GetMeRequest(), metadata=bearer(tokens))

    expected = users_pb2.User(
        id=format_id(Prefix.USER, user_id),
        email="ada@example.com",
        display_name="Ada Byron",
        role=users_pb2.User.CUSTOMER,
        email_verified=True,
    )
    expected.create_time.FromDatetime(shop.clock.now())
    assert user == expected
    assert len(statements) == 1


async def test_needs_a_session(shop: Shop) -> None:
    refused = await refusal(shop.rpc.GetMe(api.GetMeRequest()))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def test_a_closed_account_is_not_found(shop: Shop) -> None:
    await shop.make_user()
    tokens = (await shop.login()).tokens
    async with shop.db.write() as tx:
        await execute(tx, "UPDATE users SET active = false")

    refused = await refusal(shop.rpc.GetMe(api.GetMeRequest(), metadata=bearer(tokens)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_an_erased_account_is_not_found(shop: Shop) -> None:
    await shop.make_user()
    tokens = (await shop.login()).tokens
    async with shop.db.write() as tx:
        await execute(tx, "DELETE FROM users")

    refused = await refusal(shop.rpc.GetMe(api.GetMeRequest(), metadata=bearer(tokens)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
