"""Errors that a caller may expect, one class per canonical gRPC code.

Features subclass these with their own `reason`; every reason stands in protos/kontor/errors/v1/reason.proto.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import ClassVar


class Code(IntEnum):
    """The canonical gRPC status codes, by their numbers on the wire."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """What is wrong with one field of a request; `field` is its path, such as `items[2].quantity`."""

    field: str
    description: str


class AppError(Exception):
    """An expected refusal: the caller gets its code, reason, message and metadata.

    The message tells a developer what to do; whatever in it varies is also metadata.
    """

    code: ClassVar[Code]
    reason: ClassVar[str]

    def __init__(
        self,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        fields: Sequence[FieldViolation] = (),
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.metadata: Mapping[str, str] = metadata or {}
        self.fields = tuple(fields)
        self.retry_after = retry_after


class InvalidArgument(AppError):
    """The request is wrong whatever the state of the shop."""

    code = Code.INVALID_ARGUMENT
    reason = "INVALID_ARGUMENT"


class NotFound(AppError):
    """The thing does not exist, or not for this caller."""

    code = Code.NOT_FOUND
    reason = "NOT_FOUND"


class AlreadyExists(AppError):
    """The thing is there already."""

    code = Code.ALREADY_EXISTS
    reason = "ALREADY_EXISTS"


class FailedPrecondition(AppError):
    """The state of the shop does not allow it; repeating does not help until that changes."""

    code = Code.FAILED_PRECONDITION
    reason = "FAILED_PRECONDITION"


class Aborted(AppError):
    """Somebody else changed the thing meanwhile; read again, then try again."""

    code = Code.ABORTED
    reason = "ABORTED"


class PermissionDenied(AppError):
    """The caller is known and may not do this."""

    code = Code.PERMISSION_DENIED
    reason = "PERMISSION_DENIED"


class Unauthenticated(AppError):
    """The caller is not known, or its credentials do not hold."""

    code = Code.UNAUTHENTICATED
    reason = "UNAUTHENTICATED"


class ResourceExhausted(AppError):
    """Too much or too often."""

    code = Code.RESOURCE_EXHAUSTED
    reason = "RESOURCE_EXHAUSTED"


class Unavailable(AppError):
    """Something that is needed does not answer; the same call may succeed later."""

    code = Code.UNAVAILABLE
    reason = "UNAVAILABLE"


def invalid_field(field: str, description: str) -> InvalidArgument:
    """Make the refusal of one field."""
    return InvalidArgument(f"{field}: {description}", fields=(FieldViolation(field, description),))
