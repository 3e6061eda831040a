"""Codes and addresses."""

import re

from hypothesis import given
from hypothesis import strategies as st

from server.features.users.rules import CODE_BYTES, code_hash, format_code, normalize_email
from server.features.users.throttling.rules import throttle_subject


@given(st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES))
def test_a_code_is_five_groups_that_nobody_misreads(entropy: bytes) -> None:
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}", format_code(entropy))


@given(st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES), st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES))
def test_codes_carry_125_bits(one: bytes, other: bytes) -> None:
    low = (1 << 125) - 1

    same = int.from_bytes(one) & low == int.from_bytes(other) & low

    assert (format_code(one) == format_code(other)) == same


@given(st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES))
def test_typing_habits_do_not_count(entropy: bytes) -> None:
    code = format_code(entropy)

    typed = "  " + code.lower().replace("-", " ").replace("0", "o").replace("1", "l")

    assert code_hash(typed) == code_hash(code)


def test_an_address_is_compared_in_lower_case() -> None:
    assert normalize_email(" Ada@Example.COM ") == "ada@example.com"


def test_throttle_subjects_of_different_kinds_differ() -> None:
    assert throttle_subject("account", "a") != throttle_subject("mail", "a")
