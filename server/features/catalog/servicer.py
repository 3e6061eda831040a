"""CatalogService."""

from typing import TypeVar
from uuid import UUID

from kontor.catalog.v1 import catalog_pb2, catalog_service_pb2

from server.db.session import Database
from server.features.catalog import queries
from server.features.catalog.freshness_rules import CATALOG, tags_of_list
from server.features.catalog.mapping import to_found, to_list, to_product, to_tree
from server.features.catalog.rules import search_words
from server.features.catalog.service import BrowseService
from server.features.catalog.values import ProductFilter, ProductOrder, SearchFilter
from server.kernel.errors import InvalidArgument
from server.kernel.ids import CATEGORY, PRODUCT, CategoryId, IdKind
from server.kernel.pages import page_size
from server.rpc.call import Call

T = TypeVar("T", bound=UUID)

_Request = catalog_service_pb2.ListProductsRequest
_ORDERS = {
    _Request.ORDER_BY_UNSPECIFIED: ProductOrder.NEWEST,
    _Request.NEWEST: ProductOrder.NEWEST,
    _Request.PRICE_ASC: ProductOrder.PRICE_ASC,
    _Request.PRICE_DESC: ProductOrder.PRICE_DESC,
    _Request.TITLE: ProductOrder.TITLE,
}


class CatalogServicer:
    """Browsing and searching."""

    def __init__(self, *, db: Database, browse: BrowseService, currency: str) -> None:
        """Take the currency in which prices are shown to a caller who names none."""
        self._db = db
        self._browse = browse
        self._currency = currency

    async def GetProduct(self, request: catalog_service_pb2.GetProductRequest, call: Call) -> catalog_pb2.Product:
        async with self._db.read() as tx:
            product = await queries.get_product(tx, _id_or_slug(PRODUCT, request.product_id))
        call.cache_tags = frozenset((product.id,))
        return to_product(product)

    async def ListProducts(
        self, request: catalog_service_pb2.ListProductsRequest, call: Call
    ) -> catalog_service_pb2.ListProductsResponse:
        wanted = ProductFilter(
            currency=request.currency_code or self._currency,
            order=_ORDERS[request.order_by],
            category=_category(request.category_id),
            min_price_minor=request.min_price_minor if request.HasField("min_price_minor") else None,
            max_price_minor=request.max_price_minor if request.HasField("max_price_minor") else None,
            in_stock=request.in_stock,
            tags=tuple(request.tags),
            vendor=request.vendor,
        )
        count = page_size(request.page_size)
        page = await self._browse.list_products(wanted, count=count, page_token=request.page_token)
        call.cache_tags = tags_of_list((product.id for product in page.products), in_stock=wanted.in_stock)
        return to_list(page)

    async def SearchProducts(
        self, request: catalog_service_pb2.SearchProductsRequest, call: Call
    ) -> catalog_service_pb2.SearchProductsResponse:
        wanted = SearchFilter(
            words=search_words(request.query),
            currency=request.currency_code or self._currency,
            category=_category(request.category_id),
            in_stock=request.in_stock,
        )
        count = page_size(request.page_size)
        page = await self._browse.search_products(wanted, count=count, page_token=request.page_token)
        call.cache_tags = tags_of_list((product.id for product in page.products), in_stock=wanted.in_stock)
        return to_found(page)

    async def ListCategories(
        self, request: catalog_service_pb2.ListCategoriesRequest, call: Call
    ) -> catalog_service_pb2.ListCategoriesResponse:
        call.cache_tags = frozenset((CATALOG,))
        async with self._db.read() as tx:
            nodes = await queries.list_categories(tx, _category(request.parent_id))
        return to_tree(nodes)


def _category(text: str) -> CategoryId | str | None:
    return _id_or_slug(CATEGORY, text) if text else None


def _id_or_slug(kind: IdKind[T], text: str) -> T | str:
    """Read an id; whatever is none is a slug, which may begin like an id."""
    if not text.startswith(f"{kind.prefix}_"):
        return text
    try:
        return kind.read(text, "id")
    except InvalidArgument:
        return text
