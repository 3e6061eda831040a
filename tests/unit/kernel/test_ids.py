import pickle
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.kernel import ids
from server.kernel.errors import InvalidArgument
from server.kernel.ids import ORDER, PRODUCT, IdKind, OrderId, ProductId, new_id

KINDS = [one for one in vars(ids).values() if isinstance(one, IdKind)]


@pytest.mark.parametrize(
    ("value", "suffix"),
    # From the TypeID specification: https://github.com/jetify-com/typeid/blob/main/spec/valid.yml
    [
        ("00000000-0000-0000-0000-000000000000", "00000000000000000000000000"),
        ("00000000-0000-0000-0000-000000000001", "00000000000000000000000001"),
        ("00000000-0000-0000-0000-00000000000a", "0000000000000000000000000a"),
        ("00000000-0000-0000-0000-000000000010", "0000000000000000000000000g"),
        ("00000000-0000-0000-0000-000000000020", "00000000000000000000000010"),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", "7zzzzzzzzzzzzzzzzzzzzzzzzz"),
        ("0110c853-1d09-52d8-d73e-1194e95b5f19", "0123456789abcdefghjkmnpqrs"),
        ("01890a5d-ac96-774b-bcce-b302099a8057", "01h455vb4pex5vsknk084sn02q"),
    ],
)
def test_writes_and_reads_the_examples_of_the_specification(value: str, suffix: str):
    assert PRODUCT.write(ProductId(UUID(value))) == f"prod_{suffix}"
    assert PRODUCT.read(f"prod_{suffix}", "id") == UUID(value)


@given(st.uuids(), st.sampled_from(KINDS))
def test_reads_what_it_wrote(value: UUID, kind: IdKind[UUID]):
    assert kind.read(kind.write(value), "id") == value


@given(st.uuids(), st.sampled_from(KINDS))
def test_reads_and_writes_ids_as_postgresql_writes_them(value: UUID, kind: IdKind[UUID]):
    assert kind.read_stored(str(value)) == value
    assert kind.write_stored(str(value)) == kind.write(value)


def test_reads_uuids_that_are_like_any_other():
    value = UUID("01890a5d-ac96-774b-bcce-b302099a8057")

    read = PRODUCT.read("prod_01h455vb4pex5vsknk084sn02q", "id")

    assert type(read) is UUID
    assert (repr(read), hash(read), read.bytes) == (repr(value), hash(value), value.bytes)
    assert (read.version, read.is_safe) == (value.version, value.is_safe)
    assert pickle.loads(pickle.dumps(read)) == value
    with pytest.raises(TypeError):
        read.int = 0  # type: ignore[misc]  # It is what the test is about.


@given(st.uuids(), st.uuids())
def test_sorts_as_the_uuids_sort(a: UUID, b: UUID):
    assert (a < b) == (ORDER.write(OrderId(a)) < ORDER.write(OrderId(b)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "prod",
        "prod_",
        "01h455vb4pex5vsknk084sn02q",
        "_01h455vb4pex5vsknk084sn02q",
        "var_01h455vb4pex5vsknk084sn02q",
        "PROD_01h455vb4pex5vsknk084sn02q",
        "prod_01H455VB4PEX5VSKNK084SN02Q",
        "prod_01h455vb4pex5vsknk084sn02",
        "prod_01h455vb4pex5vsknk084sn02qq",
        "prod_01h455vb4pex5vsknk084sn02q\n",
        " prod_01h455vb4pex5vsknk084sn02q",
        "prod_01h455vb4pex5vsknk084sn02u",
        "prod_01h455vb4pex5vsknk084sn02l",
        "prod_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        "prod_x_01h455vb4pex5vsknk084sn02q",
        "prod_\N{ARABIC-INDIC DIGIT ZERO}1h455vb4pex5vsknk084sn02q",
    ],
)
def test_refuses_anything_else_and_names_the_field(text: str):
    with pytest.raises(InvalidArgument) as caught:
        PRODUCT.read(text, "product_id")

    assert [violation.field for violation in caught.value.fields] == ["product_id"]


def test_new_ids_are_version_7_and_grow():
    made = [new_id() for _ in range(1000)]

    assert {value.version for value in made} == {7}
    assert made == sorted(set(made))


def test_no_two_kinds_look_the_same_outside():
    assert len({kind.prefix for kind in KINDS}) == len(KINDS)
