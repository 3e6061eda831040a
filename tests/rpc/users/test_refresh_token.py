"""UserService.RefreshToken."""

import asyncio
from datetime import timedelta

import grpc
from kontor.users.v1 import users_service_pb2 as api

from server.kernel.actor import Permission
from tests.factories import execute
from tests.rpc.users.conftest import Shop, bearer
from tests.shop import refusal
from tests.waiting import eventually


async def refresh(shop: Shop, token: str) -> api.Tokens:
    response: api.RefreshTokenResponse = await shop.rpc.RefreshToken(api.RefreshTokenRequest(refresh_token=token))
    return response.tokens


async def test_gives_new_tokens_of_the_same_session(shop: Shop) -> None:
    await shop.make_user()
    first = (await shop.login()).tokens
    shop.clock.advance(timedelta(minutes=20))

    second = await refresh(shop, first.refresh_token)

    assert second.refresh_token != first.refresh_token
    [(session_id, last_used_time, expires_time)] = await shop.rows(
        "SELECT id, last_used_time, expires_time FROM sessions"
    )
    assert shop.tokens.verify(second.access_token).session_id == session_id
    assert (last_used_time, expires_time) == (shop.clock.now(), shop.clock.now() + timedelta(days=30))
    me = await shop.rpc.GetMe(api.GetMeRequest(), metadata=bearer(second))
    assert me.email == "ada@example.com"


async def test_gives_the_permissions_that_the_account_has_by_now(shop: Shop) -> None:
    await shop.make_user()
    first = (await shop.login()).tokens
    async with shop.db.write() as tx:
        await execute(tx, "UPDATE users SET role = 'STAFF', permissions = '{orders.read}'")

    second = await refresh(shop, first.refresh_token)

    assert not shop.tokens.verify(first.access_token).may(Permission.ORDERS_READ)
    assert shop.tokens.verify(second.access_token).permissions == {Permission.ORDERS_READ}


async def test_using_a_token_again_ends_the_session_everywhere(shop: Shop) -> None:
    await shop.make_user()
    first = (await shop.login()).tokens
    second = await refresh(shop, first.refresh_token)

    refused = await refusal(refresh(shop, first.refresh_token))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "REFRESH_TOKEN_INVALID")
    assert await shop.rows("SELECT revoked_time FROM sessions") == [(shop.clock.now(),)]
    assert (await refusal(refresh(shop, second.refresh_token))).reason == "REFRESH_TOKEN_INVALID"

    async def access_refused() -> bool:
        try:
            await shop.rpc.GetMe(api.GetMeRequest(), metadata=bearer(second))
        except grpc.aio.AioRpcError as error:
            return error.code() is grpc.StatusCode.UNAUTHENTICATED
        return False

    await eventually(access_refused)


async def test_other_sessions_go_on(shop: Shop) -> None:
    await shop.make_user()
    stolen, other = (await shop.login()).tokens, (await shop.login()).tokens
    await refresh(shop, stolen.refresh_token)

    await refusal(refresh(shop, stolen.refresh_token))

    await refresh(shop, other.refresh_token)


async def test_of_two_calls_at_once_one_wins(shop: Shop) -> None:
    await shop.make_user()
    tokens = (await shop.login()).tokens

    results = await asyncio.gather(*(refresh(shop, tokens.refresh_token) for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(result, api.Tokens) for result in results) == 1
    assert await shop.rows("SELECT count(*) FROM refresh_tokens") == [(2,)]


async def test_refuses_an_unknown_token(shop: Shop) -> None:
    refused = await refusal(refresh(shop, "nonsense"))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "REFRESH_TOKEN_INVALID")


async def test_a_session_ends_after_thirty_days_without_use(shop: Shop) -> None:
    await shop.make_user()
    tokens = (await shop.login()).tokens

    shop.clock.advance(timedelta(days=30))

    assert (await refusal(refresh(shop, tokens.refresh_token))).reason == "REFRESH_TOKEN_INVALID"
    assert await shop.rows("SELECT used_time FROM refresh_tokens") == [(None,)]


async def test_a_closed_account_gets_no_tokens(shop: Shop) -> None:
    await shop.make_user()
    tokens = (await shop.login()).tokens
    async with shop.db.write() as tx:
        await execute(tx, "UPDATE users SET active = false")

    assert (await refusal(refresh(shop, tokens.refresh_token))).reason == "REFRESH_TOKEN_INVALID"
    assert await shop.rows("SELECT count(*) FROM refresh_tokens") == [(1,)]
