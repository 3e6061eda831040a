"""Connecting to Stripe, as the settings of the shop say."""

from server.features.payments.gateway import ConnectedProvider
from server.features.payments.providers.stripe.gateway import StripeGateway
from server.features.payments.providers.stripe.webhook_gateway import StripeWebhooks
from server.settings import Settings


def connect_stripe(settings: Settings) -> ConnectedProvider | None:
    """Connect to Stripe; None in a shop without an account there."""
    key = settings.stripe_api_key.get_secret_value()
    if not key:
        return None
    secret = settings.stripe_webhook_secret.get_secret_value()
    return ConnectedProvider(
        gateway=StripeGateway(key, api_url=settings.stripe_api_base),
        verifier=StripeWebhooks([part for part in secret.split(",") if part]),
    )
