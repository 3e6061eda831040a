"""The secrets of the one-command run: made at random once, kept in files that only their user can read."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from server.embedded.home import Home, write_private
from server.embedded.trouble import explain


@dataclass(frozen=True, slots=True)
class Keys:
    """What the parts of one shop share."""

    jwt_key_file: Path
    token_secret: str
    stripe_api_key: str
    stripe_webhook_secret: str
    # Of the administrator that the first start makes; `kontor demo` signs in with it.
    admin_password: str


def ensure_keys(home: Home) -> Keys:
    """Return the secrets of this home; what is missing is made. Raises CannotStart."""
    try:
        jwt_key_file = home.secrets / "jwt-ed25519.pem"
        if not jwt_key_file.exists():
            write_private(jwt_key_file, _ed25519_pem())
        return Keys(
            jwt_key_file=jwt_key_file,
            token_secret=_ensure(home.secrets / "token-secret", secrets.token_urlsafe(48)),
            stripe_api_key=_ensure(home.secrets / "stripe-api-key", f"sk_test_{secrets.token_hex(16)}"),
            stripe_webhook_secret=_ensure(home.secrets / "stripe-webhook-secret", f"whsec_{secrets.token_hex(24)}"),
            admin_password=_ensure(home.secrets / "admin-password", secrets.token_urlsafe(18)),
        )
    except OSError as error:
        raise explain(error) from None


def keep_admin_password(home: Home, password: str) -> None:
    """Keep the password that a person chose for the new administrator."""
    write_private(home.secrets / "admin-password", password + "\n")


def kept_admin_password(home: Home) -> str:
    """Return the password of the administrator that a start of this home made."""
    return (home.secrets / "admin-password").read_text(encoding="utf-8").strip()


def _ensure(path: Path, fresh: str) -> str:
    if not path.exists():
        write_private(path, fresh + "\n")
    return path.read_text(encoding="utf-8").strip()


def _ed25519_pem() -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
