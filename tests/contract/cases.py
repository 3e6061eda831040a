"""For every RPC: a call that aims at the owner's things, and who gets what for it beyond what its access says."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.message import Message
from kontor.cart.v1 import cart_service_pb2 as cart
from kontor.catalog.v1 import catalog_service_pb2 as catalog
from kontor.inventory.v1 import inventory_service_pb2 as inventory
from kontor.orders.v1 import orders_service_pb2 as orders
from kontor.payments.v1 import payments_service_pb2 as payments
from kontor.users.v1 import users_service_pb2 as users

from tests.contract.people import ACTORS, People, registered
from tests.world.people import BERLIN, PASSWORD, placing

OK = "OK"
_OTHERS = [actor for actor in ACTORS if actor != "owner"]
_BLIND = [actor for actor in _OTHERS if actor not in ("clerk", "admin")]


@dataclass(frozen=True)
class Case:
    """A request, made anew for each call, and the reasons by which it is refused to those whom the policy lets in."""

    request: Callable[[People], Message | Awaitable[Message]]
    refused: Mapping[str, str] = field(default_factory=dict)
    # Done once, it cannot be done again: whoever is let in after another one needs things of its own.
    once: bool = False


def owned(request: Callable[[People], Message]) -> Case:
    """A thing of the owner's that staff see too who have the permission: for all others it does not exist."""
    return Case(request, dict.fromkeys(_BLIND, "NOT_FOUND"))


def private(request: Callable[[People], Message]) -> Case:
    """A thing of the owner's that nobody else can reach."""
    return Case(request, dict.fromkeys(_OTHERS, "NOT_FOUND"))


def without_cart(reason: str, *, guest: str = OK) -> dict[str, str]:
    """Who has no cart gets the reason; the guest has one of its own."""
    return {**dict.fromkeys(_OTHERS, reason), "guest": guest}


def everybody(reason: str) -> dict[str, str]:
    """All of them are let in, and refused for what they bring."""
    return dict.fromkeys(ACTORS, reason)


async def _login(people: People) -> Message:
    return users.LoginRequest(email=await registered(people), password=PASSWORD)


CASES: Mapping[str, Case] = {
    "CartService/GetCart": Case(lambda _: cart.GetCartRequest()),
    "CartService/AddItem": Case(lambda p: cart.AddItemRequest(variant_id=p.shop.variants["mug"], quantity=1)),
    "CartService/UpdateItem": private(lambda p: cart.UpdateItemRequest(item_id=p.cart.items[0].id, quantity=2)),
    "CartService/RemoveItem": private(lambda p: cart.RemoveItemRequest(item_id=p.cart.items[0].id)),
    "CartService/SetEmail": Case(lambda _: cart.SetEmailRequest(email="x@customer.example"), without_cart("NOT_FOUND")),
    "CartService/SetAddresses": Case(
        lambda _: cart.SetAddressesRequest(shipping_address=BERLIN), without_cart("NOT_FOUND")
    ),
    "CartService/ListShippingMethods": Case(
        lambda _: cart.ListShippingMethodsRequest(), without_cart("NOT_FOUND", guest="CHECKOUT_INCOMPLETE")
    ),
    "CartService/SetShippingMethod": Case(
        lambda p: cart.SetShippingMethodRequest(shipping_method_id=p.cart.shipping_method.id),
        without_cart("NOT_FOUND", guest="CHECKOUT_INCOMPLETE"),
    ),
    "CartService/MergeCart": Case(lambda p: cart.MergeCartRequest(cart_token=p.cart_token)),
    "CatalogService/ListProducts": Case(lambda _: catalog.ListProductsRequest()),
    "CatalogService/GetProduct": Case(lambda _: catalog.GetProductRequest(product_id="shirt")),
    "CatalogService/SearchProducts": Case(lambda _: catalog.SearchProductsRequest(query="shirt")),
    "CatalogService/ListCategories": Case(lambda _: catalog.ListCategoriesRequest()),
    "InventoryService/GetStock": Case(lambda p: inventory.GetStockRequest(variant_id=p.shop.variants["mug"])),
    "InventoryService/AdjustStock": Case(
        lambda p: inventory.AdjustStockRequest(variant_id=p.shop.variants["mug"], delta_count=5, reason="found")
    ),
    "OrderService/PlaceOrder": Case(lambda p: placing(p.cart), without_cart("CART_EMPTY", guest="CHECKOUT_INCOMPLETE")),
    "OrderService/GetOrder": owned(lambda p: orders.GetOrderRequest(order_id=p.paid.id)),
    "OrderService/ListOrders": Case(lambda _: orders.ListOrdersRequest()),
    "OrderService/ListTimeline": owned(lambda p: orders.ListTimelineRequest(order_id=p.paid.id)),
    "OrderService/GetInvoice": owned(lambda p: orders.GetInvoiceRequest(order_id=p.paid.id)),
    "OrderService/CreateFulfillment": Case(lambda p: orders.CreateFulfillmentRequest(order_id=p.paid.id), once=True),
    "OrderService/ShipFulfillment": Case(
        lambda p: orders.ShipFulfillmentRequest(
            order_id=p.paid.id, fulfillment_id=p.parcel.id, carrier="DHL", tracking_number="JJD0001"
        ),
        once=True,
    ),
    "PaymentService/GetPayment": owned(lambda p: payments.GetPaymentRequest(payment_id=p.waiting.payment.id)),
    "PaymentService/ConfirmPayment": owned(lambda p: payments.ConfirmPaymentRequest(payment_id=p.waiting.payment.id)),
    "PaymentService/HandleStripeEvent": Case(
        # Nobody at Stripe has signed it.
        lambda _: payments.HandleStripeEventRequest(event=HttpBody(data=b'{"id": "evt_1"}')),
        everybody("SIGNATURE_INVALID"),
    ),
    "PaymentService/RecordManualPayment": Case(
        lambda p: payments.RecordManualPaymentRequest(
            payment_id=p.waiting.payment.id, amount=p.waiting.payment.amount, reference="statement 7"
        ),
        once=True,
    ),
    "UserService/Register": Case(
        lambda _: users.RegisterRequest(email=f"{uuid4()}@customer.example", password=PASSWORD, display_name="New")
    ),
    "UserService/VerifyEmail": Case(
        lambda _: users.VerifyEmailRequest(token="x", password=PASSWORD), everybody("EMAIL_TOKEN_INVALID")
    ),
    "UserService/ResendVerification": Case(
        lambda _: users.ResendVerificationRequest(email=f"{uuid4()}@customer.example")
    ),
    "UserService/Login": Case(_login),
    "UserService/RefreshToken": Case(
        lambda _: users.RefreshTokenRequest(refresh_token="x"), everybody("REFRESH_TOKEN_INVALID")
    ),
    "UserService/Logout": Case(lambda _: users.LogoutRequest()),
    "UserService/GetMe": Case(lambda _: users.GetMeRequest()),
}
