import pytest

from tests.bench.checks import IsPage, IsProduct, SameBytes
from tests.bench.job import CallJob, Feed, Tally, join
from tests.bench.known_ids import Kind, made_id
from tests.bench.suite import WORKLOADS, UnknownWorkload, chosen


def job(*, once: bool) -> CallJob:
    return CallJob(targets=["x"], seconds=1, path="/x", messages=[b""] * 10, check=SameBytes(b""), once=once)


def test_generators_share_what_is_done_once():
    first, second = Feed(job(once=True), part=0, parts=2), Feed(job(once=True), part=1, parts=2)

    taken = [first.take() for _ in range(6)], [second.take() for _ in range(6)]

    assert taken == ([0, 2, 4, 6, 8, None], [1, 3, 5, 7, 9, None])


def test_draws_by_chance_without_an_end():
    feed = Feed(job(once=False))

    drawn = {feed.take() for _ in range(1000)}

    assert drawn == set(range(10))


def test_joins_what_generators_saw():
    one, other = Tally(seconds=1.0), Tally(seconds=2.0, cpu_seconds=0.5)
    one.add(0.010, "")
    other.add(0.030, "wrong")

    seen = join([one, other])

    assert (seen.requests, seen.errors, seen.first_error, seen.seconds) == (2, 1, "wrong", 2.0)
    assert seen.p50_ms == pytest.approx(10)
    assert seen.p99_ms == pytest.approx(30)


def test_sees_a_wrong_answer():
    assert IsProduct(["prod_a"])(0, b"prod_b") == "not the product prod_a"
    assert IsProduct(["prod_a"])(0, b"prod_a \xff").startswith("the answer cannot be parsed: ")
    assert IsPage(20)(1, b"prod_" * 19) == "19 products in place of 20"
    assert SameBytes(b"a")(0, b"ab") == "2 bytes where 1 were expected"


def test_ids_tell_kinds_batches_and_numbers_apart():
    assert str(made_id(Kind.CART, 5, 255)) == "018d0003-0005-7000-8000-0000000000ff"


def test_finds_workloads_by_name_and_by_group():
    assert [one.name for one in chosen("login,add-item")] == ["add-item", "login"]
    assert {one.name for one in chosen("cpu")} == {one.name for one in WORKLOADS if one.name.startswith("cpu-")}
    assert [one.name for one in chosen("get-product")] == ["get-product"]
    assert len(chosen("all")) == len(WORKLOADS) > len(chosen(""))


def test_refuses_a_name_that_it_does_not_know():
    with pytest.raises(UnknownWorkload, match="'orders'"):
        chosen("orders")
