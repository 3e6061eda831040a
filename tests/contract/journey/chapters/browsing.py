"""Looking around: lists, pages, filters, products, search, the tree."""

from typing import Any

from tests.contract.journey.walk import Person, Walk

ORDERS = ("ORDER_BY_UNSPECIFIED", "NEWEST", "PRICE_ASC", "PRICE_DESC", "TITLE")
# It names nothing.
NO_CATEGORY = "cat_01h455vb4pex5vsknk084sn02q"
NO_PRODUCT = "prod_01h455vb4pex5vsknk084sn02q"


async def browsing(walk: Walk) -> None:
    """Everything that can be read without being anybody."""
    await walk.look_around()
    anybody = walk.person("anybody")
    await _tree(walk, anybody)
    await _products(walk, anybody)
    await _lists(walk, anybody)
    await _refused_lists(walk, anybody)
    await _searches(walk, anybody)


async def _tree(walk: Walk, anybody: Person) -> None:
    walk.scene("the tree of categories")
    tree = await anybody.does("ListCategories")
    clothing = next(category for category in tree.categories if category.slug == "clothing")
    await anybody.does("ListCategories", parent_id="clothing")
    await anybody.does("ListCategories", parent_id=clothing.id)
    await anybody.does("ListCategories", parent_id="kitchen")
    await anybody.tries("ListCategories", parent_id="garden")
    await anybody.tries("ListCategories", parent_id=NO_CATEGORY)
    await anybody.tries("ListCategories", parent_id="x" * 201)


async def _products(walk: Walk, anybody: Person) -> None:
    walk.scene("products, by slug and by id")
    shirt = await anybody.does("GetProduct", product_id="linen-shirt")
    await anybody.does("GetProduct", product_id=shirt.id)
    for slug in ("iron-kettle", "shirt-pattern", "harbour-stamp", "sewing-course"):
        await anybody.does("GetProduct", product_id=slug)
    await walk.change("linen-shirt", Vendor="Weaver & Sons")
    await anybody.does("GetProduct", product_id="linen-shirt")
    await walk.change("secret-scarf", Status="draft")
    await walk.change("old-hat", Status="archived")
    for name in ("secret-scarf", "old-hat", "nothing", NO_PRODUCT, "prod_x", ""):
        await anybody.tries("GetProduct", product_id=name)


async def _lists(walk: Walk, anybody: Person) -> None:
    for order in ORDERS:
        walk.scene(f"all products in two pages: {order}")
        await _all_pages(anybody, "ListProducts", order_by=order, page_size=7)
    walk.scene("lists with filters")
    await anybody.does("ListProducts", page_size=3, currency_code="USD", order_by="PRICE_ASC")
    # Nothing is sold in it: prices stay away, and an order by price finds nothing.
    await anybody.does("ListProducts", page_size=2, currency_code="JPY")
    await anybody.does("ListProducts", page_size=2, currency_code="JPY", order_by="PRICE_DESC")
    await anybody.does("ListProducts", min_price_minor=2000, max_price_minor=3000, order_by="PRICE_ASC")
    await anybody.does("ListProducts", max_price_minor=0)
    await anybody.does("ListProducts", in_stock=True, category_id="clothing", order_by="TITLE")
    await anybody.does("ListProducts", tags=["summer"], order_by="TITLE")
    await anybody.does("ListProducts", tags=["summer", "linen"])
    await anybody.does("ListProducts", tags=["nothing"])
    await anybody.does("ListProducts", vendor="North Loom")
    await anybody.does("ListProducts", category_id="patterns")
    category = (await anybody.quietly("ListCategories")).categories[0]
    await anybody.does("ListProducts", category_id=category.id, page_size=1)


async def _all_pages(anybody: Person, method: str, **filters: Any) -> None:
    page = await anybody.does(method, **filters)
    while page.next_page_token:
        page = await anybody.does(method, **filters, page_token=page.next_page_token)


async def _refused_lists(walk: Walk, anybody: Person) -> None:
    walk.scene("lists that are refused")
    page = await anybody.quietly("ListProducts", page_size=1)
    await anybody.tries("ListProducts", page_token=page.next_page_token, order_by="TITLE")
    await anybody.tries("ListProducts", page_token="bm90IGEgdG9rZW4")
    await anybody.tries("ListProducts", category_id="garden")
    await anybody.tries("ListProducts", category_id=NO_CATEGORY)
    await anybody.tries("ListProducts", page_size=-1, currency_code="euro", min_price_minor=-1, tags=[""], order_by=99)
    await anybody.with_headers("somebody with a forged token", authorization="Bearer x").tries("ListProducts")
    await anybody.with_headers("somebody with a forged cart", x_cart_token="x").tries("ListProducts")


async def _searches(walk: Walk, anybody: Person) -> None:
    walk.scene("searches")
    await anybody.does("SearchProducts", query="shirt")
    await anybody.does("SearchProducts", query="harb")
    await anybody.does("SearchProducts", query="summer shirt")
    await anybody.does("SearchProducts", query="shrit")
    await anybody.does("SearchProducts", query="xylophone")
    await anybody.does("SearchProducts", query="...")
    await anybody.does("SearchProducts", query="wool", currency_code="USD", in_stock=True, category_id="clothing")
    await _all_pages(anybody, "SearchProducts", query="pattern", page_size=1)
    await _all_pages(anybody, "SearchProducts", query="harbuor", page_size=1)
    page = await anybody.quietly("SearchProducts", query="pattern", page_size=1)
    await anybody.tries("SearchProducts", query="shirt", page_token=page.next_page_token)
    await anybody.tries("SearchProducts", query="shirt", page_token="bm90IGEgdG9rZW4")
    await anybody.tries("SearchProducts", query="shirt", category_id="garden")
    await anybody.tries("SearchProducts", query="", currency_code="euro", page_size=-1)
