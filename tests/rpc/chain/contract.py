"""A contract made for the tests of the chain: one service with a method for each policy, and a servicer to script."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from buf.validate import validate_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from kontor.options.v1 import policy_pb2

from server.rpc.call import Call

SERVICE = "kontor.test.v1.EchoService"
NO_SIDE_EFFECTS = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS

_POLICIES = {
    "Public": policy_pb2.Policy(access=policy_pb2.ACCESS_PUBLIC),
    "Guest": policy_pb2.Policy(access=policy_pb2.ACCESS_GUEST),
    "User": policy_pb2.Policy(access=policy_pb2.ACCESS_USER),
    "Vendor": policy_pb2.Policy(access=policy_pb2.ACCESS_VENDOR, permission=policy_pb2.PERMISSION_CATALOG_WRITE),
    "Staff": policy_pb2.Policy(access=policy_pb2.ACCESS_STAFF, permission=policy_pb2.PERMISSION_INVENTORY_WRITE),
    "Watched": policy_pb2.Policy(access=policy_pb2.ACCESS_GUEST, permission=policy_pb2.PERMISSION_ORDERS_READ),
    "Signed": policy_pb2.Policy(access=policy_pb2.ACCESS_SIGNED),
    "Once": policy_pb2.Policy(access=policy_pb2.ACCESS_GUEST, idempotency=policy_pb2.IDEMPOTENCY_OPTIONAL),
    "Must": policy_pb2.Policy(access=policy_pb2.ACCESS_GUEST, idempotency=policy_pb2.IDEMPOTENCY_REQUIRED),
    "Fresh": policy_pb2.Policy(
        access=policy_pb2.ACCESS_GUEST, idempotency=policy_pb2.IDEMPOTENCY_OPTIONAL, fresh_replay=True
    ),
    "Read": policy_pb2.Policy(access=policy_pb2.ACCESS_PUBLIC, rate_class=policy_pb2.RATE_CLASS_READ),
    "Kept": policy_pb2.Policy(access=policy_pb2.ACCESS_PUBLIC, rate_class=policy_pb2.RATE_CLASS_READ, cacheable=True),
}
METHODS = tuple(_POLICIES)
_TEXT = descriptor_pb2.FieldDescriptorProto.TYPE_STRING
_MESSAGE = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE


def _field(message: Any, name: str, kind: Any = _TEXT, *, repeated: bool = False, type_name: str | None = None) -> Any:
    proto = descriptor_pb2.FieldDescriptorProto
    label = proto.LABEL_REPEATED if repeated else proto.LABEL_OPTIONAL
    return message.field.add(name=name, number=len(message.field) + 1, type=kind, label=label, type_name=type_name)


def describe(name: str, package: str, policies: dict[str, policy_pb2.Policy]) -> descriptor_pb2.FileDescriptorProto:
    """Write a contract with these methods."""
    file = descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax="proto3")
    file.dependency.extend([policy_pb2.DESCRIPTOR.name, validate_pb2.DESCRIPTOR.name])
    item = file.message_type.add(name="Item")
    _field(item, "name").options.Extensions[validate_pb2.field].string.min_len = 2
    request = file.message_type.add(name="EchoRequest")
    _field(request, "text").options.Extensions[validate_pb2.field].string.max_len = 20
    _field(request, "items", _MESSAGE, repeated=True, type_name=f".{package}.Item")
    _field(request, "request_id")
    _field(file.message_type.add(name="EchoResponse"), "text")
    service = file.service.add(name="EchoService")
    for method_name, policy in policies.items():
        method = service.method.add(
            name=method_name, input_type=f".{package}.EchoRequest", output_type=f".{package}.EchoResponse"
        )
        if method_name in ("Read", "Kept"):
            method.options.idempotency_level = NO_SIDE_EFFECTS
        method.options.Extensions[policy_pb2.policy].CopyFrom(policy)
    return file


_pool = descriptor_pool.Default()
_pool.AddSerializedFile(describe("kontor/test/v1/echo.proto", "kontor.test.v1", _POLICIES).SerializeToString())
DESCRIPTOR = _pool.FindServiceByName(SERVICE)
EchoRequest: type[Any] = GetMessageClass(_pool.FindMessageTypeByName("kontor.test.v1.EchoRequest"))
EchoResponse: type[Any] = GetMessageClass(_pool.FindMessageTypeByName("kontor.test.v1.EchoResponse"))

Script = Callable[[Any, Call], Awaitable[str]]


class EchoServicer:
    """Does for every method what the test wrote into `script`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.done = asyncio.Event()
        self.script: Script = _echo

    def __getattr__(self, name: str) -> Callable[[Any, Call], Awaitable[Message]]:
        if name not in METHODS:
            raise AttributeError(name)
        return self._answer

    async def _answer(self, request: Any, call: Call) -> Message:
        self.calls.append(call)
        text = await self.script(request, call)
        message: Message = EchoResponse(text=text)
        return message


async def _echo(request: Any, call: Call) -> str:
    return f"echo {request.text}"
