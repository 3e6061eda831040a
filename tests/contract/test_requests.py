"""What requests look like: every field has a rule, ids are told apart by their prefixes, lists page alike."""

import grpc
import pytest
from buf.validate import validate_pb2
from google.protobuf.descriptor import FieldDescriptor
from kontor.options.v1 import policy_pb2

from server.kernel.ids import EVENT
from tests.contract.descriptors import request_messages
from tests.contract.requests import whole
from tests.world.people import Person
from tests.world.refusals import refusal
from tests.world.rpcs import Rpc, rpcs

# Every value is fine: it is compared with the amount that is due.
FREE = {"kontor.type.v1.Money.amount_minor"}
# They also answer to a slug, and no slug is wrong by its form.
SLUGS = {
    "GetProductRequest.product_id",
    "ListProductsRequest.category_id",
    "SearchProductsRequest.category_id",
    "ListCategoriesRequest.parent_id",
}


def id_fields() -> list[tuple[Rpc, str]]:
    return [
        (rpc, field.name)
        for rpc in rpcs()
        for field in rpc.request.fields
        if field.name.endswith("_id") and field.name != "request_id" and f"{rpc.request.name}.{field.name}" not in SLUGS
    ]


def lists() -> list[Rpc]:
    return [rpc for rpc in rpcs() if "page_token" in rpc.request.fields_by_name]


def test_every_field_has_a_rule():
    without = {
        field.full_name
        for message in request_messages().values()
        for field in message.fields
        if not is_ruled(field) and field.full_name not in FREE
    }

    assert without == set()


def test_every_text_and_list_has_a_limit():
    endless = set()
    for message in request_messages().values():
        for field in message.fields:
            rules = field.GetOptions().Extensions[validate_pb2.field]
            if field.is_repeated and not rules.repeated.max_items:
                endless.add(field.full_name)
            texts = rules.repeated.items.string if field.is_repeated else rules.string
            if field.type == FieldDescriptor.TYPE_STRING and not (texts.max_len or texts.pattern):
                endless.add(field.full_name)

    assert endless == set()


def test_every_enum_is_defined():
    open_enums = {
        field.full_name
        for message in request_messages().values()
        for field in message.fields
        if field.enum_type is not None and not field.GetOptions().Extensions[validate_pb2.field].enum.defined_only
    }

    assert open_enums == set()


@pytest.mark.parametrize(("rpc", "field"), id_fields(), ids=str)
async def test_refuses_an_id_of_another_kind_naming_its_field(goods: None, admin: Person, rpc: Rpc, field: str) -> None:
    request = whole(rpc)
    setattr(request, field, EVENT.write(EVENT.new()))

    refused = await refusal(admin.call(request))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


@pytest.mark.parametrize("rpc", lists(), ids=str)
async def test_refuses_a_foreign_page_token(goods: None, customer: Person, rpc: Rpc) -> None:
    request = whole(rpc, page_token="bm90IGEgdG9rZW4")

    refused = await refusal(customer.call(request))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_token"])


@pytest.mark.parametrize("rpc", [rpc for rpc in rpcs() if rpc.policy.access != policy_pb2.ACCESS_SIGNED], ids=str)
async def test_refuses_the_character_nul_in_every_text(goods: None, admin: Person, rpc: Rpc) -> None:
    for field in rpc.request.fields:
        if field.type != FieldDescriptor.TYPE_STRING:
            continue
        request = whole(rpc)
        if field.is_repeated:
            getattr(request, field.name).append("a\0b")
        else:
            setattr(request, field.name, "a\0b".ljust(20, "c"))

        refused = await refusal(admin.call(request))

        assert (refused.code, field.name in str(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, True)


@pytest.mark.parametrize("rpc", lists(), ids=str)
async def test_refuses_a_negative_page_size(goods: None, customer: Person, rpc: Rpc) -> None:
    request = whole(rpc, page_size=-1)

    refused = await refusal(customer.call(request))

    assert (refused.code, list(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_size"])


@pytest.mark.parametrize("rpc", lists(), ids=str)
async def test_takes_a_page_size_above_the_limit(goods: None, customer: Person, rpc: Rpc) -> None:
    answer = await customer.call(whole(rpc, page_size=2_000_000_000))

    assert answer.next_page_token == ""


@pytest.mark.parametrize("rpc", rpcs(), ids=str)
def test_a_list_has_all_of_paging_or_nothing(rpc: Rpc) -> None:
    pages = [name in rpc.request.fields_by_name for name in ("page_size", "page_token")]

    assert pages in ([True, True], [False, False])
    assert ("next_page_token" in rpc.descriptor.output_type.fields_by_name) == pages[0]


def is_ruled(field: FieldDescriptor) -> bool:
    if field.type == FieldDescriptor.TYPE_BOOL or field.GetOptions().HasExtension(validate_pb2.field):
        return True
    # A message's own fields have rules; that it may be missing is fine.
    return field.message_type is not None and field.message_type.full_name in request_messages()
