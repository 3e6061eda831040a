"""Which passwords are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.features.users.passwords.rules import common_passwords, too_common

RANKS = common_passwords()


def test_the_list_is_there_in_order() -> None:
    assert len(RANKS) > 19_000
    assert RANKS["123456"] < RANKS["password1234"]
    assert all(word == word.lower() and not word.startswith("#") for word in RANKS)


@pytest.mark.parametrize(
    "password",
    [
        "administrator",  # listed as it is
        "Administrator",
        "password1234",  # a listed word and a run
        "P@ssw0rd2024!",  # dressed up
        "letmeinletmein",
        "monkeydragon12",
        "qwertyuiopas",  # rows of keys
        "poiuytrewqlk",
        "abcdefghijkl",
        "987654321987",
        "zzzzzzzzzzzz",
        "xkqzxkqzxkqz",  # a short thing three times
        "Summer2024!!",
    ],
)
def test_refuses(password: str) -> None:
    assert too_common(password, RANKS)


@pytest.mark.parametrize(
    "password",
    ["correct horse battery staple", "violet harbour 93 teapot", "k8#Vq2!mZ0pT", "tr0ub4dor&3xyz", "Ünïcödé pässwörd"],
)
def test_accepts(password: str) -> None:
    assert not too_common(password, RANKS)


def test_words_of_the_account_count_for_nothing() -> None:
    password = "lovelace@babbage.example"

    assert not too_common(password, RANKS)
    assert too_common(password, RANKS, own_words=["Lovelace@babbage.example"])
    assert too_common("lovelace-babbage-1", RANKS, own_words=["lovelace", "babbage"])


@given(st.text(min_size=12, max_size=200))
def test_judges_any_text(password: str) -> None:
    assert too_common(password, RANKS) in (True, False)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=4, max_size=6), st.integers(2, 20))
def test_repeating_a_short_text_does_not_help(unit: str, times: int) -> None:
    assert too_common(unit * times, RANKS)
