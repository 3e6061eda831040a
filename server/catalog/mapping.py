"""The catalog as protobuf."""

from typing import Any
from uuid import UUID

from kontor.catalog.v1 import catalog_pb2, catalog_service_pb2
from kontor.type.v1 import money_pb2

from server.catalog.values import CategoryNode, ProductDetail, ProductListing, ProductPage
from server.kernel.ids import Prefix, format_id
from server.rpc.messages import to_timestamp

Money = money_pb2.Money


def to_product(product: ProductDetail) -> catalog_pb2.Product:
    """Show a product with all that belongs to it."""
    names = [option["name"] for option in product.options]
    return catalog_pb2.Product(
        id=format_id(Prefix.PRODUCT, product.id),
        slug=product.slug,
        title=product.title,
        description_html=product.description_html,
        vendor=product.vendor,
        product_type=product.product_type,
        tags=product.tags,
        status=catalog_pb2.Product.ACTIVE,
        category_path=[
            catalog_pb2.CategorySummary(id=format_id(Prefix.CATEGORY, UUID(id)), slug=slug, name=name)
            for id, slug, name in product.category_path or ()
        ],
        options=[catalog_pb2.ProductOption(name=option["name"], values=option["values"]) for option in product.options],
        variants=[_to_variant(names, *values) for values in product.variants or ()],
        media=[_to_media(UUID(id), url, alt_text) for id, url, alt_text in product.media or ()],
        seo_title=product.seo_title,
        seo_description=product.seo_description,
        etag=str(product.version),
        create_time=to_timestamp(product.created_time),
        update_time=to_timestamp(product.updated_time),
    )


def to_list(page: ProductPage) -> catalog_service_pb2.ListProductsResponse:
    """Show a page of a list."""
    return catalog_service_pb2.ListProductsResponse(
        products=[_to_summary(product, page.currency) for product in page.products],
        next_page_token=page.next_page_token,
    )


def to_found(page: ProductPage) -> catalog_service_pb2.SearchProductsResponse:
    """Show a page of what was found."""
    return catalog_service_pb2.SearchProductsResponse(
        products=[_to_summary(product, page.currency) for product in page.products],
        next_page_token=page.next_page_token,
        corrected=page.corrected,
    )


def to_tree(nodes: list[CategoryNode]) -> catalog_service_pb2.ListCategoriesResponse:
    """Show the tree."""
    return catalog_service_pb2.ListCategoriesResponse(
        categories=[
            catalog_pb2.Category(
                id=format_id(Prefix.CATEGORY, node.id),
                slug=node.slug,
                name=node.name,
                parent_id="" if node.parent_id is None else format_id(Prefix.CATEGORY, node.parent_id),
                depth=node.depth,
            )
            for node in nodes
        ]
    )


def to_availability(available: int | None, backorder_limit: int | None) -> catalog_pb2.Availability:
    """Show what is left; a count only where there are counters and backorders do not blur it."""
    if available is None:
        return catalog_pb2.Availability(in_stock=True)
    if backorder_limit:
        return catalog_pb2.Availability(in_stock=available + backorder_limit > 0, backorder=True)
    return catalog_pb2.Availability(in_stock=available > 0, available_count=max(0, available))


def _to_variant(
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
) -> catalog_pb2.Variant:
    return catalog_pb2.Variant(
        id=format_id(Prefix.VARIANT, UUID(id)),
        sku=sku,
        options=[
            catalog_pb2.OptionValue(name=name, value=value) for name, value in zip(names, option_values, strict=False)
        ],
        prices=[_to_price(*price) for price in prices or ()],
        availability=to_availability(available, backorder_limit),
        weight_grams=weight_grams,
        requires_shipping=requires_shipping,
        barcode=barcode,
    )


def _to_price(currency: str, amount_minor: int, compare_at_minor: int | None) -> catalog_pb2.Price:
    return catalog_pb2.Price(
        amount=Money(currency_code=currency, amount_minor=amount_minor),
        compare_at_amount=_money(currency, compare_at_minor),
    )


def _to_summary(product: ProductListing, currency: str) -> catalog_pb2.ProductSummary:
    fields: dict[str, Any] = {}
    if product.picture_id is not None:
        fields["thumbnail"] = _to_media(product.picture_id, product.picture_url, product.picture_alt_text)
    if product.min_amount_minor is not None:
        fields["min_price"] = Money(currency_code=currency, amount_minor=product.min_amount_minor)
        fields["max_price"] = Money(currency_code=currency, amount_minor=product.max_amount_minor)
        if product.compare_at_amount_minor is not None:
            fields["compare_at_price"] = Money(currency_code=currency, amount_minor=product.compare_at_amount_minor)
    return catalog_pb2.ProductSummary(
        id=format_id(Prefix.PRODUCT, product.id),
        slug=product.slug,
        title=product.title,
        vendor=product.vendor,
        in_stock=product.in_stock,
        **fields,
    )


def _to_media(id: UUID, url: str, alt_text: str) -> catalog_pb2.Media:
    return catalog_pb2.Media(id=format_id(Prefix.MEDIA, id), url=url, alt_text=alt_text)


def _money(currency: str, amount_minor: int | None) -> money_pb2.Money | None:
    return None if amount_minor is None else Money(currency_code=currency, amount_minor=amount_minor)
