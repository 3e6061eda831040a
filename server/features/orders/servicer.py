"""The OrderService of the contract."""

from google.api.httpbody_pb2 import HttpBody
from kontor.orders.v1 import orders_pb2, orders_service_pb2
from kontor.payments.v1 import payments_pb2

from server.features.orders import mapping
from server.features.orders.fulfillment.service import FulfillmentService
from server.features.orders.placing.service import PlaceOrderService
from server.features.orders.service import OrderService
from server.features.payments import mapping as payments_mapping
from server.features.payments.rules import Provider
from server.kernel.ids import FulfillmentId, OrderId, Prefix, parse_id
from server.kernel.pages import page_size
from server.rpc.call import Call


class OrderServicer:
    """One method an RPC."""

    def __init__(self, place: PlaceOrderService, orders: OrderService, fulfillments: FulfillmentService) -> None:
        self._place = place
        self._orders = orders
        self._fulfillments = fulfillments

    async def PlaceOrder(
        self, request: orders_service_pb2.PlaceOrderRequest, call: Call
    ) -> orders_service_pb2.PlaceOrderResponse:
        """Place the order of the caller's cart."""
        placed = await self._place.place_order(
            expected_minor=request.expected_total.amount_minor,
            expected_currency=request.expected_total.currency_code,
            provider=Provider(payments_pb2.Payment.Provider.Name(request.payment_provider)),
            actor=call.actor,
            claim=call.claim,
        )
        return orders_service_pb2.PlaceOrderResponse(
            order=mapping.to_order(placed.order),
            payment=payments_mapping.to_payment(placed.payment) if placed.payment else None,
        )

    async def GetOrder(self, request: orders_service_pb2.GetOrderRequest, call: Call) -> orders_pb2.Order:
        """Return one of the caller's orders."""
        return mapping.to_order(await self._orders.get_order(_order_id(request.order_id), viewer=call.viewer))

    async def ListOrders(
        self, request: orders_service_pb2.ListOrdersRequest, call: Call
    ) -> orders_service_pb2.ListOrdersResponse:
        """List the caller's own orders."""
        page = await self._orders.list_orders(
            call.actor.require_user(), count=page_size(request.page_size), page_token=request.page_token
        )
        return orders_service_pb2.ListOrdersResponse(
            orders=[mapping.to_order(order) for order in page.orders], next_page_token=page.next_page_token
        )

    async def ListTimeline(
        self, request: orders_service_pb2.ListTimelineRequest, call: Call
    ) -> orders_service_pb2.ListTimelineResponse:
        """List what happened to an order."""
        entries = await self._orders.list_timeline(_order_id(request.order_id), viewer=call.viewer)
        return orders_service_pb2.ListTimelineResponse(entries=[mapping.to_timeline_entry(entry) for entry in entries])

    async def GetInvoice(self, request: orders_service_pb2.GetInvoiceRequest, call: Call) -> HttpBody:
        """Return the invoice as a PDF."""
        number, pdf = await self._orders.get_invoice(_order_id(request.order_id), viewer=call.viewer)
        call.set_header("content-disposition", f'inline; filename="invoice-{number}.pdf"')
        return HttpBody(content_type="application/pdf", data=pdf)

    async def CreateFulfillment(
        self, request: orders_service_pb2.CreateFulfillmentRequest, call: Call
    ) -> orders_pb2.Fulfillment:
        """Pack a parcel of an order."""
        parcel = await self._fulfillments.create_fulfillment(
            _order_id(request.order_id),
            mapping.from_fulfillment_lines(request.lines),
            actor=call.actor,
            claim=call.claim,
        )
        return mapping.to_fulfillment(parcel)

    async def ShipFulfillment(self, request: orders_service_pb2.ShipFulfillmentRequest, call: Call) -> orders_pb2.Order:
        """Send a parcel off."""
        order = await self._fulfillments.ship_fulfillment(
            _order_id(request.order_id),
            FulfillmentId(parse_id(Prefix.FULFILLMENT, request.fulfillment_id, field="fulfillment_id")),
            carrier=request.carrier,
            tracking_number=request.tracking_number,
            tracking_url=request.tracking_url,
            actor=call.actor,
        )
        return mapping.to_order(order)


def _order_id(text: str) -> OrderId:
    return OrderId(parse_id(Prefix.ORDER, text, field="order_id"))
