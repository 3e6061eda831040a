"""UserService.GetMe."""

import grpc
from kontor.users.v1 import users_pb2
from kontor.users.v1 import users_service_pb2 as api

from server.db.statement import count_statements
from server.kernel.ids import USER
from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_returns_the_callers_account_with_one_statement(shop: Shop, guest: Person) -> None:
    user_id = await shop.join()
    await shop.join("bob@example.com")
    tokens = (await guest.log_in()).tokens

    with count_statements() as statements:
        user = await shop.holder(tokens).call(api.GetMeRequest())

    expected = users_pb2.User(
        id=USER.write(user_id),
        email="ada@customer.example",
        display_name="Ada Byron",
        role=users_pb2.User.CUSTOMER,
        email_verified=True,
    )
    expected.create_time.FromDatetime(shop.clock.now())
    assert user == expected
    assert len(statements) == 1


async def test_needs_a_session(shop: Shop) -> None:
    refused = await refusal(shop.call(api.GetMeRequest()))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def test_a_closed_account_is_not_found(shop: Shop, guest: Person) -> None:
    await shop.join()
    tokens = (await guest.log_in()).tokens
    await shop.run("UPDATE users SET active = false")

    refused = await refusal(shop.holder(tokens).call(api.GetMeRequest()))

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_an_erased_account_is_not_found(shop: Shop, guest: Person) -> None:
    await shop.join()
    tokens = (await guest.log_in()).tokens
    await shop.run("DELETE FROM users")

    refused = await refusal(shop.holder(tokens).call(api.GetMeRequest()))

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
