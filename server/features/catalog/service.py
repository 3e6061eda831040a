"""Lists and searches of products: from what a caller asks to a page."""

from server.db.session import Database
from server.features.catalog import list_queries, search_queries
from server.features.catalog.rules import make_page, make_search_page, read_place, read_search_place
from server.features.catalog.values import ProductFilter, ProductListing, ProductPage, SearchFilter


class BrowseService:
    """Pages of products."""

    def __init__(self, *, db: Database) -> None:
        self._db = db

    async def list_products(self, wanted: ProductFilter, *, count: int, page_token: str) -> ProductPage:
        """Return a page of the products that are shown. Raises CategoryNotFound, InvalidArgument."""
        digest = wanted.digest
        after = read_place(page_token, digest, wanted.order.key_type)
        async with self._db.read() as tx:
            rows = await list_queries.list_products(tx, wanted, count=count + 1, after=after)
        return make_page(rows, count=count, currency=wanted.currency, digest=digest)

    async def search_products(self, wanted: SearchFilter, *, count: int, page_token: str) -> ProductPage:
        """Return a page of what was found, the best match first; when nothing is, of what is similar.

        Raises CategoryNotFound, InvalidArgument.
        """
        digest = wanted.digest
        similar, after = read_search_place(page_token, digest)
        rows: list[ProductListing] = []
        if wanted.words and not similar:
            async with self._db.read() as tx:
                rows = await search_queries.list_matching(tx, wanted, count=count + 1, after=after)
        if similar or not (rows or after):
            similar = True
            async with self._db.snapshot() as tx:
                rows = await search_queries.list_similar(tx, wanted, count=count + 1, after=after)
        return make_search_page(rows, count=count, currency=wanted.currency, digest=digest, similar=similar)
