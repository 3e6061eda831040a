"""UserService.Logout."""

from datetime import timedelta
from functools import partial

import grpc
from kontor.users.v1 import users_service_pb2 as api

from server.db.listen import Listener
from server.rpc.auth import Revocations
from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.shop import Shop
from tests.world.waiting import eventually


async def signed_in(shop: Shop, tokens: api.Tokens) -> bool:
    try:
        await shop.holder(tokens).call(api.GetMeRequest())
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAUTHENTICATED:
            return False
        raise
    return True


async def signed_out(shop: Shop, tokens: api.Tokens) -> bool:
    return not await signed_in(shop, tokens)


async def test_ends_this_session_only(shop: Shop, guest: Person) -> None:
    await shop.join()
    this, other = (await guest.log_in()).tokens, (await guest.log_in()).tokens

    await shop.holder(this).call(api.LogoutRequest())

    await eventually(partial(signed_out, shop, this))
    refused = await refusal(shop.holder(this).call(api.GetMeRequest()))
    assert refused.reason == "TOKEN_INVALID"
    assert await signed_in(shop, other)
    await shop.call(api.RefreshTokenRequest(refresh_token=other.refresh_token))
    refused = await refusal(shop.call(api.RefreshTokenRequest(refresh_token=this.refresh_token)))
    assert refused.reason == "REFRESH_TOKEN_INVALID"


async def test_ends_all_sessions_of_the_account_and_no_others(shop: Shop, guest: Person) -> None:
    await shop.join("ada@customer.example")
    await shop.join("bob@example.com")
    mine = [(await guest.log_in("ada@customer.example")).tokens for _ in range(3)]
    others = (await guest.log_in("bob@example.com")).tokens

    await shop.holder(mine[0]).call(api.LogoutRequest(all_sessions=True))

    for tokens in mine:
        await eventually(partial(signed_out, shop, tokens))
    assert await signed_in(shop, others)
    assert await shop.run("SELECT count(*) FROM sessions WHERE revoked_time IS NULL") == [(1,)]


async def test_a_process_that_starts_later_knows_it_too(shop: Shop, guest: Person) -> None:
    await shop.join()
    tokens = (await guest.log_in()).tokens
    session_id = shop.entrance.access_tokens.verify(tokens.access_token).session_id
    await shop.holder(tokens).call(api.LogoutRequest())
    revocations = Revocations(shop.clock, keep=timedelta(minutes=15))
    listener = Listener(shop.db.dsn)
    revocations.follow(listener, shop.app.users.sessions.list_revoked)

    await listener.start()
    await listener.stop()

    assert session_id in revocations


async def test_needs_a_session(shop: Shop, guest: Person) -> None:
    await shop.join()
    await guest.log_in()

    refused = await refusal(shop.call(api.LogoutRequest(all_sessions=True)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert await shop.run("SELECT revoked_time FROM sessions") == [(None,)]
