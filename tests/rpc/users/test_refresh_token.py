"""UserService.RefreshToken."""

import asyncio
from datetime import timedelta

import grpc
from kontor.users.v1 import users_service_pb2 as api

from server.kernel.actor import Permission
from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.shop import Shop
from tests.world.waiting import eventually


async def refresh(shop: Shop, token: str) -> api.Tokens:
    response: api.RefreshTokenResponse = await shop.call(api.RefreshTokenRequest(refresh_token=token))
    return response.tokens


async def test_gives_new_tokens_of_the_same_session(shop: Shop, guest: Person) -> None:
    await shop.join()
    first = (await guest.log_in()).tokens
    shop.clock.advance(timedelta(minutes=20))

    second = await refresh(shop, first.refresh_token)

    assert second.refresh_token != first.refresh_token
    [(session_id, last_used_time, expires_time)] = await shop.run(
        "SELECT id, last_used_time, expires_time FROM sessions"
    )
    assert shop.entrance.access_tokens.verify(second.access_token).session_id == session_id
    assert (last_used_time, expires_time) == (shop.clock.now(), shop.clock.now() + timedelta(days=30))
    me = await shop.holder(second).call(api.GetMeRequest())
    assert me.email == "ada@customer.example"


async def test_gives_the_permissions_that_the_account_has_by_now(shop: Shop, guest: Person) -> None:
    await shop.join()
    first = (await guest.log_in()).tokens
    await shop.run("UPDATE users SET role = 'STAFF', permissions = '{orders.read}'")

    second = await refresh(shop, first.refresh_token)

    tokens = shop.entrance.access_tokens
    assert not tokens.verify(first.access_token).may(Permission.ORDERS_READ)
    assert tokens.verify(second.access_token).permissions == {Permission.ORDERS_READ}


async def test_using_a_token_again_ends_the_session_everywhere(shop: Shop, guest: Person) -> None:
    await shop.join()
    first = (await guest.log_in()).tokens
    second = await refresh(shop, first.refresh_token)

    refused = await refusal(refresh(shop, first.refresh_token))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "REFRESH_TOKEN_INVALID")
    assert await shop.run("SELECT revoked_time FROM sessions") == [(shop.clock.now(),)]
    assert (await refusal(refresh(shop, second.refresh_token))).reason == "REFRESH_TOKEN_INVALID"

    async def access_refused() -> bool:
        try:
            await shop.holder(second).call(api.GetMeRequest())
        except grpc.aio.AioRpcError as error:
            return error.code() is grpc.StatusCode.UNAUTHENTICATED
        return False

    await eventually(access_refused)


async def test_other_sessions_go_on(shop: Shop, guest: Person) -> None:
    await shop.join()
    stolen, other = (await guest.log_in()).tokens, (await guest.log_in()).tokens
    await refresh(shop, stolen.refresh_token)

    await refusal(refresh(shop, stolen.refresh_token))

    await refresh(shop, other.refresh_token)


async def test_of_two_calls_at_once_one_wins(shop: Shop, guest: Person) -> None:
    await shop.join()
    tokens = (await guest.log_in()).tokens

    results = await asyncio.gather(*(refresh(shop, tokens.refresh_token) for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(result, api.Tokens) for result in results) == 1
    assert await shop.count("refresh_tokens") == 2


async def test_refuses_an_unknown_token(shop: Shop) -> None:
    refused = await refusal(refresh(shop, "nonsense"))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "REFRESH_TOKEN_INVALID")


async def test_a_session_ends_after_thirty_days_without_use(shop: Shop, guest: Person) -> None:
    await shop.join()
    tokens = (await guest.log_in()).tokens

    shop.clock.advance(timedelta(days=30))

    assert (await refusal(refresh(shop, tokens.refresh_token))).reason == "REFRESH_TOKEN_INVALID"
    assert await shop.run("SELECT used_time FROM refresh_tokens") == [(None,)]


async def test_a_closed_account_gets_no_tokens(shop: Shop, guest: Person) -> None:
    await shop.join()
    tokens = (await guest.log_in()).tokens
    await shop.run("UPDATE users SET active = false")

    assert (await refusal(refresh(shop, tokens.refresh_token))).reason == "REFRESH_TOKEN_INVALID"
    assert await shop.count("refresh_tokens") == 1
