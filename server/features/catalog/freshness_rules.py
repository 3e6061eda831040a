"""What makes a kept answer of the catalog wrong: the tags of answers, and the tags that an event outdates."""

from collections.abc import Hashable, Iterable
from typing import Final
from uuid import UUID

from server.features.catalog.events import (
    AvailabilityChanged,
    CatalogChanged,
    ProductCreated,
    ProductUpdated,
)
from server.kernel.event import Event

# Answers that a new or changed product may enter: lists, finds, the tree.
CATALOG: Final = "catalog"
# Lists of what is in stock, which a product enters when it comes back.
IN_STOCK: Final = "in stock"


def tags_of_list(product_ids: Iterable[UUID], *, in_stock: bool) -> frozenset[Hashable]:
    """Return the tags of an answer that shows some products."""
    tags: set[Hashable] = {CATALOG, *product_ids}
    if in_stock:
        tags.add(IN_STOCK)
    return frozenset(tags)


def outdated_tags(event: Event) -> set[Hashable]:
    """Return what an event outdates; nothing when it does not concern the catalog."""
    tags: set[Hashable] = set()
    if isinstance(event, AvailabilityChanged):
        tags.update(event.product_ids)
        if event.restocks:
            tags.add(IN_STOCK)
    if isinstance(event, CatalogChanged):
        tags.add(CATALOG)
    if isinstance(event, ProductCreated | ProductUpdated):
        tags.add(event.product_id)
    return tags
