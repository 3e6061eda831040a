"""InventoryService.GetStock."""

import grpc
from kontor.inventory.v1 import inventory_service_pb2 as api

from server.app import App
from server.kernel.actor import Role
from server.kernel.ids import Prefix, format_id, new_id
from tests.factories import VariantPlan, make_product, make_user
from tests.shop import Clients, refusal


async def test_shows_the_counters(client: Clients, app: App) -> None:
    admin = await make_user(app, role=Role.ADMIN)
    made = await make_product(app.core.db, variants=[VariantPlan(stock=7, backorder_limit=2)])

    stock = await client.inventory.GetStock(api.GetStockRequest(variant_id=made.variant.name), metadata=admin.headers)

    assert stock.variant_id == made.variant.name
    assert stock.id.startswith("stock_")
    assert (stock.on_hand_count, stock.reserved_count, stock.safety_count) == (7, 0, 0)
    assert (stock.available_count, stock.backorder_limit_count) == (7, 2)


async def test_tells_uncounted_from_unknown(client: Clients, app: App) -> None:
    admin = await make_user(app, role=Role.ADMIN)
    made = await make_product(app.core.db, variants=[VariantPlan(stock=None)])
    unknown = format_id(Prefix.VARIANT, new_id())

    uncounted = await refusal(
        client.inventory.GetStock(api.GetStockRequest(variant_id=made.variant.name), metadata=admin.headers)
    )
    missing = await refusal(client.inventory.GetStock(api.GetStockRequest(variant_id=unknown), metadata=admin.headers))
    wrong = await refusal(client.inventory.GetStock(api.GetStockRequest(variant_id="x"), metadata=admin.headers))

    assert (uncounted.code, uncounted.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STOCK_NOT_TRACKED")
    assert uncounted.metadata == {"variant_id": made.variant.name}
    assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert (wrong.code, list(wrong.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["variant_id"])


async def test_is_for_administrators(client: Clients, app: App) -> None:
    made = await make_product(app.core.db)
    customer = await make_user(app)
    request = api.GetStockRequest(variant_id=made.variant.name)

    assert (await refusal(client.inventory.GetStock(request))).code is grpc.StatusCode.UNAUTHENTICATED
    refused = await refusal(client.inventory.GetStock(request, metadata=customer.headers))
    assert refused.code is grpc.StatusCode.PERMISSION_DENIED
