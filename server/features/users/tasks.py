"""What accounts leave to a worker."""

from dataclasses import dataclass

from server.kernel.ids import RegistrationId
from server.kernel.task import Task


@dataclass(frozen=True, kw_only=True)
class ResendVerification(Task):
    """Mail another code; None: there is nothing to verify, and the task does nothing."""

    name = "users.resend_verification"

    registration_id: RegistrationId | None
