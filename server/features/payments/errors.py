"""What payments refuse."""

from collections.abc import Collection
from datetime import timedelta

from server.kernel.errors import FailedPrecondition, NotFound, Unauthenticated, Unavailable
from server.kernel.ids import ORDER, OrderId

_RETRY_AFTER = timedelta(seconds=2)


class PaymentNotFound(NotFound):
    """There is no such payment, or its order is not the caller's."""

    def __init__(self) -> None:
        super().__init__("There is no such payment")


class PaymentRefused(FailedPrecondition):
    """The provider understood and said no.

    The order stands for all that: gateways do not know it, so the service names it.
    """

    reason = "PAYMENT_REFUSED"

    def __init__(self, *, provider: str, provider_code: str, order_id: OrderId | None = None) -> None:
        metadata = {"provider": provider, "provider_code": provider_code}
        if order_id is not None:
            metadata["order_id"] = ORDER.write(order_id)
        super().__init__(f"{provider} refused the payment: {provider_code}", metadata=metadata)
        self.provider = provider
        self.provider_code = provider_code

    def of(self, order_id: OrderId) -> "PaymentRefused":
        """Return the same refusal with the name of the order."""
        return PaymentRefused(provider=self.provider, provider_code=self.provider_code, order_id=order_id)


class PaymentProviderUnavailable(Unavailable):
    """The provider did not answer, so nobody knows yet whether it did what it was asked."""

    reason = "PAYMENT_PROVIDER_UNAVAILABLE"

    def __init__(self, *, provider: str) -> None:
        super().__init__(
            f"{provider} did not answer; repeat the same call with the same key",
            metadata={"provider": provider},
            retry_after=_RETRY_AFTER,
        )


class PaymentProviderDisabled(FailedPrecondition):
    """The shop has no account with the provider."""

    reason = "PAYMENT_PROVIDER_DISABLED"

    def __init__(self, *, provider: str) -> None:
        super().__init__(f"{provider} is not set up in this shop", metadata={"provider": provider})


class SignatureInvalid(Unauthenticated):
    """The webhook does not come from the provider, or is a replay of an old one."""

    reason = "SIGNATURE_INVALID"

    def __init__(self) -> None:
        super().__init__("The signature of the webhook is missing, wrong or too old")


class PaymentTransitionInvalid(FailedPrecondition):
    """The payment is not where this step begins."""

    reason = "INVALID_TRANSITION"

    def __init__(self, current: str, target: str, allowed: Collection[str]) -> None:
        names = ",".join(sorted(allowed))
        super().__init__(
            f"The payment is {current} and cannot become {target} by this call",
            metadata={"from": current, "to": target, "allowed": names},
        )
