"""Accounts: registering, proving an address, logging in and out."""

import base64
import json
from typing import Any

from tests.contract.journey.carriers import Refused
from tests.contract.journey.walk import Person, Walk
from tests.world.people import PASSWORD
from tests.world.waiting import eventually

EMAIL = "ada@customer.example"
OTHER_PASSWORD = "granite owl 17 ladder"


async def accounts(walk: Walk) -> None:
    """A person opens an account and uses it."""
    anybody = walk.person("anybody")
    await _register(walk, anybody)
    await _verify(walk, anybody)
    await _log_in(walk, anybody)
    await _go_on(walk, anybody)
    await _log_out(walk, anybody)
    if walk.carrier.thorough:
        await _grow_old(walk, anybody)
        await _try_too_often(walk, anybody)
    await _closed(walk, anybody)


async def _register(walk: Walk, anybody: Person) -> None:
    walk.scene("registering")
    await anybody.tries("Register", email="no address", password="short", display_name="http://link")
    await anybody.tries("Register", email=EMAIL, password="password1234", display_name="Ada")
    await anybody.tries("Register", email=EMAIL, password="customer ada 2031", display_name="Ada")
    await anybody.tries("Register")
    await anybody.does("Register", email="Ada@Customer.Example", password=PASSWORD, display_name="Ada Lovelace")
    await anybody.with_headers("somebody with a forged token", authorization="Bearer x").tries(
        "Register", email="bob@customer.example", password=PASSWORD
    )


async def _verify(walk: Walk, anybody: Person) -> None:
    walk.scene("proving the address")
    first = await walk.work()
    await anybody.tries("Login", email=EMAIL, password=PASSWORD)
    await anybody.does("ResendVerification", email="ADA@customer.example")
    second = await walk.work()
    await anybody.does("ResendVerification", email="nobody@customer.example")
    await walk.work()
    await anybody.tries("ResendVerification", email="no address")
    walk.scene("registering once more before it is proven, with another password")
    await anybody.does("Register", email=EMAIL, password=OTHER_PASSWORD, display_name="Somebody Else")
    third = await walk.work()
    await anybody.tries("VerifyEmail", token=third, password=PASSWORD)
    await anybody.tries("VerifyEmail", token="00000-00000-00000-00000-00000", password=PASSWORD)
    await anybody.tries("VerifyEmail")
    await anybody.does("VerifyEmail", token=second, password=PASSWORD)
    for spent in (first, second, third):
        await anybody.tries("VerifyEmail", token=spent, password=PASSWORD)
    walk.scene("registering an address that has an account")
    await anybody.does("Register", email=EMAIL, password=OTHER_PASSWORD, display_name="Somebody Else")
    await walk.work()
    await anybody.does("ResendVerification", email=EMAIL)
    await walk.work()


async def _log_in(walk: Walk, anybody: Person) -> None:
    walk.scene("logging in")
    await anybody.tries("Login", email=EMAIL, password=OTHER_PASSWORD)
    await anybody.tries("Login", email="nobody@customer.example", password=PASSWORD)
    await anybody.tries("Login")
    opened = await anybody.does("Login", email="ADA@customer.example", password=PASSWORD)
    walk.notes.append({"the access token says": _claims(opened.tokens.access_token)})
    ada = _bearer(walk, "ada", opened)
    await ada.does("GetMe")
    await (await walk.admin()).does("GetMe")
    await anybody.tries("GetMe")
    walk.scene("tokens that are none")
    for authorization in ("Bearer x", "Basic YTpi", f"Bearer {opened.tokens.access_token[:-4]}AAAA", ""):
        await walk.person("somebody with a forged token", authorization=authorization).tries("GetMe")


async def _go_on(walk: Walk, anybody: Person) -> None:
    walk.scene("the access token runs out, and the refresh token brings another one")
    opened = await anybody.quietly("Login", email=EMAIL, password=PASSWORD)
    ada = _bearer(walk, "ada", opened)
    await walk.pass_time(minutes=14, seconds=59)
    await ada.does("GetMe")
    await walk.pass_time(seconds=1)
    await ada.tries("GetMe")
    fresh = await anybody.does("RefreshToken", refresh_token=opened.tokens.refresh_token)
    ada = _bearer(walk, "ada", fresh)
    await ada.does("GetMe")
    walk.scene("a refresh token that was used before ends its session")
    await anybody.tries("RefreshToken", refresh_token=opened.tokens.refresh_token)
    await anybody.tries("RefreshToken", refresh_token=fresh.tokens.refresh_token)
    await _signed_out(ada)
    await ada.tries("GetMe")
    await anybody.tries("RefreshToken", refresh_token="x")
    await anybody.tries("RefreshToken")


async def _log_out(walk: Walk, anybody: Person) -> None:
    walk.scene("logging out of this session, then of all")
    sessions = [await anybody.quietly("Login", email=EMAIL, password=PASSWORD) for _ in range(3)]
    here, there, elsewhere = (_bearer(walk, "ada", opened) for opened in sessions)
    await anybody.tries("Logout")
    await here.does("Logout")
    await _signed_out(here)
    await here.tries("GetMe")
    await anybody.tries("RefreshToken", refresh_token=sessions[0].tokens.refresh_token)
    await there.does("GetMe")
    await there.does("Logout", all_sessions=True)
    for session in (there, elsewhere):
        await _signed_out(session)
        await session.tries("GetMe")


async def _grow_old(walk: Walk, anybody: Person) -> None:
    walk.scene("a code is good for a day, a refresh token for thirty")
    await anybody.does("Register", email="cleo@customer.example", password=PASSWORD)
    code = await walk.work()
    opened = await anybody.quietly("Login", email=EMAIL, password=PASSWORD)
    await walk.pass_time(hours=24)
    await anybody.tries("VerifyEmail", token=code, password=PASSWORD)
    await walk.pass_time(days=29)
    await anybody.tries("RefreshToken", refresh_token=opened.tokens.refresh_token)


async def _try_too_often(walk: Walk, anybody: Person) -> None:
    walk.scene("too many wrong passwords")
    for _ in range(5):
        await anybody.tries("Login", email="dora@customer.example", password=OTHER_PASSWORD)
    await anybody.tries("Login", email="dora@customer.example", password=OTHER_PASSWORD)
    walk.scene("too many mails")
    for _ in range(5):
        await anybody.does("ResendVerification", email="emil@customer.example")
    await anybody.tries("ResendVerification", email="emil@customer.example")
    await anybody.tries("Register", email="emil@customer.example", password=PASSWORD)
    walk.scene("too many passwords for one code")
    await anybody.does("Register", email="fred@customer.example", password=PASSWORD, display_name="Fred")
    code = await walk.work()
    for _ in range(6):
        await anybody.tries("VerifyEmail", token=code, password=OTHER_PASSWORD)
    await walk.pass_time(seconds=1)
    await anybody.does("VerifyEmail", token=code, password=PASSWORD)


async def _closed(walk: Walk, anybody: Person) -> None:
    walk.scene("the account is closed")
    opened = await anybody.quietly("Login", email=EMAIL, password=PASSWORD)
    await walk.shop.run(f"UPDATE users SET active = false WHERE email = '{EMAIL}'")
    await _bearer(walk, "ada", opened).tries("GetMe")
    await anybody.tries("Login", email=EMAIL, password=PASSWORD)
    await anybody.tries("RefreshToken", refresh_token=opened.tokens.refresh_token)


def _bearer(walk: Walk, name: str, opened: Any) -> Person:
    return walk.person(name, authorization=f"Bearer {opened.tokens.access_token}")


async def _signed_out(person: Person) -> None:
    """Wait until the process has heard that the session has ended."""

    async def refused() -> bool:
        try:
            await person.quietly("GetMe")
        except Refused:
            return True
        return False

    await eventually(refused)


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims
