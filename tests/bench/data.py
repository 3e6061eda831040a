"""The data of the shop under test: products that stay, and users, carts and orders that are made for one round.

Everything is written in bulk, with SQL of our own: through the shop it would take longer than the measurement.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import psycopg

from server.features.users.passwords.service import PasswordHasher
from server.kernel.actor import Role
from server.kernel.ids import PRODUCT, VARIANT, CartId, ProductId, SessionId, UserId
from tests.bench.data_sql import OPEN_WORK, QUERIES, TOTALS
from tests.bench.known_ids import Kind, id_sql, made_id
from tests.bench.past_orders import PAST_ORDERS
from tests.bench.shop import Shop

PASSWORD = "correct horse battery staple"
_TOKEN_LIFE = timedelta(hours=6)
ADDRESS = {
    "recipient": "Ada Byron",
    "address_lines": ["Hauptstraße 1"],
    "postal_code": "10115",
    "locality": "Berlin",
    "region_code": "DE",
}
_USED_TABLES = (
    *("cart_items", "carts", "payment_transactions", "payments", "fulfillment_lines", "fulfillments", "invoices"),
    *("order_timeline", "order_lines", "orders", "reservations", "events", "idempotency_keys"),
    *("refresh_tokens", "sessions", "email_tokens", "login_throttles"),
)


@dataclass(frozen=True, slots=True)
class Goods:
    """What is bought: one variant each of different products, always in stock."""

    product_id: str
    variant_id: str
    variant_uuid: str


@dataclass(frozen=True, slots=True)
class GuestCart:
    """A guest's cart that is ready to be ordered."""

    token: str
    total_minor: int


class Data:
    """Writes and reads the shop's database."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._connection = psycopg.connect(shop.database_url, autocommit=True)
        self._batch = self._value("SELECT coalesce(max(batch), 0) FROM bench.batches")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def clean(self) -> None:
        """Throw away what earlier rounds left: users, carts, orders."""
        self._connection.execute(f"TRUNCATE {', '.join(_USED_TABLES)}".encode())
        self._connection.execute("DELETE FROM procrastinate_jobs WHERE status NOT IN ('todo', 'doing')")
        self._connection.execute("DELETE FROM stock_movements WHERE kind <> 'INITIAL'")
        self._connection.execute("UPDATE stock_items SET reserved = 0 WHERE reserved > 0")
        self._connection.execute("DELETE FROM users WHERE email LIKE '%@bench.example'")

    def settle(self) -> None:
        """Let the database tidy up, so that it does not do so while something is measured."""
        tables = ", ".join((*_USED_TABLES, "users", "stock_items", "stock_movements"))
        self._connection.execute(f"VACUUM ANALYZE {tables}".encode())
        with psycopg.connect(self._shop.superuser_url, autocommit=True) as superuser:
            superuser.execute("CHECKPOINT")

    def product_ids(self, count: int | None = None) -> list[str]:
        """Return the ids of the products that are shown, or of some of them, the same ones each time."""
        return [PRODUCT.write(ProductId(uuid)) for uuid in self.product_uuids(count)]

    def product_uuids(self, count: int | None = None) -> list[UUID]:
        """Return the same as the database knows them."""
        sql = "SELECT id FROM products WHERE status = 'ACTIVE' ORDER BY md5(id::text) LIMIT %s"
        return [row[0] for row in self._connection.execute(sql, (count,))]

    def queries(self) -> list[str]:
        """Return what people search for: words of titles, one and two, that find at least a page."""
        return [str(row[0]) for row in self._connection.execute(QUERIES)]

    def goods(self, count: int) -> list[Goods]:
        """Return what can be bought."""
        sql = "SELECT product_id, variant_id FROM bench.goods ORDER BY number LIMIT %s"
        return [
            Goods(PRODUCT.write(product), VARIANT.write(variant), str(variant))
            for product, variant in self._connection.execute(sql, (count,))
        ]

    def make_users(self, count: int) -> int:
        """Make accounts that all have the same password; return their batch."""
        batch = self._next_batch()
        password_hash = asyncio.run(PasswordHasher(threads=1).hash(PASSWORD))
        self._connection.execute(
            "INSERT INTO users"
            " (id, email, password_hash, display_name, email_verified_time, created_time, updated_time)"
            f" SELECT ({id_sql(Kind.USER, batch, 'n')})::uuid, 'buyer' || n || '-{batch}@bench.example', %s,"
            " 'Buyer ' || n, now(), now(), now() FROM generate_series(1, %s) AS n",
            (password_hash, count),
        )
        return batch

    def make_user_carts(self, batch: int, count: int, *, lines: int) -> None:
        """Give each user of a batch a cart."""
        self._make_carts(batch, count, lines=lines, owner=f"({id_sql(Kind.USER, batch, 'n')})::uuid")

    def make_guest_carts(self, count: int, *, lines: int, same_goods: bool = False) -> int:
        """Make guests' carts that only have to be ordered; return their batch."""
        batch = self._next_batch()
        self._make_carts(batch, count, lines=lines, owner="NULL", same_goods=same_goods)
        return batch

    def guest_carts(self, batch: int) -> list[GuestCart]:
        """Return the guests' carts of a batch with what they cost."""
        rows = self._connection.execute(TOTALS, (made_id(Kind.CART, batch, 0), made_id(Kind.CART, batch + 1, 0)))
        return [GuestCart(self._shop.cart_tokens.issue(CartId(id)), int(total)) for id, total in rows]

    def user_token(self, batch: int, number: int) -> str:
        """Sign a user in."""
        user, session = made_id(Kind.USER, batch, number), made_id(Kind.SESSION, batch, number)
        return self._shop.access_tokens.issue(UserId(user), Role.CUSTOMER, SessionId(session), _TOKEN_LIFE)

    def email(self, batch: int, number: int) -> str:
        """Return the address of a user."""
        return f"buyer{number}-{batch}@bench.example"

    def password_hash(self, batch: int) -> str:
        """Return the hash that all users of a batch have."""
        sql = "SELECT password_hash FROM users WHERE email = %s"
        row = self._connection.execute(sql, (self.email(batch, 1),)).fetchone()
        return str(row[0]) if row else ""

    def admin_token(self) -> str:
        """Sign the administrator in."""
        row = self._connection.execute("SELECT id FROM users WHERE role = 'ADMIN'").fetchone()
        admin, session = UserId(row[0] if row else UUID(int=0)), SessionId(made_id(Kind.SESSION, 0, 0))
        return self._shop.access_tokens.issue(admin, Role.ADMIN, session, _TOKEN_LIFE)

    def cart_token(self, batch: int, number: int) -> str:
        """Return the token of a guest's cart."""
        return self._shop.cart_tokens.issue(CartId(made_id(Kind.CART, batch, number)))

    def make_past_orders(self, count: int) -> None:
        """Make paid and shipped orders of two lines, with all that belongs to them."""
        batch = self._next_batch()
        ids = {"id": f"({id_sql(Kind.ORDER, batch, 'n')})::uuid", "cart": f"({id_sql(Kind.CART, batch, 'n')})::uuid"}
        with self._connection.transaction():
            for statement in PAST_ORDERS:
                self._connection.execute(statement.format(**ids, batch=batch).encode(), {"count": count})

    def set_stock(self, variant_uuid: str, on_hand: int) -> None:
        """Say how many of a variant there are."""
        self._connection.execute(
            "UPDATE stock_items SET on_hand = %s, reserved = 0, safety = 0, backorder_limit = 0 WHERE variant_id = %s",
            (on_hand, variant_uuid),
        )

    def reserved(self, variant_uuid: str) -> int:
        """Return how many of a variant are held by orders."""
        return self._value("SELECT reserved FROM stock_items WHERE variant_id = %s", variant_uuid)

    def count_orders(self) -> int:
        """Return how many orders there are."""
        return self._value("SELECT count(*) FROM orders")

    def open_work(self) -> int:
        """Return how many events and jobs wait for the job worker."""
        return self._value(OPEN_WORK)

    def _make_carts(self, batch: int, count: int, *, lines: int, owner: str, same_goods: bool = False) -> None:
        cart_id = f"({id_sql(Kind.CART, batch, 'n')})::uuid"
        self._connection.execute(
            "INSERT INTO carts (id, user_id, currency, email, shipping_address, shipping_method_id, created_time,"
            f" updated_time, expires_time) SELECT {cart_id}, {owner}, 'EUR', 'buyer' || n || '@bench.example', %s,"
            " (SELECT id FROM shipping_methods WHERE code = 'standard'), now(), now(), now() + interval '30 days'"
            " FROM generate_series(1, %s) AS n",
            (json.dumps(ADDRESS), count),
        )
        # Multiplying by a prime spreads neighbours over the goods and keeps the lines of one cart apart.
        spread = f"((n::bigint * {lines} + line) * 7919) %% (SELECT count(*) FROM bench.goods) + 1"
        number = "1" if same_goods else spread
        self._connection.execute(
            "INSERT INTO cart_items (id, cart_id, variant_id, quantity, created_time)"
            f" SELECT uuidv7(), {cart_id}, goods.variant_id, 1, now()"
            f" FROM generate_series(1, %s) AS n CROSS JOIN generate_series(1, {lines}) AS line"
            f" JOIN bench.goods ON goods.number = {number}",
            (count,),
        )

    def _next_batch(self) -> int:
        self._batch += 1
        self._connection.execute("INSERT INTO bench.batches VALUES (%s)", (self._batch,))
        return self._batch

    def _value(self, sql: str, *params: object) -> int:
        row = self._connection.execute(sql.encode(), params).fetchone()
        return int(row[0]) if row else 0
