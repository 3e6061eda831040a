"""What a caller of the accounts may be told."""

from datetime import timedelta
from typing import Final

from server.kernel.errors import (
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)

_HASHER_RETRY_AFTER: Final = timedelta(seconds=2)


class UserNotFound(NotFound):
    """The account was closed or erased."""

    def __init__(self) -> None:
        super().__init__("This account does not exist any more")


class NotSignedIn(Unauthenticated):
    """The caller has no session."""

    def __init__(self) -> None:
        super().__init__("Sign in first")


class InvalidCredentials(Unauthenticated):
    """The address and the password do not belong together, or there is no such account."""

    reason = "INVALID_CREDENTIALS"

    def __init__(self) -> None:
        super().__init__("The e-mail address and the password do not belong together")


class EmailNotVerified(FailedPrecondition):
    """The password is right, but nobody has proven yet that the address is theirs."""

    reason = "EMAIL_NOT_VERIFIED"

    def __init__(self) -> None:
        super().__init__("Verify the e-mail address first, with the code that was mailed to it")


class PasswordTooCommon(InvalidArgument):
    """The password is on the list of common ones, or hardly differs from one."""

    reason = "PASSWORD_TOO_COMMON"

    def __init__(self) -> None:
        super().__init__(
            "This password is too easy to guess; take a longer one, such as four words that do not belong together",
            fields=[FieldViolation("password", "is too easy to guess")],
        )


class VerificationCodeInvalid(InvalidArgument):
    """The code of the mail is wrong, used or too old, or the password is not the one of its registration."""

    reason = "EMAIL_TOKEN_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "This code is wrong, used or too old, or the password is not the one that was registered; "
            "ask for a new code"
        )


class RefreshTokenInvalid(Unauthenticated):
    """The refresh token is wrong, used or too old."""

    reason = "REFRESH_TOKEN_INVALID"

    def __init__(self) -> None:
        super().__init__("This refresh token is wrong, used or too old; log in again")


class TooManyAttempts(ResourceExhausted):
    """Too often of late; RetryInfo says when the next attempt is looked at."""

    reason = "TOO_MANY_ATTEMPTS"

    def __init__(self, *, retry_after: timedelta) -> None:
        super().__init__("Too many attempts of late; wait before the next one", retry_after=retry_after)


class TooManyPasswords(Unavailable):
    """So many passwords wait to be checked that one more had better come back."""

    def __init__(self) -> None:
        super().__init__("Too many passwords are being checked; try again", retry_after=_HASHER_RETRY_AFTER)
