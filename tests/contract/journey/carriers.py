"""How a call reaches the shop, and what comes back: over gRPC, or as JSON through Envoy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from google.protobuf.message import Message

from tests.contract.journey.veil import Json
from tests.world.rpcs import Rpc, rpcs

Headers = Mapping[str, str]

RPCS: Mapping[str, Rpc] = {rpc.descriptor.name: rpc for rpc in rpcs()}
# Whatever id the shop gives a request, it names it in the same way wherever it does.
REQUEST_ID = "<request>"


class Refused(Exception):
    """A call that a walk needs was refused."""


class CannotBeSaid(Exception):
    """This way has no words for the call."""


@dataclass(frozen=True)
class Outcome:
    """What came of a call: what a recording says of it, and what the walk goes on with."""

    sent: Json
    came: Json
    # None when it was refused.
    answer: Any | None
    # What the error names, by its reason.
    metadata: Mapping[str, str] = field(default_factory=dict)


class Carrier(Protocol):
    """One of the two ways."""

    # Whether it is taken to the end, and not only as far as it tells something new.
    thorough: bool

    async def call(self, rpc: Rpc, request: Message, headers: Headers) -> Outcome:
        """Call an RPC. Raises CannotBeSaid."""
        ...
