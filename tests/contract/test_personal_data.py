"""Every column that holds personal data is on the list that says who forgets it.

After a change of the list: python -m tests.contract.test_personal_data > docs/personal-data.md
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
import pytest

from server.db.jobs import make_job_app
from server.db.personal_data import HARMLESS, KEPT, PERSONAL_DATA, Harmless, Personal
from tests.world.rpcs import rpcs
from tests.world.shop import Shop

PAGE = Path(__file__).parents[2] / "docs" / "personal-data.md"
# Of every column: its name, its type, and what its own CHECK says.
COLUMNS = """
    SELECT relname || '.' || attname, attname, format_type(atttypid, atttypmod),
           coalesce((SELECT string_agg(pg_get_constraintdef(pg_constraint.oid), ' ') FROM pg_constraint
                      WHERE conrelid = attrelid AND contype = 'c' AND conkey = ARRAY[attnum]), '')
      FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
       AND relname <> 'alembic_version'
"""
# Numbers, times, ids, states and codes tell nothing by themselves. Any other type may hold anything.
PLAIN_TYPE = re.compile(
    r"(small|big)?int(eger)?|boolean|timestamp with time zone|interval|uuid|xid8|tsvector|character\([23]\)(\[\])?"
    r"|procrastinate_job_(status|event_type)"
)
# One of some words: `status IN ('OPEN', 'ORDERED')`.
CLOSED = re.compile(r"CHECK \(\(\w+ = (ANY \(ARRAY\[)?'")
TELLING_NAME = re.compile(
    r"(^|_)(e?mail|name|address|phone|mobile|recipient|ip|agent|note|token|hash|password|secret|user|actor|customer"
    r"|birth\w*|language)(_|$)"
)

Column = tuple[str, str, str, str]


@pytest.fixture
def columns(database_url: str) -> list[Column]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(COLUMNS).fetchall()


def test_what_looks_like_personal_data_is_declared(columns):
    undeclared = {column[0] for column in columns if looks_personal(column)} - personal() - harmless()

    assert undeclared == set(), "list them in server/db/personal_data.py"


def test_what_is_declared_exists(columns):
    assert (personal() | harmless()) - {name for name, *_ in columns} == set()


def test_nothing_is_both():
    assert personal() & harmless() == set()


def test_nothing_is_declared_harmless_that_does_not_look_otherwise(columns):
    assert harmless() - {column[0] for column in columns if looks_personal(column)} == set()


def test_whoever_forgets_it_exists(shop: Shop, database_url: str):
    jobs = make_job_app(database_url)
    shop.app.register_jobs(jobs)
    calls = {rpc.descriptor.name for rpc in rpcs()}

    assert {entry.forgotten_by for entry in PERSONAL_DATA} - set(jobs.tasks) - calls == {KEPT}


def test_every_entry_says_why():
    assert [entry for entry in PERSONAL_DATA if not (entry.what and entry.when)] == []
    assert [entry for entry in HARMLESS if not entry.why] == []


@pytest.mark.parametrize(
    ("column", "personal"),
    [
        (("t.email", "email", "text", ""), True),
        (("t.answer", "answer", "jsonb", ""), True),
        (("t.words", "words", "text[]", ""), True),
        (("t.birthday", "birthday", "date", ""), True),
        (("t.seen_from", "seen_from", "inet", ""), True),
        (("t.short", "short", "character varying(20)", ""), True),
        (("t.raw", "raw", "bytea", ""), True),
        (("t.phone", "phone", "bigint", ""), True),
        (("t.actor_id", "actor_id", "uuid", ""), True),
        (("t.email", "email", "text", "CHECK ((email = lower(email)))"), True),
        (("t.status", "status", "text", "CHECK ((status = ANY (ARRAY['A'::text, 'B'::text])))"), False),
        (("t.purpose", "purpose", "text", "CHECK ((purpose = 'A'::text))"), False),
        (("t.order_id", "order_id", "uuid", ""), False),
        (("t.currency", "currency", "character(3)", ""), False),
        (("t.email_verified_time", "email_verified_time", "timestamp with time zone", ""), False),
    ],
)
def test_knows_personal_data_by_its_looks(column, personal):
    assert looks_personal(column) == personal


def test_the_page_is_the_list():
    assert PAGE.read_text(encoding="utf-8").splitlines() == list(page()), (__doc__ or "").splitlines()[-1]


def looks_personal(column: Column) -> bool:
    _, name, kind, check = column
    if PLAIN_TYPE.fullmatch(kind):
        return bool(TELLING_NAME.search(name)) and not name.endswith("_time")
    return not CLOSED.match(check)


def personal() -> set[str]:
    return names(PERSONAL_DATA)


def harmless() -> set[str]:
    return names(HARMLESS)


def names(entries: Iterable[Personal | Harmless]) -> set[str]:
    return {f"{entry.table}.{column}" for entry in entries for column in entry.columns}


def page() -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# Personal data"
    yield ""
    yield "Every column that holds any, who forgets it, and when; *kept* says why. Written from"
    yield "`server/db/personal_data.py`, and a test knows the columns that are missing."
    yield ""
    yield "| table | columns | what it is | forgotten by | when |"
    yield "|---|---|---|---|---|"
    for entry in PERSONAL_DATA:
        forgotten_by = f"*{KEPT}*" if entry.forgotten_by == KEPT else f"`{entry.forgotten_by}`"
        columns = ", ".join(f"`{column}`" for column in entry.columns)
        yield f"| `{entry.table}` | {columns} | {entry.what} | {forgotten_by} | {entry.when} |"
    yield ""
    yield "Outside the database: the edge logs the network address and the user agent of each request, the workers log"
    yield "ids of accounts and carts, and a provider of payments knows its payers. `kontor up` keeps mails as files."


if __name__ == "__main__":
    print("\n".join(page()))
