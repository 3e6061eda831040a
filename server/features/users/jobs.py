"""Background work of the accounts: mails, and clearing away what is over."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import procrastinate

from server.db.jobs import RETRY
from server.features.users.letters import known_address_mail, verification_mail
from server.features.users.service import AccountService
from server.kernel.ids import UserId
from server.mail.gateway import Mailer

SUBSCRIPTIONS: Final[Mapping[str, Sequence[str]]] = {
    "user.registered": ("users.send_verification",),
    "user.registration_repeated": ("users.send_known_address",),
}


def register(
    app: procrastinate.App, *, accounts: AccountService, mailer: Mailer, shop_name: str, public_url: str
) -> None:
    """Register the tasks with the worker's app."""

    async def mail_code(registration_id: str) -> None:
        # Each attempt makes a code of its own; those of attempts whose mail was lost expire unseen.
        verification = await accounts.make_verification(UUID(registration_id))
        if verification is not None:
            await mailer.send(verification_mail(verification, shop_name=shop_name, public_url=public_url))

    @app.task(name="users.send_verification", retry=RETRY)
    async def send_verification(*, event_id: str, aggregate_id: str, data: dict[str, Any]) -> None:
        await mail_code(data["registration_id"])

    @app.task(name="users.resend_verification", retry=RETRY)
    async def resend_verification(*, registration_id: str | None) -> None:
        if registration_id is not None:
            await mail_code(registration_id)

    @app.task(name="users.send_known_address", retry=RETRY)
    async def send_known_address(*, event_id: str, aggregate_id: str, data: dict[str, Any]) -> None:
        user = await accounts.find_active(UserId(UUID(aggregate_id)))
        if user is not None:
            await mailer.send(
                known_address_mail(user.email, user.display_name, shop_name=shop_name, public_url=public_url)
            )

    @app.periodic(cron="17 * * * *")
    @app.task(name="users.clean_up", queueing_lock="users.clean_up")
    async def clean_up(timestamp: int) -> None:
        await accounts.clean_up()
