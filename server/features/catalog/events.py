"""What the catalog tells, and what others tell of its products."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from server.kernel.event import Event
from server.kernel.ids import CategoryId, ProductId


@dataclass(frozen=True, kw_only=True)
class AvailabilityChanged(Event):
    """More or fewer of some products can be bought. Features above the catalog tell events of this kind."""

    product_ids: tuple[ProductId, ...]
    # Whether products may have come back that nobody could buy.
    restocks: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class CatalogChanged(Event):
    """Other products or categories are shown, or others things are shown of them."""


@dataclass(frozen=True, kw_only=True)
class ProductCreated(CatalogChanged):
    """A product is new."""

    name = "product.created"
    aggregate = "product_id"

    product_id: ProductId


@dataclass(frozen=True, kw_only=True)
class ProductUpdated(CatalogChanged):
    """Something of a product is different: its texts, variants, prices or pictures."""

    name = "product.updated"
    aggregate = "product_id"

    product_id: ProductId


@dataclass(frozen=True, kw_only=True)
class CategoryCreated(CatalogChanged):
    """A category is new."""

    name = "catalog.category_created"
    aggregate = "category_id"

    category_id: CategoryId


@dataclass(frozen=True, kw_only=True)
class CatalogSeeded(CatalogChanged):
    """Many made-up products are new."""

    name = "catalog.seeded"
    aggregate = "batch_id"

    batch_id: UUID
    product_count: int
