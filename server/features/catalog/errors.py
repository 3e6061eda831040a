"""What the catalog does not have."""

from server.kernel.errors import NotFound


class ProductNotFound(NotFound):
    """There is no such product, or it is not shown."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no product {name}")


class CategoryNotFound(NotFound):
    """There is no such category."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no category {name}")
