"""The settings of the one-command run, as the environment of its processes."""

from __future__ import annotations

from collections.abc import Mapping

from server.embedded.home import Home
from server.embedded.keys import Keys
from server.embedded.options import Options

_OWN = ("KONTOR_DATABASE_URL", "KONTOR_STRIPE_API_KEY", "KONTOR_SMTP_URL", "KONTOR_JWT_KEY_FILES")


def shop_environment(options: Options, home: Home, keys: Keys, *, database_url: str, smtp_url: str) -> dict[str, str]:
    """Return the KONTOR_* variables for workers and commands."""
    return {
        "KONTOR_HOME": str(home.folder),
        "KONTOR_DATABASE_URL": database_url,
        "KONTOR_JWT_KEY_FILES": str(keys.jwt_key_file),
        "KONTOR_TOKEN_SECRETS": keys.token_secret,
        "KONTOR_STRIPE_API_KEY": keys.stripe_api_key,
        "KONTOR_STRIPE_API_BASE": options.stripe_url,
        "KONTOR_STRIPE_WEBHOOK_SECRET": keys.stripe_webhook_secret,
        "KONTOR_SMTP_URL": smtp_url,
        "KONTOR_MAIL_FROM": "Kontor <shop@kontor.example>",
        # Stands on the invoices.
        "KONTOR_SHOP_NAME": "Kontor Sample Shop",
        "KONTOR_SHOP_ADDRESS": "Speicherstadt 1|20457 Hamburg|Germany",
        "KONTOR_PUBLIC_URL": options.http_url,
        "KONTOR_DEFAULT_CURRENCY": options.default_currency,
        "KONTOR_BANK_TRANSFER_DAYS": "7",
    }


def ignored(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that are set and mean nothing here, since this run brings the part itself."""
    return [variable for variable in _OWN if environment.get(variable)]
