"""States are written three times, in the contract, in the program and in the database, and say the same."""

import re
from collections.abc import Iterator
from enum import StrEnum
from importlib import import_module

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FileDescriptor

from protos.generate import PROTOS
from server.db.session import Database
from tests.contract.house import load
from tests.world.looking import run

# Their words have a prefix and tests of their own: test_policies and test_reasons.
OTHERS = ("kontor.options", "kontor.errors")
# CHECK ((status = ANY (ARRAY['OPEN'::text, 'ORDERED'::text]))); of one word, CHECK ((purpose = 'VERIFY_EMAIL'::text)).
WORDS_OF = re.compile(r"CHECK \(\((\w+) = (?:ANY \(ARRAY\[)?((?:'\w+'::text(?:, )?)+)\]?\)*$")


def test_states_of_the_contract_are_those_of_the_program() -> None:
    ours = {frozenset(one) for one in word_lists()}
    foreign = {enum.full_name: sorted(words(enum)) for enum in enums() if words(enum) not in ours}

    assert foreign == {}


async def test_states_of_the_database_are_those_of_the_program(db: Database) -> None:
    ours = {frozenset(one) for one in word_lists()}
    found = {
        f"{table}.{matched[1]}": frozenset(re.findall(r"'(\w+)'", matched[2]))
        for table, check in await run(
            db,
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE %s",
            "procrastinate%",
        )
        if (matched := WORDS_OF.match(check))
    }

    assert {"orders.status", "users.role", "payments.provider"} <= found.keys()
    assert {column: sorted(allowed) for column, allowed in found.items() if allowed not in ours} == {}


async def test_every_column_of_states_has_its_check(db: Database) -> None:
    """A state that nobody knows would be found when it is read, which is too late."""
    unchecked = await run(
        db,
        """
        SELECT attrelid::regclass::text, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'procrastinate%%'
           AND attname ~ '(^|_)(status|kind|role|state)$' AND attname NOT IN ('from_state', 'to_state')
           AND NOT EXISTS (SELECT FROM pg_constraint WHERE contype = 'c' AND conrelid = attrelid
                              AND attnum = ANY (conkey))
        """,
    )

    assert unchecked == []


def word_lists() -> list[set[str]]:
    """Return the words of every StrEnum of the server."""
    load()
    return [{one.value for one in enum} for enum in subclasses(StrEnum) if enum.__module__.startswith("server.")]


def subclasses(kind: type[StrEnum]) -> Iterator[type[StrEnum]]:
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def words(enum: EnumDescriptor) -> frozenset[str]:
    """Return its words, but for the one that says nothing."""
    return frozenset(value.name for value in enum.values if value.number)


def enums() -> Iterator[EnumDescriptor]:
    """Yield every enum of the contract that names states or kinds of things."""
    for path in sorted((PROTOS / "kontor").rglob("*.proto")):
        name = path.relative_to(PROTOS).with_suffix("").as_posix().replace("/", ".")
        file: FileDescriptor = import_module(f"{name}_pb2").DESCRIPTOR
        if not file.package.startswith(OTHERS):
            yield from file.enum_types_by_name.values()
            for message in file.message_types_by_name.values():
                yield from enums_in(message)


def enums_in(message: Descriptor) -> Iterator[EnumDescriptor]:
    yield from message.enum_types
    for one in message.nested_types:
        yield from enums_in(one)
