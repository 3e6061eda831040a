"""The keys that sign access tokens: Ed25519, named by their thumbprint."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM: Final = "EdDSA"


class SigningKeyInvalid(Exception):
    """A key file does not hold an Ed25519 private key."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair; `jwk` is the public half as a JSON Web Key."""

    kid: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey
    jwk: dict[str, str]


def load_key(pem: bytes) -> SigningKey:
    """Read a private key. Raises SigningKeyInvalid."""
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise SigningKeyInvalid(f"not a PEM private key without password: {error}") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise SigningKeyInvalid("the key is not an Ed25519 key")
    public = private.public_key()
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    members = {"crv": "Ed25519", "kty": "OKP", "x": base64url(raw)}
    # RFC 7638: the thumbprint names a key without anybody having to number keys.
    kid = base64url(hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest())
    return SigningKey(kid, private, public, {**members, "alg": ALGORITHM, "use": "sig", "kid": kid})


def base64url(data: bytes) -> str:
    """Write bytes as tokens do."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
