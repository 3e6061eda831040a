"""How a recording looks: JSON in which what fits on a line stands on one, so that a diff shows what changed."""

import json
from collections.abc import Iterable
from typing import Any, Final

_WIDTH: Final = 118
_STEP: Final = "  "


def lay_out(value: Any) -> str:
    """Write JSON; the same value gives the same text."""
    return f"{_lay_out(value, '', '')}\n"


def _lay_out(value: Any, indent: str, before: str) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value:
        return line
    if len(indent) + len(before) + len(line) < _WIDTH and not _has_entries(value):
        return line
    inner = indent + _STEP
    if isinstance(value, dict):
        return _block("{}", [_pair(key, part, inner) for key, part in value.items()], indent)
    return _block("[]", [_lay_out(part, inner, "") for part in value], indent)


def _pair(key: str, part: Any, indent: str) -> str:
    name = f"{json.dumps(key, ensure_ascii=False)}: "
    return name + _lay_out(part, indent, name)


def _block(brackets: str, parts: Iterable[str], indent: str) -> str:
    inner = f",\n{indent}{_STEP}".join(parts)
    return f"{brackets[0]}\n{indent}{_STEP}{inner}\n{indent}{brackets[1]}"


def _has_entries(value: Any) -> bool:
    # A step of a walk never hides in a line.
    return isinstance(value, list) and any(isinstance(part, dict) and "who" in part for part in value)
