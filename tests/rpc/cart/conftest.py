"""A shop with something to buy, and buyers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from kontor.cart.v1 import cart_pb2
from kontor.cart.v1 import cart_service_pb2 as api
from kontor.type.v1 import postal_address_pb2

from server.app import App
from server.db.session import Database
from tests.factories import (
    ADDRESS,
    Headers,
    MadeProduct,
    VariantPlan,
    execute,
    make_product,
    make_tax_rate,
    make_user,
    rows,
)
from tests.shop import Clients


@dataclass
class Buyer:
    """Somebody who fills a cart: a guest, until `headers` say otherwise. A guest keeps the token it gets."""

    client: Clients
    app: App
    headers: Headers = ()
    token: str = field(default="", repr=False)

    @property
    def db(self) -> Database:
        return self.app.core.db

    @property
    def metadata(self) -> Headers:
        return (*self.headers, ("x-cart-token", self.token)) if self.token else self.headers

    async def add(self, product: MadeProduct, quantity: int = 1, *, at: int = 0, **fields: Any) -> cart_pb2.Cart:
        request = api.AddItemRequest(variant_id=product.variants[at].name, quantity=quantity, **fields)
        cart: cart_pb2.Cart = await self.client.cart.AddItem(request, metadata=self.metadata)
        self.token = cart.token or self.token
        return cart

    async def get(self) -> cart_pb2.Cart:
        cart: cart_pb2.Cart = await self.client.cart.GetCart(api.GetCartRequest(), metadata=self.metadata)
        return cart

    async def update(self, item_id: str, quantity: int) -> cart_pb2.Cart:
        request = api.UpdateItemRequest(item_id=item_id, quantity=quantity)
        cart: cart_pb2.Cart = await self.client.cart.UpdateItem(request, metadata=self.metadata)
        return cart

    async def remove(self, item_id: str) -> cart_pb2.Cart:
        request = api.RemoveItemRequest(item_id=item_id)
        cart: cart_pb2.Cart = await self.client.cart.RemoveItem(request, metadata=self.metadata)
        return cart

    async def set_email(self, email: str) -> cart_pb2.Cart:
        request = api.SetEmailRequest(email=email)
        cart: cart_pb2.Cart = await self.client.cart.SetEmail(request, metadata=self.metadata)
        return cart

    async def set_addresses(self, billing: dict[str, Any] | None = None, **changes: Any) -> cart_pb2.Cart:
        request = api.SetAddressesRequest(
            shipping_address=address(**changes), billing_address=address(**billing) if billing else None
        )
        cart: cart_pb2.Cart = await self.client.cart.SetAddresses(request, metadata=self.metadata)
        return cart

    async def methods(self) -> Sequence[cart_pb2.ShippingMethod]:
        request = api.ListShippingMethodsRequest()
        response = await self.client.cart.ListShippingMethods(request, metadata=self.metadata)
        methods: Sequence[cart_pb2.ShippingMethod] = response.shipping_methods
        return methods

    async def set_method(self, method_id: str) -> cart_pb2.Cart:
        request = api.SetShippingMethodRequest(shipping_method_id=method_id)
        cart: cart_pb2.Cart = await self.client.cart.SetShippingMethod(request, metadata=self.metadata)
        return cart

    async def merge(self, token: str) -> cart_pb2.Cart:
        request = api.MergeCartRequest(cart_token=token)
        cart: cart_pb2.Cart = await self.client.cart.MergeCart(request, metadata=self.metadata)
        return cart

    async def close(self) -> None:
        """Order what is in the cart, as far as the cart knows of it."""
        async with self.db.write() as tx:
            await execute(tx, "UPDATE carts SET status = 'ORDERED' WHERE status = 'OPEN'")


def address(**changes: Any) -> postal_address_pb2.PostalAddress:
    return postal_address_pb2.PostalAddress(**{**ADDRESS, **changes})


def lines(cart: cart_pb2.Cart) -> dict[str, int]:
    """Return how many of each variant are in a cart."""
    return {item.variant_id: item.quantity for item in cart.items}


async def stored(db: Database) -> list[tuple[Any, ...]]:
    """Return everything that the shop keeps of carts, but for the times of their last change."""
    return await rows(
        db,
        "SELECT c.id, c.status, c.currency, c.email, c.shipping_address, c.shipping_method_id, i.variant_id, "
        "i.quantity FROM carts c LEFT JOIN cart_items i ON i.cart_id = c.id ORDER BY c.id, i.id",
    )


@pytest.fixture
async def guest(client: Clients, app: App) -> Buyer:
    """Return a guest without a cart, in a shop whose prices contain German VAT."""
    await make_tax_rate(app.core.db)
    return Buyer(client, app)


@pytest.fixture
async def user(client: Clients, app: App, guest: Buyer) -> Buyer:
    """Return a signed-in buyer without a cart."""
    return Buyer(client, app, (await make_user(app)).headers)


@pytest.fixture
async def shirt(db: Database) -> MadeProduct:
    """Return a shirt in two sizes, of which ten and three are left."""
    return await make_product(
        db,
        "Linen Shirt",
        options={"Size": ["S", "M"]},
        pictures=["https://pictures.example/shirt.jpg"],
        variants=[
            VariantPlan(
                prices={"EUR": 1190, "USD": 1300}, compare_at={"EUR": 1490}, option_values=["S"], sku="LS-S", stock=10
            ),
            VariantPlan(prices={"EUR": 2380}, option_values=["M"], stock=3),
        ],
    )
