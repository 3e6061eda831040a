"""The mail server of the tests."""

from dataclasses import dataclass, field

from server.mail.gateway import MailNotTaken
from server.mail.message import Mail


@dataclass
class Mailbox:
    """Takes every mail, or refuses as many as it is told to, at once or after some."""

    mails: list[Mail] = field(default_factory=list)
    failures: int = 0
    refuse_after: int = 0

    async def send(self, mail: Mail) -> None:
        if self.failures and len(self.mails) >= self.refuse_after:
            self.failures -= 1
            raise MailNotTaken("the mail server is away")
        self.mails.append(mail)

    async def close(self) -> None:
        """Nothing is kept open."""

    def reset(self) -> None:
        """Forget all mails and refuse none."""
        self.mails.clear()
        self.failures = self.refuse_after = 0


def code_in(mail: Mail) -> str:
    """Return the code that somebody types in to verify the address."""
    return mail.text.split("?token=")[1].split()[0]
