"""The job that deletes what nobody needs any more."""

from datetime import timedelta

from kontor.users.v1 import users_service_pb2 as api

from tests.world.people import OTHER_PASSWORD, Person
from tests.world.refusals import refusal
from tests.world.shop import Shop


async def test_deletes_what_has_been_over_for_a_week(shop: Shop, guest: Person) -> None:
    await shop.join()
    await guest.log_in()
    await refusal(guest.log_in(password=OTHER_PASSWORD))

    shop.clock.advance(timedelta(days=36))
    await shop.work("users.clean_up")
    kept = await shop.run("SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM refresh_tokens)")
    shop.clock.advance(timedelta(days=1))
    await shop.work("users.clean_up")

    assert kept == [(1, 1)]
    for table in ("sessions", "refresh_tokens", "email_tokens", "login_throttles", "registrations"):
        assert await shop.count(table) == 0
    assert await shop.count("users") == 1


async def test_deletes_accounts_that_nobody_verified_for_a_week(shop: Shop, guest: Person) -> None:
    await shop.join("verified@example.com")
    await guest.register("closed@example.com")
    await shop.run("UPDATE users SET active = false WHERE email = 'closed@example.com'")
    await guest.register("old@example.com")
    await guest.register("again@example.com")
    shop.clock.advance(timedelta(days=1))
    await guest.register("again@example.com")
    shop.clock.advance(timedelta(days=6))

    await shop.work("users.clean_up")

    emails = ["again@example.com", "closed@example.com", "verified@example.com"]
    assert await shop.run("SELECT email FROM users ORDER BY email") == [(email,) for email in emails]
    # The address is free, and the one that was registered again can still be verified.
    await guest.register("old@example.com")
    await shop.work()
    await shop.call(api.ResendVerificationRequest(email="again@example.com"))
    verified = await guest.verify(await shop.mailed_code())
    assert verified.user.email == "again@example.com"
