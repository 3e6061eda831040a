"""The contracts as their descriptors tell them, for tests that hold for every RPC, present and future."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from kontor.options.v1 import policy_pb2

from protos.generate import PROTOS, write_image
from server.kernel.actor import Permission


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


def request_messages() -> dict[str, Descriptor]:
    """Return our messages that travel in requests, nested ones too, by their full names."""
    found: dict[str, Descriptor] = {}

    def visit(message: Descriptor) -> None:
        if message.full_name in found or not message.full_name.startswith("kontor."):
            return
        found[message.full_name] = message
        for field in message.fields:
            if field.message_type is not None:
                visit(field.message_type)

    for rpc in rpcs():
        visit(rpc.request)
    return found


@cache
def comments() -> dict[str, str]:
    """Return the comment that stands before each RPC and each value of an enum, by its full name, on one line."""
    found = {}
    for file in _with_comments().file:
        if not file.package.startswith("kontor."):
            continue
        for location in file.source_code_info.location:
            name = _named(file, list(location.path))
            if name:
                found[f"{file.package}.{name}"] = " ".join(location.leading_comments.split())
    return found


def _named(file: descriptor_pb2.FileDescriptorProto, path: list[int]) -> str:
    # The numbers are those of the fields of FileDescriptorProto: 6 service, 5 enum; then 2 method or value.
    match path:
        case [6, service, 2, method]:
            return f"{file.service[service].name}.{file.service[service].method[method].name}"
        case [5, enum, 2, value]:
            return f"{file.enum_type[enum].name}.{file.enum_type[enum].value[value].name}"
    return ""


def _with_comments() -> descriptor_pb2.FileDescriptorSet:
    with tempfile.NamedTemporaryFile(suffix=".binpb") as image:
        write_image(Path(image.name))
        return descriptor_pb2.FileDescriptorSet.FromString(Path(image.name).read_bytes())
