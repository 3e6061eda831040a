import base64
import json
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.kernel.actor import ANONYMOUS, NO_PERMISSIONS, Actor, Permission, Role
from server.kernel.ids import CART, CartId, SessionId, UserId, new_id
from server.rpc import auth
from server.rpc.auth import (
    AccessTokens,
    Authenticator,
    CartTokenInvalid,
    CartTokens,
    Revocations,
    TokenExpired,
    TokenInvalid,
)
from server.rpc.keys import SigningKeyInvalid
from tests.world.clock import ManualClock

TTL = timedelta(minutes=15)
USER, SESSION = UserId(new_id()), SessionId(new_id())


def pem(key=None) -> bytes:
    return (key or Ed25519PrivateKey.generate()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def revocations(clock) -> Revocations:
    return Revocations(clock, keep=TTL)


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def tokens(key, clock, revocations) -> AccessTokens:
    return AccessTokens([pem(key)], clock=clock, revocations=revocations)


def forge(tokens: AccessTokens, key, *, header=None, algorithm="EdDSA", **changes) -> str:
    """Make a token as ours, but for the changes; None leaves a claim out."""
    claims = jwt.decode(tokens.issue(USER, Role.CUSTOMER, SESSION, TTL), options={"verify_signature": False})
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    headers = {"kid": tokens.jwks()[0]["kid"]} if header is None else header
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def test_verifies_what_it_issued(tokens):
    token = tokens.issue(USER, Role.VENDOR, SESSION, TTL)

    assert tokens.verify(token) == Actor(USER, Role.VENDOR, SESSION, None)
    assert tokens.verify(token) is tokens.verify(token)


def test_carries_the_permissions_of_staff_and_of_nobody_else(tokens):
    both = {Permission.ORDERS_READ, Permission.PAYMENTS_READ}
    issued = {role: tokens.issue(USER, role, SESSION, TTL, permissions=both) for role in Role}

    assert {role: tokens.verify(token).permissions for role, token in issued.items()} == {
        role: both if role is Role.STAFF else NO_PERMISSIONS for role in Role
    }
    claims = {role: jwt.decode(token, options={"verify_signature": False}) for role, token in issued.items()}
    assert claims[Role.STAFF]["permissions"] == ["orders.read", "payments.read"]
    assert [role for role in Role if "permissions" in claims[role]] == [Role.STAFF]


def test_passes_over_permissions_that_it_does_not_know(tokens):
    token = tokens.issue(USER, Role.STAFF, SESSION, TTL, permissions=["orders.read", "moon.visit", ""])

    assert tokens.verify(token).permissions == {Permission.ORDERS_READ}


def test_a_token_with_every_permission_is_not_too_long(tokens):
    token = tokens.issue(USER, Role.STAFF, SESSION, TTL, permissions=Permission)

    assert tokens.verify(token).permissions == set(Permission)
    assert len(token) < 1000


def test_an_administrator_may_do_everything(tokens):
    admin = tokens.verify(tokens.issue(USER, Role.ADMIN, SESSION, TTL))
    clerk = tokens.verify(tokens.issue(USER, Role.STAFF, SESSION, TTL, permissions=[Permission.ORDERS_READ]))

    assert all(admin.may(permission) for permission in Permission)
    assert [permission for permission in Permission if clerk.may(permission)] == [Permission.ORDERS_READ]
    assert not any(ANONYMOUS.may(permission) for permission in Permission)


def test_a_token_ends_to_the_second_also_when_it_is_remembered(tokens, clock):
    token = tokens.issue(USER, Role.CUSTOMER, SESSION, TTL)
    clock.advance(TTL - timedelta(seconds=1))
    tokens.verify(token)
    clock.advance(timedelta(seconds=1))

    for _ in range(2):
        with pytest.raises(TokenExpired):
            tokens.verify(token)


def test_refuses_forgeries(tokens, key):
    good = forge(tokens, key)
    tokens.verify(good)
    head, body, signature = good.split(".")
    admin = json.loads(base64.urlsafe_b64decode(body + "=="))
    admin["role"] = "ADMIN"
    admin_body = base64.urlsafe_b64encode(json.dumps(admin).encode()).rstrip(b"=").decode()
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    forgeries = {
        "changed": f"{head}.{admin_body}.{signature}",
        "unsigned": forge(tokens, None, algorithm="none"),
        "no signature": f"{head}.{body}.",
        "public key as a secret": forge(tokens, public.ljust(32, b"x"), algorithm="HS256"),
        "another algorithm": forge(tokens, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
        "another key": forge(tokens, Ed25519PrivateKey.generate()),
        "unknown kid": forge(tokens, key, header={"kid": "other"}),
        "no kid": forge(tokens, key, header={}),
        "another issuer": forge(tokens, key, iss="other"),
        "another audience": forge(tokens, key, aud="other"),
        "no audience": forge(tokens, key, aud=None),
        "no expiry": forge(tokens, key, exp=None),
        "no session": forge(tokens, key, sid=None),
        "unknown role": forge(tokens, key, role="ROOT"),
        "staff without permissions": forge(tokens, key, role="STAFF"),
        "a number for permissions": forge(tokens, key, role="STAFF", permissions=7),
        "user of another kind": forge(tokens, key, sub=CART.write(CartId(USER))),
        "number for a user": forge(tokens, key, sid=17),
        "empty": "",
        "words": "a.b.c",
        "not ascii": "é.é.é",
        "huge": "a" * 100_000,
    }

    for name, token in forgeries.items():
        with pytest.raises(TokenInvalid):
            pytest.fail(f"{name}: {tokens.verify(token)}")


def test_rotates_keys_without_logging_anyone_out(clock, revocations):
    old, new = pem(), pem()
    before = AccessTokens([old], clock=clock, revocations=revocations)
    during = AccessTokens([new, old], clock=clock, revocations=revocations)
    after = AccessTokens([new], clock=clock, revocations=revocations)
    issued_before = before.issue(USER, Role.CUSTOMER, SESSION, TTL)
    issued_during = during.issue(USER, Role.CUSTOMER, SESSION, TTL)

    assert during.verify(issued_before).user_id == USER
    assert after.verify(issued_during).user_id == USER
    for tokens, token in ((after, issued_before), (before, issued_during)):
        with pytest.raises(TokenInvalid):
            tokens.verify(token)
    assert [jwk["kid"] for jwk in during.jwks()] == [jwk["kid"] for jwk in (*after.jwks(), *before.jwks())]


def test_publishes_keys_that_verify(tokens):
    [jwk] = tokens.jwks()

    token = tokens.issue(USER, Role.CUSTOMER, SESSION, TTL)

    assert jwt.decode(
        token, jwt.PyJWK(dict(jwk)), ["EdDSA"], audience="kontor", options={"verify_exp": False, "verify_iat": False}
    )
    assert "d" not in jwk


def test_refuses_keys_of_other_kinds(clock, revocations):
    for pems in ([], [b"nonsense"], [pem(ec.generate_private_key(ec.SECP256R1()))]):
        with pytest.raises(SigningKeyInvalid):
            AccessTokens(pems, clock=clock, revocations=revocations)


def test_a_revoked_session_ends_at_once(tokens, revocations):
    token = tokens.issue(USER, Role.CUSTOMER, SESSION, TTL)
    other = tokens.issue(USER, Role.CUSTOMER, SessionId(new_id()), TTL)
    tokens.verify(token)

    revocations.add(SESSION)

    with pytest.raises(TokenInvalid):
        tokens.verify(token)
    assert tokens.verify(other).user_id == USER


def test_forgets_revocations_that_no_token_outlives(revocations, clock):
    revocations.add(SESSION)
    clock.advance(TTL)
    revocations.add(SessionId(new_id()))
    assert SESSION in revocations
    clock.advance(timedelta(seconds=1))

    revocations.add(SessionId(new_id()))

    assert SESSION not in revocations


def test_remembers_a_bounded_number_of_tokens(tokens, monkeypatch):
    monkeypatch.setattr(auth, "_REMEMBERED_TOKENS", 2)
    first, *others = [tokens.issue(USER, Role.CUSTOMER, SessionId(new_id()), TTL) for _ in range(3)]
    actor = tokens.verify(first)

    for token in others:
        tokens.verify(token)

    assert tokens.verify(first) is not actor
    assert tokens.verify(first) == actor


def test_cart_tokens_name_their_cart():
    cart_id = CartId(new_id())
    tokens = CartTokens([b"a" * 32])

    assert tokens.verify(tokens.issue(cart_id)) == cart_id


def test_cart_tokens_survive_a_new_secret():
    cart_id = CartId(new_id())
    old = CartTokens([b"a" * 32]).issue(cart_id)

    assert CartTokens([b"b" * 32, b"a" * 32]).verify(old) == cart_id
    with pytest.raises(CartTokenInvalid):
        CartTokens([b"b" * 32]).verify(old)


def test_refuses_cart_tokens_of_others():
    tokens = CartTokens([b"a" * 32])
    mine, yours = (tokens.issue(CartId(new_id())).split(".") for _ in range(2))
    forgeries = ["", ".", mine[0], mine[0] + ".", f"{mine[0]}.{yours[1]}", ".".join(mine)[:-1], f"{mine[0]}.é", "é.é"]

    for token in forgeries:
        with pytest.raises(CartTokenInvalid):
            tokens.verify(token)


def test_needs_a_secret():
    with pytest.raises(ValueError, match="at least one"):
        CartTokens([])


def test_puts_both_credentials_into_the_actor(tokens):
    carts = CartTokens([b"a" * 32])
    authenticator = Authenticator(tokens, carts)
    cart_id = CartId(new_id())
    token = tokens.issue(USER, Role.ADMIN, SESSION, TTL)

    actor = authenticator.authenticate({"authorization": f"bearer {token}", "x-cart-token": carts.issue(cart_id)})

    assert actor == Actor(USER, Role.ADMIN, SESSION, cart_id)
    assert authenticator.authenticate({"user-agent": "x"}) is ANONYMOUS
