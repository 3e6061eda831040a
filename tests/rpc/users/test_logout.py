"""UserService.Logout."""

from datetime import timedelta
from functools import partial

import grpc
from kontor.users.v1 import users_service_pb2 as api

from server.db.listen import Listener
from server.rpc.auth import REVOKED_CHANNEL, Revocations
from tests.rpc.users.conftest import Shop, bearer
from tests.shop import refusal
from tests.waiting import eventually


async def signed_in(shop: Shop, tokens: api.Tokens) -> bool:
    try:
        await shop.rpc.GetMe(api.GetMeRequest(), metadata=bearer(tokens))
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAUTHENTICATED:
            return False
        raise
    return True


async def signed_out(shop: Shop, tokens: api.Tokens) -> bool:
    return not await signed_in(shop, tokens)


async def test_ends_this_session_only(shop: Shop) -> None:
    await shop.make_user()
    this, other = (await shop.login()).tokens, (await shop.login()).tokens

    await shop.rpc.Logout(api.LogoutRequest(), metadata=bearer(this))

    await eventually(partial(signed_out, shop, this))
    refused = await refusal(shop.rpc.GetMe(api.GetMeRequest(), metadata=bearer(this)))
    assert refused.reason == "TOKEN_INVALID"
    assert await signed_in(shop, other)
    await shop.rpc.RefreshToken(api.RefreshTokenRequest(refresh_token=other.refresh_token))
    refused = await refusal(shop.rpc.RefreshToken(api.RefreshTokenRequest(refresh_token=this.refresh_token)))
    assert refused.reason == "REFRESH_TOKEN_INVALID"


async def test_ends_all_sessions_of_the_account_and_no_others(shop: Shop) -> None:
    await shop.make_user("ada@example.com")
    await shop.make_user("bob@example.com")
    mine = [(await shop.login("ada@example.com")).tokens for _ in range(3)]
    others = (await shop.login("bob@example.com")).tokens

    await shop.rpc.Logout(api.LogoutRequest(all_sessions=True), metadata=bearer(mine[0]))

    for tokens in mine:
        await eventually(partial(signed_out, shop, tokens))
    assert await signed_in(shop, others)
    assert await shop.rows("SELECT count(*) FROM sessions WHERE revoked_time IS NULL") == [(1,)]


async def test_a_process_that_starts_later_knows_it_too(shop: Shop) -> None:
    await shop.make_user()
    tokens = (await shop.login()).tokens
    session_id = shop.tokens.verify(tokens.access_token).session_id
    await shop.rpc.Logout(api.LogoutRequest(), metadata=bearer(tokens))
    revocations = Revocations(shop.clock, keep=timedelta(minutes=15))
    listener = Listener(shop.db.dsn)
    listener.on(REVOKED_CHANNEL, revocations.notified, revocations.reload(shop.sessions.list_revoked))

    await listener.start()
    await listener.stop()

    assert session_id in revocations


async def test_needs_a_session(shop: Shop) -> None:
    await shop.make_user()
    await shop.login()

    refused = await refusal(shop.rpc.Logout(api.LogoutRequest(all_sessions=True)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert await shop.rows("SELECT revoked_time FROM sessions") == [(None,)]
