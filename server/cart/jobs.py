"""What carts need in the background."""

import procrastinate

from server.cart.service import CartService


def register(app: procrastinate.App, *, carts: CartService) -> None:
    """Register the tasks with the worker's app."""

    @app.periodic(cron="23 * * * *")
    @app.task(name="cart.delete_expired", queueing_lock="cart.delete_expired")
    async def delete_expired(timestamp: int) -> None:
        """Throw away carts that nobody touched for their lifetime."""
        await carts.delete_expired()
