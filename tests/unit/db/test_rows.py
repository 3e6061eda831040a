"""Rows go by the names of their columns, and what does not fit is found when a statement is made."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import uuid4

import pytest
from sqlalchemy import literal, select

from server.db.rows import JsonRow, columns_of, row_maker
from server.db.statement import Query
from server.features.users.tables import Users


class Mood(StrEnum):
    GLAD = "GLAD"
    SAD = "SAD"


@dataclass(frozen=True, slots=True)
class Mail:
    address: str
    subject: str
    mood: Mood = Mood.GLAD


class Size(NamedTuple):
    height: int
    width: int


class Known(NamedTuple):
    id: object
    email: str


def takes_anything(*values: object) -> tuple[object, ...]:
    return values


def test_columns_go_to_the_fields_of_their_names_in_any_order():
    assert row_maker(Mail, ["subject", "mood", "address"])("Hello", "SAD", "a@b.example") == Mail(
        "a@b.example", "Hello", Mood.SAD
    )
    assert row_maker(Size, ["width", "height"])(1, 2) == Size(height=2, width=1)
    assert row_maker(Mail, ["subject", "address"])("Hello", "a@b.example").mood is Mood.GLAD


@pytest.mark.parametrize(
    ("make", "columns"),
    [
        (Mail, ["address"]),
        (Mail, ["address", "topic"]),
        (Mail, ["address", "subject", "topic"]),
        (Mail, ["address", "subject", "subject"]),
        (Size, ["height", "length"]),
        (takes_anything, ["height", "width"]),
    ],
)
def test_refuses_names_that_do_not_fit(make, columns):
    with pytest.raises(TypeError, match="label the columns with its names"):
        row_maker(make, columns)


def test_refuses_a_statement_whose_columns_are_others_than_its_rows_fields():
    with pytest.raises(TypeError, match="label the columns"):
        Query(select(literal(1).label("height"), literal(2).label("length")), Size)
    with pytest.raises(TypeError, match="label the columns"):
        JsonRow(Size, height=literal(1), length=literal(2))


def test_the_columns_of_a_row_are_those_of_its_fields():
    assert [column.name for column in columns_of(Known, Users)] == ["id", "email"]
    assert [column.name for column in columns_of(Known, Users, email=literal("a"))] == ["id", "email"]
    with pytest.raises(TypeError, match=r"no column for \['height', 'width'\]"):
        columns_of(Size, Users)
    with pytest.raises(TypeError, match=r"no field for \['width'\]"):
        columns_of(Known, Users, width=literal(1))


def test_a_word_that_is_no_state_is_an_error():
    with pytest.raises(KeyError):
        row_maker(Mail, ["address", "subject", "mood"])("a@b.example", "Hello", f"{uuid4()}")
