"""What carts need in the background."""

import procrastinate

from server.features.cart.service import CartService


def register(app: procrastinate.App, *, carts: CartService) -> None:
    """Register the tasks with the worker's app."""

    @app.periodic(cron="23 * * * *")
    @app.task(name="cart.delete_expired", queueing_lock="cart.delete_expired")
    async def delete_expired(timestamp: int) -> None:
        """Throw away carts that nobody touched for their lifetime."""
        await carts.delete_expired()

    @app.periodic(cron="53 2 * * *")
    @app.task(name="cart.forget_closed", queueing_lock="cart.forget_closed")
    async def forget_closed(timestamp: int) -> None:
        """Throw away what was ordered or merged long ago."""
        await carts.forget_closed()
