"""What the catalog does not have."""

from server.kernel.errors import NotFound
from server.kernel.ids import CATEGORY, PRODUCT, CategoryId, ProductId


class ProductNotFound(NotFound):
    """There is no such product, or it is not shown."""

    def __init__(self, product: ProductId | str) -> None:
        """Take its id or its slug."""
        name = product if isinstance(product, str) else PRODUCT.write(product)
        super().__init__(f"There is no product {name}")


class CategoryNotFound(NotFound):
    """There is no such category."""

    def __init__(self, category: CategoryId | str) -> None:
        """Take its id or its slug."""
        name = category if isinstance(category, str) else CATEGORY.write(category)
        super().__init__(f"There is no category {name}")
