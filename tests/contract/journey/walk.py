"""A walk through the shop: who calls what, in what order, and what is noted of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.contract.journey.carriers import RPCS, CannotBeSaid, Carrier, Outcome, Refused
from tests.contract.journey.ground import ADMIN_EMAIL, Ground, Row, goods
from tests.contract.journey.veil import Json
from tests.world.people import PASSWORD
from tests.world.shop import Shop


@dataclass
class Walk:
    """One chapter on its way."""

    ground: Ground
    # How the calls go that are noted, and those that are not.
    carrier: Carrier
    quiet: Carrier
    notes: list[Json] = field(default_factory=list)
    # The ids of what is sold, by article number.
    variants: dict[str, str] = field(default_factory=dict)

    @property
    def shop(self) -> Shop:
        """The shop that is walked through."""
        return self.ground.shop

    def scene(self, title: str) -> None:
        """Say what is about to happen."""
        self.notes.append({"scene": title})

    def person(self, name: str, **headers: str) -> "Person":
        """Somebody who calls; underscores in the names of headers are hyphens."""
        return Person(self, name, {key.replace("_", "-"): text for key, text in headers.items()})

    async def admin(self) -> "Person":
        """Who runs the shop, signed in."""
        return await self.signed_in("admin", ADMIN_EMAIL)

    async def customer(self, name: str) -> "Person":
        """Somebody with an account, signed in."""
        email = f"{name}@customer.example"
        nobody = self.person("nobody")
        await nobody.quietly("Register", email=email, password=PASSWORD, display_name=name.title())
        await self.shop.work()
        await nobody.quietly("VerifyEmail", token=_code(self.shop.mailbox.mails.pop().text), password=PASSWORD)
        return await self.signed_in(name, email)

    async def signed_in(self, name: str, email: str) -> "Person":
        """Sign somebody in who has an account."""
        opened = await self.person("nobody").quietly("Login", email=email, password=PASSWORD)
        return self.person(name, authorization=f"Bearer {opened.tokens.access_token}")

    async def look_around(self) -> None:
        """Find the ids of all that is sold."""
        nobody = self.person("nobody")
        slugs = dict.fromkeys(row["Handle"] for row in goods())
        for product in await asyncio.gather(*(nobody.quietly("GetProduct", product_id=slug) for slug in slugs)):
            self.variants |= {variant.sku: variant.id for variant in product.variants}

    async def work(self) -> str:
        """Let the shop do what is due, and note the mail that it sends; return the code in it."""
        await self.shop.work()
        mails = list(self.shop.mailbox.mails)
        self.shop.mailbox.mails.clear()
        if not mails:
            return ""
        # Of several, the order would be that of the jobs, which nobody is promised: a walk works after each cause.
        [mail] = mails
        # It is the same either way.
        if self.carrier.thorough:
            texts = {"text": mail.text.splitlines(), "html": (mail.html or "").splitlines()}
            self.notes.append({"mail": {"to": mail.to, "subject": mail.subject, **texts}})
        return _code(mail.text)

    async def pass_time(self, **time: float) -> None:
        """Let time pass, with what the shop does every minute done once, and note what comes of it."""
        self.notes.append({"time passes": time})
        self.shop.clock.advance(timedelta(**time))
        await self.ground.do_minutely()
        await self.work()

    async def change(self, handle: str, **cells: str) -> None:
        """Bring the file in again with other cells for one product; underscores are blanks."""
        changes = {name.replace("_", " "): text for name, text in cells.items()}
        self.notes.append({"the shop changes": handle, **changes})
        rows: list[Row] = [{**row, **changes} for row in goods() if row["Handle"] == handle]
        await self.ground.stock_up(rows)


@dataclass(frozen=True)
class Person:
    """Somebody who calls, with the headers that say who it is."""

    walk: Walk
    name: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_headers(self, name: str = "", **headers: str) -> "Person":
        """Return the same person under another name and with more headers."""
        more = {key.replace("_", "-"): text for key, text in headers.items()}
        return Person(self.walk, name or self.name, {**self.headers, **more})

    async def does(self, method: str, /, **fields: Any) -> Any:
        """Call what has to go well for the walk to go on; note and return the answer."""
        outcome = await self._noted(method, fields)
        if outcome.answer is None:
            raise Refused(f"{self.name} was refused {method}")
        return outcome.answer

    async def tries(self, method: str, /, **fields: Any) -> Mapping[str, str]:
        """Call what is refused, most likely, and note what comes; return what the error names."""
        try:
            return (await self._noted(method, fields)).metadata
        except CannotBeSaid:
            return {}

    async def quietly(self, method: str, /, **fields: Any) -> Any:
        """Call what has to go well, and note nothing."""
        outcome = await self.walk.quiet.call(RPCS[method], _request(method, fields), self.headers)
        if outcome.answer is None:
            raise Refused(f"{self.name} was refused {method}: {outcome.came}")
        return outcome.answer

    async def _noted(self, method: str, fields: dict[str, Any]) -> Outcome:
        rpc = RPCS[method]
        outcome = await self.walk.carrier.call(rpc, _request(method, fields), self.headers)
        self.walk.notes.append({"who": self.name, "call": str(rpc), "sent": outcome.sent, **outcome.came})
        return outcome


def _code(text: str) -> str:
    return text.partition("?token=")[2].partition("\n")[0]


def _request(method: str, fields: dict[str, Any]) -> Message:
    return GetMessageClass(RPCS[method].request)(**fields)
