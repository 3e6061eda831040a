"""Background work of the accounts: their mails."""

from server.db.session import Database
from server.features.users import queries
from server.features.users.events import UserRegistered, UserRegistrationRepeated
from server.features.users.letters import known_address_mail, verification_mail
from server.features.users.service import AccountService
from server.features.users.tasks import ResendVerification
from server.kernel.ids import RegistrationId
from server.mail.gateway import Mailer


class UserJobs:
    """What a worker does for accounts."""

    def __init__(
        self,
        *,
        db: Database,
        accounts: AccountService,
        mailer: Mailer,
        shop_name: str,
        shop_language: str,
        public_url: str,
    ) -> None:
        self._db = db
        self._accounts = accounts
        self._mailer = mailer
        self._shop_name = shop_name
        self._shop_language = shop_language
        self._public_url = public_url

    async def send_verification(self, event: UserRegistered) -> None:
        """Mail the code to a new address."""
        await self._mail_code(event.registration_id)

    async def resend_verification(self, task: ResendVerification) -> None:
        """Mail another code."""
        if task.registration_id is not None:
            await self._mail_code(task.registration_id)

    async def send_known_address(self, event: UserRegistrationRepeated) -> None:
        """Tell the owner of an account that somebody registered its address."""
        async with self._db.read() as tx:
            user = await queries.find_user(tx, event.user_id)
        if user is not None:
            mail = known_address_mail(
                user.email,
                user.display_name,
                language=user.language,
                shop_name=self._shop_name,
                shop_language=self._shop_language,
                public_url=self._public_url,
            )
            await self._mailer.send(mail)

    async def _mail_code(self, registration_id: RegistrationId) -> None:
        # Each attempt makes a code of its own; those of attempts whose mail was lost expire unseen.
        verification = await self._accounts.make_verification(registration_id)
        if verification is not None:
            mail = verification_mail(
                verification,
                shop_name=self._shop_name,
                shop_language=self._shop_language,
                public_url=self._public_url,
            )
            await self._mailer.send(mail)
