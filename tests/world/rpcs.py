"""The RPCs of the contract as their descriptors tell them, present and future: no list names a service.

Every RPC takes a request of its own, as `buf lint` sees to, so the request alone says what is called. What a test asks
for is checked by mypy that way; what it is answered is as good as untyped, but for people's verbs (`people.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import grpc
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from kontor.options.v1 import policy_pb2

from protos.generate import PROTOS
from server.kernel.actor import Permission

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Rpc:
    """One RPC of the contract."""

    descriptor: MethodDescriptor

    def __str__(self) -> str:
        return f"{self.descriptor.containing_service.name}/{self.descriptor.name}"

    @property
    def path(self) -> str:
        """Its path on the wire."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def feature(self) -> str:
        """The feature that it belongs to: `orders`."""
        return str(self.descriptor.containing_service.full_name).split(".")[1]

    @property
    def policy(self) -> policy_pb2.Policy:
        """Its policy."""
        return self.descriptor.GetOptions().Extensions[policy_pb2.policy]

    @property
    def permission(self) -> Permission | None:
        """What staff need for it, if there is anything for them."""
        name = policy_pb2.Permission.Name(self.policy.permission).removeprefix("PERMISSION_")
        return Permission[name] if self.policy.permission else None

    @property
    def read_only(self) -> bool:
        """Whether it is marked as free of side effects."""
        level = self.descriptor.GetOptions().idempotency_level
        return bool(level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS)

    @property
    def request(self) -> Descriptor:
        """The message that it takes."""
        return self.descriptor.input_type

    @property
    def answer_class(self) -> type[Message]:
        """The class of its answer."""
        return GetMessageClass(self.descriptor.output_type)


def rpcs() -> list[Rpc]:
    """List every RPC, in the order of the files."""
    return [Rpc(method) for service in services() for method in service.methods]


def services() -> Iterator[ServiceDescriptor]:
    """Yield every service."""
    for path in sorted(PROTOS.rglob("*_service.proto")):
        name = path.relative_to(PROTOS).with_suffix("").as_posix().replace("/", ".")
        yield from import_module(f"{name}_pb2").DESCRIPTOR.services_by_name.values()


def call(channel: grpc.aio.Channel, request: Message, metadata: Metadata = ()) -> grpc.aio.UnaryUnaryCall[Any, Any]:
    """Call the RPC that takes such a request."""
    rpc = _by_request()[request.DESCRIPTOR.full_name]
    method: grpc.aio.UnaryUnaryMultiCallable[Any, Any] = channel.unary_unary(
        rpc.path,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=rpc.answer_class.FromString,
    )
    return method(request, metadata=metadata)


@cache
def _by_request() -> dict[str, Rpc]:
    return {rpc.request.full_name: rpc for rpc in rpcs()}
