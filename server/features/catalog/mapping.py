"""The catalog as protobuf. Messages are filled from plain dictionaries: see `rpc.messages`."""

from collections.abc import Sequence

from kontor.catalog.v1 import catalog_pb2, catalog_service_pb2

from server.features.catalog.values import CategoryNode, ProductDetail, ProductListing, ProductPage, ProductVariant
from server.kernel.ids import CATEGORY, MEDIA, PRODUCT, VARIANT
from server.rpc.messages import Fields, to_money, to_time


def to_product(product: ProductDetail) -> catalog_pb2.Product:
    """Show a product with all that belongs to it."""
    names = [option["name"] for option in product.options]
    fields: Fields = {
        "id": PRODUCT.write(product.id),
        "slug": product.slug,
        "title": product.title,
        "description_html": product.description_html,
        "vendor": product.vendor,
        "product_type": product.product_type,
        "tags": product.tags,
        "status": catalog_pb2.Product.ACTIVE,
        "category_path": product.category_path,
        "options": product.options,
        "variants": [_to_variant(variant, names) for variant in product.variants],
        "media": product.media,
        "seo_title": product.seo_title,
        "seo_description": product.seo_description,
        "etag": str(product.version),
        "create_time": to_time(product.created_time),
        "update_time": to_time(product.updated_time),
    }
    return catalog_pb2.Product(**fields)


def to_list(page: ProductPage) -> catalog_service_pb2.ListProductsResponse:
    """Show a page of a list."""
    return catalog_service_pb2.ListProductsResponse(next_page_token=page.next_page_token, **_to_summaries(page))


def to_found(page: ProductPage) -> catalog_service_pb2.SearchProductsResponse:
    """Show a page of what was found."""
    return catalog_service_pb2.SearchProductsResponse(
        next_page_token=page.next_page_token, corrected=page.corrected, **_to_summaries(page)
    )


def to_tree(nodes: Sequence[CategoryNode]) -> catalog_service_pb2.ListCategoriesResponse:
    """Show the tree."""
    fields: Fields = {"categories": [_to_category(node) for node in nodes]}
    return catalog_service_pb2.ListCategoriesResponse(**fields)


def to_availability(
    available: int | None, backorder_limit: int | None, *, quantity: int = 1, purchasable: bool = True
) -> Fields:
    """Show whether so many of a variant can be bought now; a count only where backorders do not blur it.

    What is available is None where the stock is not counted.
    """
    if available is None:
        return {"in_stock": purchasable}
    if backorder_limit:
        return {"in_stock": purchasable and quantity <= available + backorder_limit, "backorder": True}
    return {"in_stock": purchasable and quantity <= available, "available_count": max(0, available)}


def _to_variant(variant: ProductVariant, names: Sequence[str]) -> Fields:
    return {
        "id": VARIANT.write_stored(variant.id),
        "sku": variant.sku,
        "options": list(map(_to_option, names, variant.option_values)),
        "prices": variant.prices,
        "availability": to_availability(variant.available, variant.backorder_limit),
        "weight_grams": variant.weight_grams,
        "requires_shipping": variant.requires_shipping,
        "barcode": variant.barcode,
    }


def _to_option(name: str, value: str) -> Fields:
    return {"name": name, "value": value}


def _to_summaries(page: ProductPage) -> Fields:
    return {"products": [_to_summary(product, page.currency) for product in page.products]}


def _to_summary(product: ProductListing, currency: str) -> Fields:
    return {
        "id": PRODUCT.write(product.id),
        "slug": product.slug,
        "title": product.title,
        "vendor": product.vendor,
        "thumbnail": _to_thumbnail(product),
        "min_price": _to_money_if_any(currency, product.min_amount_minor),
        "max_price": _to_money_if_any(currency, product.max_amount_minor),
        "compare_at_price": _to_money_if_any(currency, product.compare_at_amount_minor),
        "in_stock": product.in_stock,
    }


def _to_thumbnail(product: ProductListing) -> Fields | None:
    if product.picture_id is None:
        return None
    return {"id": MEDIA.write(product.picture_id), "url": product.picture_url, "alt_text": product.picture_alt_text}


def _to_money_if_any(currency: str, amount_minor: int | None) -> Fields | None:
    return None if amount_minor is None else to_money(currency, amount_minor)


def _to_category(node: CategoryNode) -> Fields:
    return {
        "id": CATEGORY.write(node.id),
        "slug": node.slug,
        "name": node.name,
        "parent_id": None if node.parent_id is None else CATEGORY.write(node.parent_id),
        "depth": node.depth,
    }
