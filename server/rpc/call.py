"""What a servicer knows about a call besides the request."""

from collections.abc import Hashable, Mapping

from server.db.idempotency import Claim
from server.kernel.actor import Actor, Permission, Viewer
from server.texts.languages import best_language


class Call:
    """One call."""

    __slots__ = ("_headers", "_peer", "_permission", "_response_headers", "actor", "cache_tags", "claim", "id")

    def __init__(
        self,
        *,
        actor: Actor,
        permission: Permission | None,
        request_id: str,
        claim: Claim,
        headers: Mapping[str, str],
        peer: str,
    ) -> None:
        self.actor = actor
        # What the policy of the method names: who has it sees what belongs to others.
        self._permission = permission
        self.id = request_id
        self.claim = claim
        self._headers = headers
        self._peer = peer
        self._response_headers: dict[str, str] | None = None
        # What has to change for the answer to be wrong; see server.rpc.cache. None: nobody said it yet.
        self.cache_tags: frozenset[Hashable] | None = None

    @property
    def viewer(self) -> Viewer:
        """Who asks, as statements want it; staff see what belongs to others by the permission of the policy."""
        actor, permission = self.actor, self._permission
        return Viewer(actor.user_id, actor.cart_id, sees_all=permission is not None and actor.may(permission))

    @property
    def remote_address(self) -> str:
        """The network address of the caller, or an empty text where there is none (a unix socket without Envoy).

        Our Envoy names it in a header that it takes from nobody else, and counts the trusted proxies in front of it.
        Another proxy appends the address that it saw to x-forwarded-for; what stands before was sent by the caller and
        is worth nothing. Only proxies and internal clients reach the workers, so the headers can be trusted that far.
        """
        named = self._headers.get("x-kontor-client-address")
        if named:
            return named
        forwarded = self._headers.get("x-forwarded-for")
        if forwarded:
            return forwarded.rpartition(",")[2].strip()
        kind, _, address = self._peer.partition(":")
        if kind not in ("ipv4", "ipv6"):
            return ""
        return address.rpartition(":")[0].replace("%5B", "").replace("%5D", "").strip("[]")

    @property
    def user_agent(self) -> str:
        """What the caller says it runs on."""
        return self._headers.get("user-agent", "")

    @property
    def language(self) -> str:
        """The language of ours that the caller asks for; empty: it names none."""
        return best_language(self._headers.get("accept-language", ""))

    def header(self, name: str) -> str | None:
        """Return a header of the request; names are lower case."""
        return self._headers.get(name)

    def set_header(self, name: str, value: str) -> None:
        """Add a header to the answer; names are lower case."""
        if self._response_headers is None:
            self._response_headers = {}
        self._response_headers[name] = value

    @property
    def response_headers(self) -> Mapping[str, str] | None:
        """The headers that were set; None when none was."""
        return self._response_headers
