"""Accounts as the rest of the feature handles them.

The code that proves an address is called a code in Python, in the mails and in the contract's comments. The database
and the names in the contract call it a token: `email_tokens` and its `token_hash`, `VerifyEmailRequest.token`,
`EMAIL_TOKEN_INVALID`, and `?token=` in the link of the mail. Every other token belongs to a session.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from server.kernel.actor import Role
from server.kernel.ids import RegistrationId, UserId


class CodePurpose(StrEnum):
    """What a code is good for."""

    VERIFY_EMAIL = "VERIFY_EMAIL"


@dataclass(frozen=True, slots=True)
class User:
    """An account without its secrets."""

    id: UserId
    email: str
    display_name: str
    # Of its mails; empty: the shop's.
    language: str
    role: Role
    email_verified_time: datetime | None
    created_time: datetime


@dataclass(frozen=True, slots=True)
class Registration:
    """What a good code stands for."""

    id: RegistrationId
    password_hash: str


@dataclass(frozen=True, slots=True)
class UnverifiedAddress:
    """An address that waits for its code, and the language of its mails."""

    email: str
    language: str


@dataclass(frozen=True, slots=True)
class Verification:
    """An address and the code that proves who owns it."""

    email: str
    # Empty: the shop's.
    language: str
    code: str
