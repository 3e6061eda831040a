"""The world around the shop, as the embedded run provides it: the mail catcher and the Stripe stand-in."""

import asyncio
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The folder in which the mail catcher keeps what it caught."""

    folder: Path

    async def find(self, to: str, subject_part: str) -> str | None:
        """Return the newest mail to an address whose subject contains a text: its headers and its plain body."""
        return await asyncio.to_thread(self._find, to, subject_part)

    def _find(self, to: str, subject_part: str) -> str | None:
        newest_first = sorted(self.folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in newest_first:
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            if to in str(mail["To"]) and subject_part in str(mail["Subject"]):
                body = mail.get_body(("plain",))
                return f"Subject: {mail['Subject']}\n\n{body.get_content() if body else ''}"
        return None


@dataclass(frozen=True, slots=True)
class StripeCheckout:
    """What Stripe's Payment Element does in the buyer's browser."""

    base_url: str
    api_key: str

    async def pay(self, intent_id: str) -> dict[str, Any]:
        """Set a test card on the intent and confirm it; return the intent. Raises httpx.HTTPError."""
        card = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2032", "cvc": "123"}
        async with httpx.AsyncClient(base_url=self.base_url, auth=(self.api_key, ""), timeout=20) as client:
            method = await _post(
                client,
                "/v1/payment_methods",
                {"type": "card", **{f"card[{name}]": value for name, value in card.items()}},
            )
            # The stand-in takes no payment method with the confirmation.
            await _post(client, f"/v1/payment_intents/{intent_id}", {"payment_method": method["id"]})
            return await _post(client, f"/v1/payment_intents/{intent_id}/confirm", {})


async def _post(client: httpx.AsyncClient, path: str, form: dict[str, str]) -> dict[str, Any]:
    response = await client.post(path, data=form)
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer
