"""Requests and calls for tests that hold for every RPC."""

from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from server.kernel.ids import Prefix, format_id, new_id
from tests.buying import Bazaar
from tests.contract.descriptors import Rpc

# Ids that are well formed, so that only the one that a test spoils is at fault.
_IDS = {
    f"{noun}_id": format_id(prefix, new_id())
    for noun, prefix in {
        "variant": Prefix.VARIANT,
        "item": Prefix.CART_ITEM,
        "order": Prefix.ORDER,
        "payment": Prefix.PAYMENT,
        "fulfillment": Prefix.FULFILLMENT,
        "shipping_method": Prefix.SHIPPING_METHOD,
    }.items()
}


def whole(rpc: Rpc, **values: Any) -> Message:
    """Make a request in which nothing is missing; its ids name nothing."""
    return _fill(GetMessageClass(rpc.request)(**values))


def _fill(message: Message) -> Message:
    taken = {field.containing_oneof.name for field, _ in message.ListFields() if field.containing_oneof}
    for field in message.DESCRIPTOR.fields:
        rules = field.GetOptions().Extensions[validate_pb2.field]
        oneof = field.containing_oneof
        if field.is_repeated or field.has_default_value or (oneof and oneof.name in taken):
            continue
        if field.message_type is not None:
            if rules.required:
                _fill(getattr(message, field.name))
                getattr(message, field.name).SetInParent()
        elif not getattr(message, field.name):
            _fill_scalar(message, field, rules)
        if oneof:
            taken.add(oneof.name)
    return message


def _fill_scalar(message: Message, field: Any, rules: validate_pb2.FieldRules) -> None:
    if rules.string.email:
        setattr(message, field.name, "x@customer.example")
    elif field.type == FieldDescriptor.TYPE_STRING and (rules.string.min_len or field.name == "request_id"):
        setattr(message, field.name, _IDS.get(field.name, "x" * max(rules.string.min_len, 1)))
    elif field.type == FieldDescriptor.TYPE_STRING and rules.string.pattern:
        setattr(message, field.name, "EUR")
    elif rules.int32.gte or rules.int64.not_in or (field.enum_type is not None and rules.enum.not_in):
        setattr(message, field.name, 1)


async def call(bazaar: Bazaar, rpc: Rpc, request: Message, metadata: Any) -> Any:
    """Call any RPC."""
    method = bazaar.client.channel.unary_unary(
        rpc.path,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=rpc.answer_class.FromString,
    )
    return await method(request, metadata=metadata)
