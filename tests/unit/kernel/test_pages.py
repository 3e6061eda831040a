import base64
import json
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.kernel.errors import InvalidArgument
from server.kernel.pages import decode_page_id, decode_page_token, encode_page_token, filter_hash, page_size


@pytest.mark.parametrize(("requested", "given_rows"), [(0, 20), (1, 1), (100, 100), (101, 100), (10**9, 100)])
def test_clamps_the_page_size(requested: int, given_rows: int):
    assert page_size(requested) == given_rows


def test_refuses_a_negative_page_size():
    with pytest.raises(InvalidArgument) as caught:
        page_size(-1)

    assert caught.value.fields[0].field == "page_size"


_texts = st.text().filter(lambda text: "\0" not in text)


@given(st.lists(st.one_of(_texts, st.integers(-(2**63), 2**63 - 1)), min_size=1))
def test_reads_what_it_wrote(sort_key: list[str | int]):
    same = filter_hash("NEWEST", None)

    assert decode_page_token(encode_page_token(sort_key, same), same) == sort_key


def test_a_token_of_another_filter_is_refused():
    token = encode_page_token(["a"], filter_hash("EUR", "a"))

    with pytest.raises(InvalidArgument, match="another filter"):
        decode_page_token(token, filter_hash("EUR", "b"))


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "!!!!",
        "é",
        "",
        "a",
        base64.urlsafe_b64encode(b"\xff\xff").decode(),
        base64.urlsafe_b64encode(b"{}").decode(),
        base64.urlsafe_b64encode(json.dumps(["x"]).encode()).decode(),
        base64.urlsafe_b64encode(json.dumps(["x", True]).encode()).decode(),
        base64.urlsafe_b64encode(json.dumps(["x", 1.5]).encode()).decode(),
        base64.urlsafe_b64encode(json.dumps(["x", ["y"]]).encode()).decode(),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"[" * 2_000).decode(),
    ],
)
def test_refuses_what_is_no_token(token: str):
    with pytest.raises(InvalidArgument) as caught:
        decode_page_token(token, "x")

    assert caught.value.fields[0].field == "page_token"


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**30, "a\0b", "\ud800"])
def test_refuses_what_no_column_can_hold(value: int | str):
    # An edited token: whoever makes one knows the filter's digest, as it stands in each token.
    edited = base64.urlsafe_b64encode(json.dumps(["x", value]).encode()).decode()

    with pytest.raises(InvalidArgument) as caught:
        decode_page_token(edited, "x")

    assert caught.value.fields[0].field == "page_token"


def test_reads_an_id():
    id = uuid4()

    assert decode_page_id(encode_page_token([str(id)], "x"), "x") == id


@pytest.mark.parametrize("key", [["no id"], [7], [str(uuid4()), "more"], [""]])
def test_refuses_what_is_no_id(key: list[str | int]):
    with pytest.raises(InvalidArgument) as caught:
        decode_page_id(encode_page_token(key, "x"), "x")

    assert caught.value.fields[0].field == "page_token"


def test_hashes_parts_and_not_their_sum():
    assert filter_hash("a", "bc") != filter_hash("ab", "c")
    assert filter_hash("a", None) != filter_hash("a")
    assert filter_hash("a", 1) == filter_hash("a", 1)
