"""The language of an account: that of the call that registered it."""

from typing import Any

from kontor.users.v1 import users_service_pb2 as api

from tests.world.people import EMAIL, OTHER_PASSWORD, PASSWORD
from tests.world.shop import Shop

GERMAN = "de-AT,de;q=0.9,en;q=0.8"
ENGLISH = "en-US"


async def register(shop: Shop, language: str = "", password: str = PASSWORD) -> None:
    guest = shop.guest()
    guest.language = language
    await guest.register(password=password)


async def languages(shop: Shop) -> list[Any]:
    return [language for (language,) in await shop.run("SELECT language FROM users")]


async def test_comes_from_the_call_that_registers(shop: Shop) -> None:
    await register(shop, GERMAN)
    code = await shop.mailed_code()

    assert await languages(shop) == ["de"]
    [mail] = shop.mailbox.mails
    assert mail.subject == "Bestätigen Sie Ihre E-Mail-Adresse für Kontor"
    assert mail.html is not None
    assert '<html lang="de">' in mail.html
    # It stays when the address is verified, whatever language that call asks for.
    guest = shop.guest()
    guest.language = ENGLISH
    await guest.verify(code)
    assert await languages(shop) == ["de"]


async def test_is_the_shops_where_the_call_asks_for_none(shop: Shop) -> None:
    await register(shop)
    await shop.work()

    assert await languages(shop) == [""]
    assert shop.mailbox.mails[0].subject == "Confirm your e-mail address for Kontor"


async def test_headers_that_nobody_can_read_do_no_harm(shop: Shop) -> None:
    await register(shop, "fr;q=high, ,;;=, *")

    assert await languages(shop) == [""]


async def test_is_that_of_the_latest_registration_until_one_is_verified(shop: Shop) -> None:
    await register(shop, GERMAN, OTHER_PASSWORD)
    await register(shop, ENGLISH)

    code = await shop.mailed_code()

    assert await languages(shop) == ["en"]
    await shop.guest().verify(code)
    await register(shop, GERMAN, OTHER_PASSWORD)
    assert await languages(shop) == ["en"]


async def test_the_owner_of_a_known_address_reads_the_own_language(shop: Shop) -> None:
    await register(shop, GERMAN)
    await shop.guest().verify(await shop.mailed_code())

    await register(shop, ENGLISH, OTHER_PASSWORD)
    await shop.work()

    assert shop.mailbox.mails[-1].subject == "Sie haben bereits ein Konto bei Kontor"


async def test_another_code_comes_in_the_accounts_language(shop: Shop) -> None:
    await register(shop, GERMAN)
    await shop.call(api.ResendVerificationRequest(email=EMAIL), accept_language=ENGLISH)
    await shop.work()

    assert {mail.subject for mail in shop.mailbox.mails} == {"Bestätigen Sie Ihre E-Mail-Adresse für Kontor"}


async def test_a_stranger_does_not_choose_it(shop: Shop) -> None:
    """Whose code is used decides, as of the name."""
    await register(shop, GERMAN)
    code = await shop.mailed_code()
    await register(shop, ENGLISH, OTHER_PASSWORD)

    await shop.guest().verify(code)

    assert await languages(shop) == ["de"]
