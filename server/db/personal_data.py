"""Every column that holds personal data: what it is, who forgets it, and when.

The whole list, for whoever has to answer a customer, erase an account or add a column. A test compares it with the
tables and with the jobs, and keeps `docs/personal-data.md` equal to it. A new column that looks like personal data goes
into one of the two lists below.
"""

from dataclasses import dataclass
from typing import Final

# Nobody forgets it yet; the entry says why.
KEPT: Final = "kept"


@dataclass(frozen=True, slots=True)
class Personal:
    """Columns of a table that come and go together."""

    table: str
    columns: tuple[str, ...]
    what: str
    # A job or a call; or KEPT.
    forgotten_by: str
    # Of what is kept: why.
    when: str


@dataclass(frozen=True, slots=True)
class Harmless:
    """Columns that look like personal data and are none."""

    table: str
    columns: tuple[str, ...]
    why: str


_ACCOUNT: Final = ("email", "password_hash", "display_name", "language")
_CART: Final = ("user_id", "email", "shipping_address", "billing_address")

PERSONAL_DATA: Final = (
    Personal(
        "users",
        _ACCOUNT,
        "an account whose address nobody verified",
        "users.clean_up",
        "seven days after it was registered last",
    ),
    Personal("users", _ACCOUNT, "an account", KEPT, "while it is open; no call closes one yet"),
    Personal(
        "registrations",
        ("user_id", "password_hash", "display_name", "language"),
        "what somebody said who registered an address",
        "users.clean_up",
        "after seven days; another's as soon as one is verified",
    ),
    Personal(
        "email_tokens",
        ("token_hash",),
        "the hash of a code that was mailed",
        "users.clean_up",
        "seven days after the code expired",
    ),
    Personal(
        "sessions",
        ("user_id", "user_agent", "remote_address"),
        "where somebody logged in",
        "users.clean_up",
        "seven days after the session ended",
    ),
    Personal("refresh_tokens", ("token_hash",), "the hash of a session's token", "users.clean_up", "with its session"),
    Personal(
        "login_throttles",
        ("subject_hash",),
        "the hash of an address, a network address or a code that was tried",
        "users.clean_up",
        "seven days after the last try",
    ),
    Personal("carts", _CART, "for whom a cart is", "cart.delete_expired", "when nobody touched it for thirty days"),
    Personal("carts", _CART, "for whom an ordered or merged cart was", "cart.forget_closed", "after ninety days"),
    Personal(
        "orders",
        ("user_id", "email", "language", "shipping_address", "billing_address"),
        "who ordered, and where it goes",
        KEPT,
        "trade law keeps business letters for years, in Germany six (§ 257 HGB)",
    ),
    Personal(
        "order_timeline",
        ("actor_id", "note"),
        "who did something to an order, and what was said about it",
        KEPT,
        "with its order",
    ),
    Personal(
        "fulfillments",
        ("tracking_number", "tracking_url"),
        "what leads to the recipient of a parcel",
        KEPT,
        "with its order",
    ),
    Personal(
        "invoices",
        ("document",),
        "who bought what: name, address, e-mail address, goods",
        KEPT,
        "tax law keeps invoices for years, in Germany eight (§ 14b UStG)",
    ),
    Personal(
        "payments",
        ("provider_reference", "client_secret"),
        "what leads to the payer at the provider",
        KEPT,
        "with its order: refunds need the reference, the secret is worthless once it is paid",
    ),
    Personal(
        "payment_transactions",
        ("actor_id", "note", "provider_reference"),
        "who moved money and why",
        KEPT,
        "the books, with their order",
    ),
    Personal(
        "provider_events",
        ("payment_reference", "payload"),
        "what a provider told of a payment, which may name the payer",
        KEPT,
        "the proof of what it said; no job deletes it yet",
    ),
    Personal(
        "stock_movements",
        ("actor_id", "reason"),
        "who of the shop changed a counter, and why",
        KEPT,
        "the ledger: its rows sum up to the counters",
    ),
    Personal(
        "events",
        ("aggregate_id", "data"),
        "what happened: ids of accounts and orders, tracking numbers, no names",
        KEPT,
        "whoever follows the outbox may be late; no job deletes from it yet",
    ),
    Personal(
        "procrastinate_jobs",
        ("args", "lock"),
        "the same, for the job that deals with it",
        "upkeep.delete_old_jobs",
        "a day after it is done, thirty after it failed",
    ),
    Personal(
        "idempotency_keys",
        ("scope", "request_hash", "response"),
        "who called, and what was answered: an order with its addresses",
        "upkeep.delete_expired_keys",
        "a day after the call",
    ),
)

HARMLESS: Final = (
    Harmless("users", ("permissions",), "words of the program"),
    Harmless("orders", ("number",), "drawn at random"),
    Harmless("orders", ("taxes", "shipping_method"), "names and amounts of the shop"),
    Harmless("order_lines", ("sku", "title", "options"), "what was bought, not by whom"),
    Harmless("order_timeline", ("from_state", "to_state"), "words of the program"),
    Harmless("fulfillments", ("carrier",), "a company"),
    Harmless("invoices", ("number",), "counted"),
    Harmless("payments", ("failure_code",), "a word of the provider"),
    Harmless("provider_events", ("provider", "event_id", "type"), "words and numbers of the provider"),
    Harmless("events", ("type",), "words of the program"),
    Harmless("event_cursors", ("name",), "words of the program"),
    Harmless("procrastinate_jobs", ("queue_name", "task_name", "queueing_lock"), "words of the program"),
    Harmless("procrastinate_periodic_defers", ("task_name", "periodic_id"), "words of the program"),
    Harmless("idempotency_keys", ("method", "key"), "a name of the contract, and what a client drew at random"),
    Harmless("categories", ("slug", "name", "path"), "the catalog"),
    Harmless(
        "products",
        (
            "slug",
            "title",
            "description_html",
            "vendor",
            "product_type",
            "tags",
            "options",
            "seo_title",
            "seo_description",
            "description_text",
            "tags_text",
        ),
        "the catalog",
    ),
    Harmless("product_media", ("url", "alt_text"), "the catalog"),
    Harmless("variants", ("sku", "option_values", "barcode", "tax_class"), "the catalog"),
    Harmless("locations", ("name",), "the shop's own places"),
    Harmless("tax_rates", ("region", "tax_class", "name"), "the shop's own"),
    Harmless("shipping_methods", ("code", "name", "description", "tax_class"), "the shop's own"),
)


def forgotten_by(job: str, table: str) -> list[str]:
    """Return the columns of a table that a job forgets: what empties rows goes by this list."""
    return [name for one in PERSONAL_DATA if (one.forgotten_by, one.table) == (job, table) for name in one.columns]
