"""Rows that are made of the values of a statement, and the rows in JSON within them."""

from enum import StrEnum
from typing import Any, NamedTuple

import pytest
from sqlalchemy import column

from server.db.rows import JsonRow, nested, nullable, row_maker


class Mood(StrEnum):
    GLAD = "GLAD"
    SAD = "SAD"


class Leaf(NamedTuple):
    id: int
    mood: Mood | None = None


class Tree(NamedTuple):
    id: int
    mood: Mood
    leaves: list[Leaf]


def leaves(**columns: Any) -> JsonRow[Leaf]:
    return JsonRow(Leaf, **columns)


def test_rows_in_json_become_rows_of_their_own():
    leaf = leaves(mood=column("mood"), id=column("id"))

    tree = nested(Tree, leaves=leaf)(1, "SAD", [["GLAD", 2], [None, 3]])

    assert tree == Tree(1, Mood.SAD, [Leaf(2, Mood.GLAD), Leaf(3, None)])
    assert tree.mood is Mood.SAD


def test_no_rows_in_json_are_an_empty_list():
    assert nested(Tree, leaves=leaves(id=column("id")))(1, "SAD", None) == Tree(1, Mood.SAD, [])


def test_nested_rows_are_made_by_the_names_of_columns():
    make = nested(Tree, leaves=leaves(id=column("id")))

    assert row_maker(make, ["leaves", "id", "mood"])([[2]], 1, "GLAD") == Tree(1, Mood.GLAD, [Leaf(2)])


def test_a_column_that_the_row_does_not_have_is_refused():
    with pytest.raises(TypeError, match="branches"):
        nested(Tree, branches=leaves(id=column("id")))


def test_a_named_tuple_takes_its_columns_in_any_order():
    assert row_maker(Leaf, ["id"])(1) == Leaf(1)
    assert row_maker(Leaf, ["id", "mood"])(1, "GLAD") == Leaf(1, Mood.GLAD)
    assert row_maker(Leaf, ["mood", "id"])(None, 1) == Leaf(1, None)


def test_nothing_is_made_of_an_outer_join_that_found_nothing():
    make = nullable(Leaf)

    assert make(None, None) is None
    assert make(1, "SAD") == Leaf(1, Mood.SAD)
