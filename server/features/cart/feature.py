"""What carts bring."""

from collections.abc import Sequence

from kontor.cart.v1 import cart_service_pb2

from server.db.handlers import Jobs, Periodic
from server.features.cart.service import CartService
from server.features.cart.servicer import CartServicer
from server.features.core import Core, Feature, service_of
from server.rpc.chain import Service


class CartFeature(Feature):
    """Carts."""

    def __init__(self, core: Core) -> None:
        self._core = core
        settings = core.settings
        self.carts = CartService(
            db=core.db, clock=core.clock, currency=settings.default_currency, country=settings.default_country
        )

    def services(self) -> Sequence[Service]:
        return [service_of(cart_service_pb2, CartServicer(self.carts, self._core.cart_tokens))]

    def jobs(self) -> Jobs:
        return Jobs(
            periodics=[
                Periodic("cart.delete_expired", "23 * * * *", self.carts.delete_expired),
                Periodic("cart.forget_closed", "53 2 * * *", self.carts.forget_closed),
            ]
        )
