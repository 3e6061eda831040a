"""What a caller of the accounts may be told."""

from server.kernel.errors import FailedPrecondition, InvalidArgument, ResourceExhausted, Unauthenticated


class InvalidCredentials(Unauthenticated):
    """The address and the password do not belong together, or there is no such account."""

    reason = "INVALID_CREDENTIALS"


class EmailNotVerified(FailedPrecondition):
    """The password is right, but nobody has proven yet that the address is theirs."""

    reason = "EMAIL_NOT_VERIFIED"


class PasswordTooCommon(InvalidArgument):
    """The password is on the list of common ones, or hardly differs from one."""

    reason = "PASSWORD_TOO_COMMON"


class EmailTokenInvalid(InvalidArgument):
    """The code of the mail is wrong, used or too old."""

    reason = "EMAIL_TOKEN_INVALID"


class RefreshTokenInvalid(Unauthenticated):
    """The refresh token is wrong, used or too old."""

    reason = "REFRESH_TOKEN_INVALID"


class TooManyAttempts(ResourceExhausted):
    """Too often of late; RetryInfo says when the next attempt is looked at."""

    reason = "TOO_MANY_ATTEMPTS"
