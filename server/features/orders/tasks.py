"""What orders leave to a worker."""

from dataclasses import dataclass

from server.kernel.ids import OrderId
from server.kernel.task import Task


@dataclass(frozen=True, kw_only=True)
class SendConfirmationMail(Task):
    """Send one confirmation that could not be sent with others."""

    name = "orders.send_confirmation_mail"

    order_id: OrderId
