"""Makes what tests need to find in the shop. Everything is written by real statements into the real tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from psycopg import AsyncCursor
from sqlalchemy import bindparam, insert

from server.app import App
from server.db.base import Base
from server.db.session import Database, ReadTx, WriteTx
from server.db.statement import Command
from server.features.catalog.tables import Categories, ProductMedia, ProductPrices, Products, VariantPrices, Variants
from server.features.catalog.values import FirstCount
from server.features.inventory import service as inventory
from server.features.pricing.tables import ShippingMethods, ShippingPrices, TaxRates
from server.features.users.tables import Users
from server.kernel.actor import Role
from server.kernel.ids import (
    CartId,
    CategoryId,
    Prefix,
    ProductId,
    SessionId,
    ShippingMethodId,
    UserId,
    VariantId,
    format_id,
    new_id,
)

Headers = tuple[tuple[str, str], ...]

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)

ADDRESS: Mapping[str, Any] = {
    "recipient": "Ada Byron",
    "address_lines": ["Hauptstraße 1"],
    "postal_code": "10115",
    "locality": "Berlin",
    "region_code": "DE",
}


@dataclass(frozen=True)
class MadeCategory:
    """A category that was made."""

    id: CategoryId
    slug: str
    path: str

    @property
    def name(self) -> str:
        """Its id for the outside."""
        return format_id(Prefix.CATEGORY, self.id)


@dataclass(frozen=True)
class MadeVariant:
    """A variant that was made."""

    id: VariantId
    sku: str

    @property
    def name(self) -> str:
        """Its id for the outside."""
        return format_id(Prefix.VARIANT, self.id)


@dataclass(frozen=True)
class MadeProduct:
    """A product that was made."""

    id: ProductId
    slug: str
    title: str
    variants: tuple[MadeVariant, ...]

    @property
    def name(self) -> str:
        """Its id for the outside."""
        return format_id(Prefix.PRODUCT, self.id)

    @property
    def variant(self) -> MadeVariant:
        """Its first variant."""
        return self.variants[0]


@dataclass(frozen=True)
class MadeUser:
    """An account that was made, and the headers that sign its calls."""

    id: UserId
    email: str
    headers: Headers


@dataclass(frozen=True)
class VariantPlan:
    """A variant to be made. `stock` is None for one that is not counted."""

    prices: Mapping[str, int] = field(default_factory=lambda: {"EUR": 1999})
    stock: int | None = 10
    backorder_limit: int = 0
    option_values: Sequence[str] = ()
    sku: str | None = None
    compare_at: Mapping[str, int] = field(default_factory=dict)
    active: bool = True
    requires_shipping: bool = True
    tax_class: str = "standard"
    weight_grams: int = 200


@cache
def _insert(table: type[Base], names: tuple[str, ...]) -> Command[None]:
    return Command(insert(table).values({name: bindparam(name) for name in names}))


async def insert_row(tx: WriteTx, table: type[Base], **values: Any) -> None:
    """Write one row."""
    await _insert(table, tuple(values)).run(tx, **values)


async def make_category(
    db: Database, name: str, parent: MadeCategory | None = None, *, position: int = 0
) -> MadeCategory:
    """Make a category; its slug is its name in lower case."""
    slug = name.lower().replace(" ", "-")
    made = MadeCategory(CategoryId(new_id()), slug, f"{parent.path if parent else ''}{slug}/")
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


async def make_product(
    db: Database,
    title: str = "Linen Shirt",
    *,
    variants: Sequence[VariantPlan] = (VariantPlan(),),
    slug: str | None = None,
    category: MadeCategory | None = None,
    options: Mapping[str, Sequence[str]] | None = None,
    tags: Sequence[str] = (),
    vendor: str = "Weaver & Daughters",
    description: str = "Cool in summer.",
    status: str = "ACTIVE",
    pictures: Sequence[str] = (),
    created_time: datetime = LONG_AGO,
) -> MadeProduct:
    """Make a product with its variants, prices, pictures and stock."""
    product_id = ProductId(new_id())
    made = tuple([MadeVariant(VariantId(new_id()), plan.sku or f"SKU-{new_id().hex[-10:]}") for plan in variants])
    slug = slug or f"{title.lower().replace(' ', '-')}-{product_id.hex[-6:]}"
    async with db.write() as tx:
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
        for position, (variant, plan) in enumerate(zip(made, variants, strict=True), 1):
            await _make_variant(tx, product_id, variant, plan, position=position, time=created_time)
        await _sum_up_prices(tx, product_id, variants)
        counts = [
            FirstCount(variant.id, plan.stock, plan.backorder_limit)
            for variant, plan in zip(made, variants, strict=True)
            if plan.stock is not None
        ]
        if counts:
            await inventory.create_stock(tx, counts, now=created_time)
    return MadeProduct(product_id, slug, title, made)


async def _make_variant(
    tx: WriteTx, product_id: ProductId, variant: MadeVariant, plan: VariantPlan, *, position: int, time: datetime
) -> None:
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


async def make_shipping_method(
    db: Database,
    code: str = "standard",
    *,
    prices: Mapping[str, int] | None = None,
    free_from: int | None = None,
    countries: Sequence[str] = (),
    position: int = 0,
    active: bool = True,
) -> ShippingMethodId:
    """Make a way of shipping; without countries it goes everywhere."""
    method_id = ShippingMethodId(new_id())
    async with db.write() as tx:
        await insert_row(
            tx,
            ShippingMethods,
            id=method_id,
            code=code,
            name=code.title(),
            description=f"Sent {code}",
            countries=list(countries),
            position=position,
            active=active,
        )
        for currency, amount in ({"EUR": 490} if prices is None else prices).items():
            await insert_row(
                tx,
                ShippingPrices,
                shipping_method_id=method_id,
                currency=currency,
                amount_minor=amount,
                free_from_amount_minor=free_from,
            )
    return method_id


async def make_tax_rate(
    db: Database,
    country: str = "DE",
    rate_ppm: int = 190_000,
    *,
    name: str = "VAT 19%",
    region: str = "",
    included: bool = True,
    tax_class: str = "standard",
) -> None:
    """Make a tax rate, which shipping carries too."""
    async with db.write() as tx:
        await insert_row(
            tx,
            TaxRates,
            id=new_id(),
            country=country,
            region=region,
            tax_class=tax_class,
            name=name,
            rate_ppm=rate_ppm,
            included=included,
            applies_to_shipping=True,
        )


async def make_user(app: App, email: str = "ada@shop.example", *, role: Role = Role.CUSTOMER) -> MadeUser:
    """Make a verified account without a password that anybody knows, and sign it in."""
    user_id = UserId(new_id())
    now = app.core.clock.now()
    async with app.core.db.write() as tx:
        await insert_row(
            tx,
            Users,
            id=user_id,
            email=email,
            password_hash="none",
            display_name="Ada Byron",
            role=role.value,
            email_verified_time=now,
            created_time=now,
            updated_time=now,
        )
    token = app.core.access_tokens.issue(user_id, role, SessionId(new_id()), timedelta(minutes=15))
    return MadeUser(user_id, email, (("authorization", f"Bearer {token}"),))


def guest_headers(app: App, cart_id: CartId | UUID) -> Headers:
    """Return the headers of the guest whose cart it is."""
    return (("x-cart-token", app.core.cart_tokens.issue(CartId(cart_id))),)


async def execute(tx: ReadTx, sql: str, params: Any = None) -> AsyncCursor[Any]:
    """Run SQL that is none of the shop's own in a transaction."""
    return await (await tx.psycopg()).execute(sql.encode(), params)


async def rows(db: Database, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """Look into the database."""
    async with db.read() as tx:
        return await (await execute(tx, sql, params)).fetchall()
