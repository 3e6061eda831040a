"""Requests for tests that hold for every RPC."""

from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from server.kernel import ids
from server.kernel.ids import IdKind
from tests.world.rpcs import Rpc

# Ids that are well formed, so that only the one that a test spoils is at fault. A field calls what it names as the
# program does, or as the id begins: `shipping_method_id` for `ship_...`, and `item_id` for `item_...`.
_IDS = {
    f"{noun}_id": kind.write(kind.new())
    for name, kind in vars(ids).items()
    if isinstance(kind, IdKind)
    for noun in (kind.prefix, name.lower())
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
