"""CartService."""

from kontor.cart.v1 import cart_pb2, cart_service_pb2

from server.features.cart.mapping import to_cart, to_shipping_methods
from server.features.cart.service import CartService
from server.kernel.errors import invalid_field
from server.kernel.ids import CART_ITEM, SHIPPING_METHOD, VARIANT
from server.rpc.auth import CartTokens
from server.rpc.call import Call
from server.rpc.messages import from_address

_SHORTEST_SECRET = 16


class CartServicer:
    """Filling a cart and preparing the checkout."""

    def __init__(self, service: CartService, tokens: CartTokens) -> None:
        self._service = service
        self._tokens = tokens

    async def GetCart(self, request: cart_service_pb2.GetCartRequest, call: Call) -> cart_pb2.Cart:
        """Return the caller's cart."""
        return to_cart(await self._service.get_cart(call.actor))

    async def AddItem(self, request: cart_service_pb2.AddItemRequest, call: Call) -> cart_pb2.Cart:
        """Put some of a variant in."""
        if call.actor.user_id is None and call.actor.cart_id is None:
            _require_secret_key(request.request_id or call.header("idempotency-key"))
        variant_id = VARIANT.read(request.variant_id, "variant_id")
        guest_cart_id, view = await self._service.add_item(
            call.actor, variant_id, quantity=request.quantity, currency=request.currency_code, claim=call.claim
        )
        if guest_cart_id is None or call.actor.cart_id is not None:
            return to_cart(view)
        token = self._tokens.issue(guest_cart_id)
        call.set_header("x-cart-token", token)
        return to_cart(view, token=token)

    async def UpdateItem(self, request: cart_service_pb2.UpdateItemRequest, call: Call) -> cart_pb2.Cart:
        """Set how many of an item there are."""
        item_id = CART_ITEM.read(request.item_id, "item_id")
        return to_cart(await self._service.update_item(call.actor, item_id, quantity=request.quantity))

    async def RemoveItem(self, request: cart_service_pb2.RemoveItemRequest, call: Call) -> cart_pb2.Cart:
        """Take an item out."""
        item_id = CART_ITEM.read(request.item_id, "item_id")
        return to_cart(await self._service.remove_item(call.actor, item_id))

    async def SetEmail(self, request: cart_service_pb2.SetEmailRequest, call: Call) -> cart_pb2.Cart:
        """Say where the confirmation goes."""
        return to_cart(await self._service.set_email(call.actor, request.email))

    async def SetAddresses(self, request: cart_service_pb2.SetAddressesRequest, call: Call) -> cart_pb2.Cart:
        """Say where parcel and bill go."""
        billing = from_address(request.billing_address) if request.HasField("billing_address") else None
        shipping = from_address(request.shipping_address)
        view = await self._service.set_addresses(call.actor, shipping=shipping, billing=billing)
        return to_cart(view)

    async def ListShippingMethods(
        self, request: cart_service_pb2.ListShippingMethodsRequest, call: Call
    ) -> cart_service_pb2.ListShippingMethodsResponse:
        """List the ways to send this cart."""
        return to_shipping_methods(await self._service.list_shipping_methods(call.actor))

    async def SetShippingMethod(self, request: cart_service_pb2.SetShippingMethodRequest, call: Call) -> cart_pb2.Cart:
        """Choose how it is sent."""
        method_id = SHIPPING_METHOD.read(request.shipping_method_id, "shipping_method_id")
        return to_cart(await self._service.set_shipping_method(call.actor, method_id))

    async def MergeCart(self, request: cart_service_pb2.MergeCartRequest, call: Call) -> cart_pb2.Cart:
        """Put a guest's cart into the signed-in user's."""
        guest_cart_id = self._tokens.verify(request.cart_token)
        return to_cart(await self._service.merge_cart(call.actor, guest_cart_id))


def _require_secret_key(key: str | None) -> None:
    """Refuse a key that a stranger may choose too: it would be answered with the token of this caller's cart."""
    if key and len(key) < _SHORTEST_SECRET:
        description = f"needs {_SHORTEST_SECRET} characters that nobody guesses as long as there is no cart token"
        raise invalid_field("request_id", description)
