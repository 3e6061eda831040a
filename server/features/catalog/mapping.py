"""The catalog as protobuf. Messages are filled from plain dictionaries: see `rpc.messages`."""

from kontor.catalog.v1 import catalog_pb2, catalog_service_pb2

from server.features.catalog.values import CategoryNode, ProductDetail, ProductListing, ProductPage
from server.kernel.ids import Prefix, format_id, format_written_id
from server.rpc.messages import Fields, to_time


def to_product(product: ProductDetail) -> catalog_pb2.Product:
    """Show a product with all that belongs to it."""
    names = [option["name"] for option in product.options]
    fields: Fields = {
        "id": format_id(Prefix.PRODUCT, product.id),
        "slug": product.slug,
        "title": product.title,
        "description_html": product.description_html,
        "vendor": product.vendor,
        "product_type": product.product_type,
        "tags": product.tags,
        "status": catalog_pb2.Product.ACTIVE,
        "category_path": [
            {"id": format_written_id(Prefix.CATEGORY, id), "slug": slug, "name": name}
            for id, slug, name in product.category_path or ()
        ],
        # Each has a name and values, as the message has.
        "options": product.options,
        "variants": [_variant(names, *values) for values in product.variants or ()],
        "media": [
            _media(format_written_id(Prefix.MEDIA, id), url, alt_text) for id, url, alt_text in product.media or ()
        ],
        "seo_title": product.seo_title,
        "seo_description": product.seo_description,
        "etag": str(product.version),
        "create_time": to_time(product.created_time),
        "update_time": to_time(product.updated_time),
    }
    return catalog_pb2.Product(**fields)


def to_list(page: ProductPage) -> catalog_service_pb2.ListProductsResponse:
    """Show a page of a list."""
    return catalog_service_pb2.ListProductsResponse(next_page_token=page.next_page_token, **_summaries(page))


def to_found(page: ProductPage) -> catalog_service_pb2.SearchProductsResponse:
    """Show a page of what was found."""
    return catalog_service_pb2.SearchProductsResponse(
        next_page_token=page.next_page_token, corrected=page.corrected, **_summaries(page)
    )


def to_tree(nodes: list[CategoryNode]) -> catalog_service_pb2.ListCategoriesResponse:
    """Show the tree."""
    fields: Fields = {
        "categories": [
            {
                "id": format_id(Prefix.CATEGORY, id),
                "slug": slug,
                "name": name,
                "parent_id": None if parent_id is None else format_id(Prefix.CATEGORY, parent_id),
                "depth": depth,
            }
            for id, slug, name, parent_id, depth in nodes
        ]
    }
    return catalog_service_pb2.ListCategoriesResponse(**fields)


def _availability(available: int | None, backorder_limit: int | None) -> Fields:
    if available is None:
        return {"in_stock": True}
    if backorder_limit:
        return {"in_stock": available + backorder_limit > 0, "backorder": True}
    return {"in_stock": available > 0, "available_count": max(0, available)}


def _variant(
    names: list[str],
    id: str,
    sku: str,
    option_values: list[str],
    weight_grams: int,
    requires_shipping: bool,
    barcode: str,
    available: int | None,
    backorder_limit: int | None,
    prices: list[tuple[str, int, int | None]] | None,
) -> Fields:
    return {
        "id": format_written_id(Prefix.VARIANT, id),
        "sku": sku,
        "options": [{"name": name, "value": value} for name, value in zip(names, option_values, strict=False)],
        "prices": [_price(*price) for price in prices or ()],
        "availability": _availability(available, backorder_limit),
        "weight_grams": weight_grams,
        "requires_shipping": requires_shipping,
        "barcode": barcode,
    }


def _price(currency: str, amount_minor: int, compare_at_minor: int | None) -> Fields:
    return {"amount": _money(currency, amount_minor), "compare_at_amount": _money(currency, compare_at_minor)}


def _summaries(page: ProductPage) -> Fields:
    return {"products": [_summary(product, page.currency) for product in page.products]}


def _summary(product: ProductListing, currency: str) -> Fields:
    id, slug, title, vendor, picture_id, url, alt_text, lowest, highest, compare_at, in_stock, _ = product
    return {
        "id": format_id(Prefix.PRODUCT, id),
        "slug": slug,
        "title": title,
        "vendor": vendor,
        "thumbnail": None if picture_id is None else _media(format_id(Prefix.MEDIA, picture_id), url, alt_text),
        "min_price": _money(currency, lowest),
        "max_price": _money(currency, highest),
        "compare_at_price": _money(currency, compare_at),
        "in_stock": in_stock,
    }


def _money(currency: str, amount_minor: int | None) -> Fields | None:
    return None if amount_minor is None else {"currency_code": currency, "amount_minor": amount_minor}


def _media(id: str, url: str | None, alt_text: str | None) -> Fields:
    return {"id": id, "url": url, "alt_text": alt_text}
