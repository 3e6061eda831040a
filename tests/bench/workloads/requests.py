"""The requests that workloads are made of."""

from functools import cache
from random import Random
from urllib.parse import quote, urlencode
from uuid import UUID

from kontor.catalog.v1.catalog_service_pb2 import GetProductRequest, ListProductsRequest, SearchProductsRequest

from server.features.catalog.seeding.rules import made_time
from server.features.catalog.values import ProductFilter
from server.kernel.pages import encode_page_token
from tests.bench.flows import PAGE_SIZE

GET_PRODUCT = "/kontor.catalog.v1.CatalogService/GetProduct"
LIST_PRODUCTS = "/kontor.catalog.v1.CatalogService/ListProducts"
SEARCH_PRODUCTS = "/kontor.catalog.v1.CatalogService/SearchProducts"
GET_CART = "/kontor.cart.v1.CartService/GetCart"
ADD_ITEM = "/kontor.cart.v1.CartService/AddItem"
PLACE_ORDER = "/kontor.orders.v1.OrderService/PlaceOrder"
LOGIN = "/kontor.users.v1.UserService/Login"

# Lists begin at so many places, evenly spread by chance.
_PLACES = 5_000


def get_product(product_id: str) -> GetProductRequest:
    """Ask for a product."""
    return GetProductRequest(product_id=product_id)


def list_after(index: int) -> ListProductsRequest:
    """Ask for the page of the newest products after the made-up product with this index."""
    return ListProductsRequest(page_token=page_token(index))


def search(query: str) -> SearchProductsRequest:
    """Search for words."""
    return SearchProductsRequest(query=query)


@cache
def places(products: int) -> list[int]:
    """Return where lists begin, each with a full page behind it."""
    random = Random(1)
    return [random.randrange(PAGE_SIZE + 1, products) for _ in range(_PLACES)]


def page_token(index: int) -> str:
    """Return the token of the page after a made-up product, as the shop would give it out."""
    wanted = ProductFilter(currency="EUR")
    return encode_page_token([made_time(index).isoformat(), str(UUID(int=0))], wanted.digest)


def product_path(product_id: str) -> str:
    """Return the REST path of a product."""
    return f"/v1/products/{product_id}"


def list_path(index: int) -> str:
    """Return the REST path of a page."""
    return f"/v1/products?{urlencode({'pageToken': page_token(index)})}"


def search_path(query: str) -> str:
    """Return the REST path of a search."""
    return f"/v1/products:search?query={quote(query)}"
