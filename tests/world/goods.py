"""The goods of a shop. They are written by real statements into the real tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from server.db.session import Database, WriteTx
from server.features.catalog.tables import Categories, ProductMedia, ProductPrices, Products, VariantPrices, Variants
from server.features.catalog.values import FirstCount
from server.features.inventory import service as inventory
from server.kernel.ids import CATEGORY, PRODUCT, VARIANT, CategoryId, ProductId, VariantId, new_id
from tests.world.looking import execute, insert_row

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Category:
    """A category that was made."""

    id: CategoryId
    slug: str
    path: str

    @property
    def name(self) -> str:
        """Its id for the outside."""
        return CATEGORY.write(self.id)


@dataclass(frozen=True)
class Variant:
    """A variant on the shelves."""

    id: VariantId
    sku: str

    @property
    def name(self) -> str:
        """Its id for the outside."""
        return VARIANT.write(self.id)

    @property
    def variant(self) -> "Variant":
        """Itself: what takes goods takes a product or one of its variants."""
        return self


@dataclass(frozen=True)
class Product:
    """A product on the shelves."""

    id: ProductId
    slug: str
    title: str
    variants: tuple[Variant, ...]

    @property
    def name(self) -> str:
        """Its id for the outside."""
        return PRODUCT.write(self.id)

    @property
    def variant(self) -> Variant:
        """Its first variant."""
        return self.variants[0]


@dataclass(frozen=True)
class VariantPlan:
    """A variant to be put on the shelves. `stock` is None for one that is not counted."""

    prices: Mapping[str, int] = field(default_factory=lambda: {"EUR": 2000})
    stock: int | None = 10
    backorder_limit: int = 0
    option_values: Sequence[str] = ()
    sku: str | None = None
    compare_at: Mapping[str, int] = field(default_factory=dict)
    active: bool = True
    requires_shipping: bool = True
    tax_class: str = "standard"
    weight_grams: int = 200


async def shelve(
    db: Database,
    title: str = "Linen Shirt",
    *,
    variants: Sequence[VariantPlan] | None = None,
    slug: str | None = None,
    category: Category | None = None,
    options: Mapping[str, Sequence[str]] | None = None,
    tags: Sequence[str] = (),
    vendor: str = "Weaver & Daughters",
    description: str = "Cool in summer.",
    status: str = "ACTIVE",
    pictures: Sequence[str] = (),
    created_time: datetime = LONG_AGO,
    price: int = 2000,
    **variant: Any,
) -> Product:
    """Put a product on the shelves, with its variants, prices, pictures and stock.

    `shelve(db, "Lamp", price=850, stock=5)` is short for one variant that is planned so. The slug of the first "Lamp"
    is `lamp`, and so is the SKU of its first variant.
    """
    plans = [VariantPlan(**{"prices": {"EUR": price}, **variant})] if variants is None else variants
    product_id = ProductId(new_id())
    async with db.write() as tx:
        slug = slug or await _free_slug(tx, title, product_id)
        skus = [plan.sku or (f"{slug}-{place}" if place else slug) for place, plan in enumerate(plans)]
        made = tuple([Variant(VariantId(new_id()), sku) for sku in skus])
        await insert_row(
            tx,
            Products,
            id=product_id,
            slug=slug,
            title=title,
            description_html=f"<p>{description}</p>",
            description_text=description,
            vendor=vendor,
            product_type="",
            tags=list(tags),
            tags_text=" ".join(tags),
            status=status,
            category_id=category.id if category else None,
            options=[{"name": name, "values": list(values)} for name, values in (options or {}).items()],
            created_time=created_time,
            updated_time=created_time,
        )
        for position, url in enumerate(pictures, 1):
            await insert_row(
                tx, ProductMedia, id=new_id(), product_id=product_id, position=position, url=url, alt_text=title
            )
        await _write_variants(tx, product_id, made, plans, time=created_time)
    return Product(product_id, slug, title, made)


async def _free_slug(tx: WriteTx, title: str, product_id: ProductId) -> str:
    slug = title.lower().replace(" ", "-")
    taken = await (await execute(tx, "SELECT FROM products WHERE slug = %s", slug)).fetchall()
    return f"{slug}-{product_id.hex[-6:]}" if taken else slug


async def _write_variants(
    tx: WriteTx, product_id: ProductId, made: Sequence[Variant], plans: Sequence[VariantPlan], *, time: datetime
) -> None:
    for position, (variant, plan) in enumerate(zip(made, plans, strict=True), 1):
        await insert_row(
            tx,
            Variants,
            id=variant.id,
            product_id=product_id,
            position=position,
            sku=variant.sku,
            option_values=list(plan.option_values),
            barcode="",
            weight_grams=plan.weight_grams,
            requires_shipping=plan.requires_shipping,
            tax_class=plan.tax_class,
            active=plan.active,
            created_time=time,
            updated_time=time,
        )
        for currency, amount in plan.prices.items():
            await insert_row(
                tx,
                VariantPrices,
                variant_id=variant.id,
                currency=currency,
                amount_minor=amount,
                compare_at_amount_minor=plan.compare_at.get(currency),
            )
    await _sum_up_prices(tx, product_id, plans)
    counts = [
        FirstCount(variant.id, plan.stock, plan.backorder_limit)
        for variant, plan in zip(made, plans, strict=True)
        if plan.stock is not None
    ]
    if counts:
        await inventory.create_stock(tx, counts, now=time)


async def _sum_up_prices(tx: WriteTx, product_id: ProductId, plans: Sequence[VariantPlan]) -> None:
    for currency in sorted({currency for plan in plans for currency in plan.prices}):
        priced = [plan for plan in plans if currency in plan.prices]
        cheapest = min(priced, key=lambda plan: plan.prices[currency])
        await insert_row(
            tx,
            ProductPrices,
            product_id=product_id,
            currency=currency,
            min_amount_minor=cheapest.prices[currency],
            max_amount_minor=max(plan.prices[currency] for plan in priced),
            compare_at_amount_minor=cheapest.compare_at.get(currency),
        )


async def make_category(db: Database, name: str, parent: Category | None = None, *, position: int = 0) -> Category:
    """Make a category; its slug is its name in lower case."""
    slug = name.lower().replace(" ", "-")
    made = Category(CategoryId(new_id()), slug, f"{parent.path if parent else ''}{slug}/")
    async with db.write() as tx:
        await insert_row(
            tx,
            Categories,
            id=made.id,
            parent_id=parent.id if parent else None,
            slug=slug,
            name=name,
            path=made.path,
            position=position,
            created_time=LONG_AGO,
        )
    return made
