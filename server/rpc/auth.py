"""Credentials: access tokens of accounts, cart tokens of guests, and the sessions that ended early."""

import hmac
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import jwt

from server.db.listen import Listener
from server.kernel.actor import ANONYMOUS, NO_PERMISSIONS, Actor, Role, known_permissions
from server.kernel.clock import Clock
from server.kernel.errors import AppError, Unauthenticated
from server.kernel.ids import CART, SESSION, USER, CartId, SessionId, UserId
from server.rpc.keys import ALGORITHM, SigningKeyInvalid, base64url, load_key

ISSUER: Final = "kontor"
AUDIENCE: Final = "kontor"
REVOKED_CHANNEL: Final = "session_revoked"

# A token of ours has some 350 characters, and twice as many with every permission there is.
_MAX_TOKEN_LENGTH: Final = 2048
_REMEMBERED_TOKENS: Final = 20_000
_CART_TOKEN_CONTEXT: Final = b"kontor cart token v1\0"


class TokenInvalid(Unauthenticated):
    """The access token is malformed, forged, or its session ended."""

    reason = "TOKEN_INVALID"


class TokenExpired(Unauthenticated):
    """The access token is too old."""

    reason = "TOKEN_EXPIRED"


class CartTokenInvalid(Unauthenticated):
    """The cart token is malformed or forged."""

    reason = "CART_TOKEN_INVALID"


class Revocations:
    """The sessions that ended while access tokens of theirs may still be good.

    Each process learns of them by notification, and loads those of the last `keep` (an access token's life) when it
    starts and whenever its listener was away.
    """

    def __init__(self, clock: Clock, *, keep: timedelta) -> None:
        self._clock = clock
        self._keep = keep.total_seconds()
        self._revoked: dict[UUID, float] = {}

    def __contains__(self, session_id: UUID | None) -> bool:
        return session_id in self._revoked

    def add(self, session_id: UUID) -> None:
        """Refuse the tokens of a session from now on."""
        now = self._clock.now().timestamp()
        # Entries are in order of time: the oldest ones come first, and no token outlives them.
        while self._revoked and now - next(iter(self._revoked.values())) > self._keep:
            del self._revoked[next(iter(self._revoked))]
        self._revoked.setdefault(session_id, now)

    def follow(self, listener: Listener, load: Callable[[], Awaitable[Iterable[UUID]]]) -> None:
        """Hear of every session that ends; `load` lists those that ended lately."""

        async def reload() -> None:
            for session_id in await load():
                self.add(session_id)

        listener.on(REVOKED_CHANNEL, lambda session_id: self.add(UUID(session_id)), on_reconnect=reload)


class AccessTokens:
    """Issues and verifies access tokens: JWTs signed with Ed25519.

    The first key signs, all verify, so a key is rotated by putting a new one in front. A verified token is remembered
    until it expires: its signature is checked once.
    """

    def __init__(self, pems: Sequence[bytes], *, clock: Clock, revocations: Revocations) -> None:
        if not pems:
            raise SigningKeyInvalid("at least one signing key is needed")
        keys = [load_key(pem) for pem in pems]
        self._signing = keys[0]
        self._keys = {key.kid: key for key in keys}
        self._clock = clock
        self._revocations = revocations
        self._remembered: dict[str, tuple[Actor, float]] = {}

    def issue(
        self,
        user_id: UserId,
        role: Role,
        session_id: SessionId,
        ttl: timedelta,
        *,
        permissions: Collection[str] = NO_PERMISSIONS,
    ) -> str:
        """Make a token for a session. Permissions go into those of STAFF only: nobody else has any, or needs them."""
        now = self._clock.now()
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": USER.write(user_id),
            "sid": SESSION.write(session_id),
            "role": role.value,
            "iat": int(now.timestamp()),
            "exp": int((now + ttl).timestamp()),
        }
        if role is Role.STAFF:
            claims["permissions"] = sorted(permissions)
        return jwt.encode(claims, self._signing.private, algorithm=ALGORITHM, headers={"kid": self._signing.kid})

    def verify(self, token: str) -> Actor:
        """Return the token's actor. Raises TokenInvalid or TokenExpired."""
        actor, expires = self._remembered.get(token) or self._remember(token)
        if self._clock.now().timestamp() >= expires:
            self._remembered.pop(token, None)
            raise TokenExpired("The access token has expired; get a new one with the refresh token")
        if actor.session_id in self._revocations:
            raise TokenInvalid("The session of this access token has ended; log in again")
        return actor

    def jwks(self) -> list[Mapping[str, str]]:
        """Return the public keys as JSON Web Keys."""
        return [key.jwk for key in self._keys.values()]

    def _remember(self, token: str) -> tuple[Actor, float]:
        entry = self._check(token)
        if len(self._remembered) >= _REMEMBERED_TOKENS:
            # The oldest entry: dicts keep the order in which keys came.
            del self._remembered[next(iter(self._remembered))]
        self._remembered[token] = entry
        return entry

    def _check(self, token: str) -> tuple[Actor, float]:
        try:
            claims = self._claims(token)
            role = Role(claims["role"])
            actor = Actor(
                user_id=USER.read(claims["sub"], "sub"),
                role=role,
                session_id=SESSION.read(claims["sid"], "sid"),
                cart_id=None,
                permissions=known_permissions(claims["permissions"]) if role is Role.STAFF else NO_PERMISSIONS,
            )
            return actor, float(claims["exp"])
        except (jwt.PyJWTError, AppError, LookupError, ValueError, TypeError, AttributeError):
            raise TokenInvalid("The access token is not one that this shop issued") from None

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > _MAX_TOKEN_LENGTH:
            raise ValueError("too long")
        key = self._keys.get(jwt.get_unverified_header(token).get("kid", ""))
        if key is None:
            raise ValueError("unknown key")
        return jwt.decode(
            token,
            key.public,
            # Pinned: what the token's header says about its algorithm decides nothing.
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            # Expiry is compared with our own clock, at every use and not only at the first. When it was issued decides
            # nothing, and the clock of the process that issued it may be a little ahead.
            options={
                "require": ["iss", "aud", "sub", "sid", "role", "iat", "exp"],
                "verify_exp": False,
                "verify_iat": False,
            },
        )


class CartTokens:
    """Issues and verifies the tokens of guests' carts: the cart's id and an HMAC of it; nothing is stored.

    The first secret signs, all verify.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets:
            raise ValueError("at least one secret is needed")
        self._secrets = list(secrets)

    def issue(self, cart_id: CartId) -> str:
        """Make the token of a cart."""
        return f"{CART.write(cart_id)}.{_cart_signature(self._secrets[0], cart_id)}"

    def verify(self, token: str) -> CartId:
        """Return the token's cart. Raises CartTokenInvalid."""
        text, _, signature = token.partition(".")
        try:
            cart_id = CART.read(text, "x-cart-token")
            # Bytes: compare_digest refuses texts that are not ASCII.
            given = signature.encode()
        except (AppError, UnicodeEncodeError):
            raise _bad_cart_token() from None
        for secret in self._secrets:
            if hmac.compare_digest(_cart_signature(secret, cart_id).encode(), given):
                return CartId(cart_id)
        raise _bad_cart_token()


class Authenticator:
    """Finds out who calls from the headers of a call."""

    def __init__(self, access_tokens: AccessTokens, cart_tokens: CartTokens) -> None:
        self._access_tokens = access_tokens
        self._cart_tokens = cart_tokens

    def authenticate(self, headers: Mapping[str, str]) -> Actor:
        """Return the actor. Credentials that do not hold are refused, never taken for none."""
        actor = ANONYMOUS
        authorization = headers.get("authorization")
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise TokenInvalid("Send the access token as `authorization: Bearer ...`")
            actor = self._access_tokens.verify(token.strip())
        cart_token = headers.get("x-cart-token")
        if cart_token is not None:
            actor = replace(actor, cart_id=self._cart_tokens.verify(cart_token))
        return actor


def _bad_cart_token() -> CartTokenInvalid:
    return CartTokenInvalid("The cart token is not one that this shop issued; call without one to start a new cart")


def _cart_signature(secret: bytes, cart_id: UUID) -> str:
    digest = hmac.digest(secret, _CART_TOKEN_CONTEXT + cart_id.bytes, "sha256")
    return base64url(digest)
