"""Checks requests against the rules that stand in the contract."""

from typing import Final

import protovalidate
from google.protobuf.message import Message

from server.kernel.errors import FieldViolation, InvalidArgument

# One validator: it compiles the rules of a message type when it first sees it.
_validator: Final = protovalidate.Validator()


def validate(request: Message) -> None:
    """Refuse a request that breaks a rule. Raises InvalidArgument naming every field at fault."""
    violations = _validator.collect_violations(request)
    if violations:
        raise _refusal([violation.proto for violation in violations])


def _refusal(violations: list[protovalidate.ViolationPb]) -> InvalidArgument:
    fields = tuple(
        FieldViolation(_path(violation.field) if violation.field else "", violation.message or violation.rule_id or "")
        for violation in violations
    )
    first = fields[0]
    message = f"{first.field}: {first.description}" if first.field else first.description
    if len(fields) > 1:
        message += f" (and {len(fields) - 1} more)"
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
    return "".join(parts)
