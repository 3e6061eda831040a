"""Lists that come in pages, and page tokens as somebody could edit them: they carry no signature."""

import base64
import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Protocol

from google.protobuf.message import Message

from server.kernel.pages import encode_page_token

_NONSENSE = ("\0", "", "x", "2031-13-01", 10**30, "9" * 40, str(2**63))


class Caller(Protocol):
    """A person, or the shop on behalf of anybody."""

    def call(self, request: Message) -> Any: ...


async def pages(caller: Caller, request: Any) -> list[Any]:
    """Turn the pages of a list, from the first to the last."""
    found = []
    while True:
        page = await caller.call(request)
        found.append(page)
        if not page.next_page_token:
            return found
        request = deepcopy(request)
        request.page_token = page.next_page_token


def edited_page_tokens(token: str) -> Iterator[str]:
    """Put nonsense in the place of each part of a token's sort key, and leave parts out."""
    digest, *key = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    yield encode_page_token([*key, "more"], digest)
    for place in range(len(key)):
        for value in _NONSENSE:
            yield encode_page_token([*key[:place], value, *key[place + 1 :]], digest)
