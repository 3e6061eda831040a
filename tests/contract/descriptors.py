"""What the contracts say beside their RPCs: the messages of requests, and the comments."""

import tempfile
from functools import cache
from pathlib import Path

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor

from protos.generate import write_image
from tests.world.rpcs import rpcs


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
