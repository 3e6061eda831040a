"""The providers of the shop: each is a folder beside this module, and a line in it."""

from collections.abc import Callable, Mapping
from typing import Final

from server.features.payments.gateway import ConnectedProvider
from server.features.payments.providers.stripe.service import connect_stripe
from server.features.payments.values import Provider
from server.settings import Settings

# What connects a provider; None: the settings of the shop name no account with it. MANUAL has nobody to connect to.
_CONNECT: Final[Mapping[Provider, Callable[[Settings], ConnectedProvider | None]]] = {
    Provider.STRIPE: connect_stripe,
}


def connect_providers(settings: Settings) -> Mapping[Provider, ConnectedProvider]:
    """Connect every provider with which the shop has an account."""
    connected = {provider: connect(settings) for provider, connect in _CONNECT.items()}
    return {provider: one for provider, one in connected.items() if one is not None}
