"""What makes a kept answer of the catalog wrong: the tags of answers, and the tags that an event outdates."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

# Answers that a new or changed product may enter: lists, finds, the tree.
CATALOG: Final = "catalog"
# Lists of what is in stock, which a product enters when it comes back.
IN_STOCK: Final = "in stock"

_RESTOCKING: Final = frozenset({"order.expired", "stock.adjusted"})


def tags_of_list(product_ids: Iterable[UUID], *, in_stock: bool) -> frozenset[Hashable]:
    """Return the tags of an answer that shows some products."""
    tags: set[Hashable] = {CATALOG, *product_ids}
    if in_stock:
        tags.add(IN_STOCK)
    return frozenset(tags)


def outdated_tags(event_type: str, aggregate_id: UUID, data: Mapping[str, Any]) -> set[Hashable]:
    """Return what an event outdates; nothing when it does not concern the catalog.

    Events about stock carry `product_ids`, as texts.
    """
    tags: set[Hashable] = {UUID(product_id) for product_id in data.get("product_ids", ())}
    if event_type.startswith("product."):
        tags |= {CATALOG, aggregate_id}
    elif event_type.startswith("catalog."):
        tags.add(CATALOG)
    if event_type in _RESTOCKING:
        tags.add(IN_STOCK)
    return tags
