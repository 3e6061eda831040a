"""Checks requests against the rules that stand in the contract."""

from collections.abc import Iterator
from typing import Any, Final

import protovalidate
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from server.kernel.errors import FieldViolation, InvalidArgument, invalid_field

# One validator: it compiles the rules of a message type when it first sees it.
_validator: Final = protovalidate.Validator()

# A large request with a fault in every item would hold up everybody else while all of them are listed, and the list
# would not fit into the trailers, for which clients allow 8 KiB.
_SMALL_REQUEST_BYTES: Final = 16 * 1024
_MOST_NAMED: Final = 10
_LONGEST_PATH: Final = 120


def validate(request: Message, size_bytes: int) -> None:
    """Refuse a request that breaks a rule.

    Raises InvalidArgument naming the fields at fault: up to ten, in a large request the first.
    """
    violations = _validator.collect_violations(request, fail_fast=True)
    if not violations:
        return
    if size_bytes <= _SMALL_REQUEST_BYTES:
        violations = _validator.collect_violations(request)
    raise _refusal([violation.proto for violation in violations[:_MOST_NAMED]], len(violations))


def refuse_nul(request: Message) -> None:
    """Refuse a request that has the character NUL in a text: PostgreSQL stores none. Raises InvalidArgument."""
    path = next(_paths_of_nul(request, ""), None)
    if path is not None:
        raise invalid_field(path[:_LONGEST_PATH], "must not contain the character NUL")


def _paths_of_nul(message: Message, prefix: str) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_STRING or field.message_type is not None:
            for path, part in _parts(field, value, prefix + field.name):
                if isinstance(part, Message):
                    yield from _paths_of_nul(part, f"{path}.")
                elif isinstance(part, str) and "\0" in part:
                    yield path


def _parts(field: FieldDescriptor, value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """List the values of a field: one, the items of a list, or the keys and values of a map."""
    if not field.is_repeated:
        yield path, value
    elif field.message_type is not None and field.message_type.GetOptions().map_entry:
        for key, item in value.items():
            yield path, key
            yield path, item
    else:
        for index, item in enumerate(value):
            yield f"{path}[{index}]", item


def _refusal(violations: list[protovalidate.ViolationPb], count: int) -> InvalidArgument:
    fields = tuple(
        FieldViolation(_path(violation.field) if violation.field else "", violation.message or violation.rule_id or "")
        for violation in violations
    )
    first = fields[0]
    message = f"{first.field}: {first.description}" if first.field else first.description
    if count > 1:
        message += f" (and {count - 1} more)"
    return InvalidArgument(message, fields=fields)


def _path(path: protovalidate.FieldPathPb) -> str:
    """Write a path as `items[2].options["Size"]`."""
    parts: list[str] = []
    for element in path.elements:
        name = element.field_name or ""
        parts.append(f".{name}" if parts else name)
        if element.subscript is not None:
            value = element.subscript.value
            parts.append(f'["{value}"]' if isinstance(value, str) else f"[{str(value).lower()}]")
    return "".join(parts)[:_LONGEST_PATH]
