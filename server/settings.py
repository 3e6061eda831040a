"""The environment, read once into one frozen object. No secret has a default."""

from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server.texts.languages import FALLBACK, LANGUAGES

_PREFIX = "KONTOR_"
_MIN_SECRET_LENGTH = 32


class SettingsError(Exception):
    """A setting is missing or wrong; the message is one line that says what to do."""


def _split(value: object) -> object:
    """Read a list from a text with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _lines(value: object) -> object:
    """Read an address from a text whose lines are separated by `|`."""
    if isinstance(value, str):
        return [part.strip() for part in value.split("|") if part.strip()]
    return value


def _long_enough(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """Refuse a secret that could be guessed."""
    if any(len(secret.get_secret_value()) < _MIN_SECRET_LENGTH for secret in secrets):
        raise ValueError(f"each secret needs at least {_MIN_SECRET_LENGTH} characters")
    return secrets


def _plain_url(url: str) -> str:
    """Refuse an address to which paths cannot be added."""
    if not url.startswith(("https://", "http://")) or url.endswith("/"):
        raise ValueError("it must begin with https:// (or http://) and have no slash at the end")
    return url


def host_and_port(address: str) -> str:
    """Refuse what is no `host:port`; empty is fine."""
    host, _, port = address.rpartition(":")
    if address and not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError("it must be host:port, such as 127.0.0.1:9464, or empty")
    return address


def _names_a_sender(sender: str) -> str:
    """Refuse a sender without an address."""
    name, at, domain = parseaddr(sender)[1].partition("@")
    if not (name and at and domain):
        raise ValueError("it must be an address, or a name and an address: `Shop <shop@example.com>`")
    return sender


def _has_texts(language: str) -> str:
    """Refuse a language that the shop does not speak."""
    if language not in LANGUAGES:
        raise ValueError(f"the shop has texts in {', '.join(LANGUAGES)}")
    return language


class Settings(BaseSettings):
    """Everything that differs between one shop and another. Each is `KONTOR_` and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore")

    database_url: SecretStr = Field(description="the address of PostgreSQL, postgresql://user:password@host/database")
    # The first key signs access tokens, all verify.
    jwt_key_files: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_split), Field(min_length=1)] = Field(
        description="PEM files with Ed25519 private keys, separated by commas"
    )
    # The first secret signs guests' cart tokens, all verify.
    token_secrets: Annotated[
        tuple[SecretStr, ...], NoDecode, BeforeValidator(_split), Field(min_length=1), AfterValidator(_long_enough)
    ] = Field(description="random texts of at least 32 characters, separated by commas")
    stripe_api_key: SecretStr = Field(description="the secret key of the Stripe account; empty: no Stripe")
    stripe_webhook_secret: SecretStr = Field(description="the signing secret of the Stripe webhook endpoint")
    smtp_url: SecretStr = Field(description="the mail server, smtp://user:password@host:port")
    mail_from: Annotated[str, AfterValidator(_names_a_sender)] = Field(
        description="the sender of the shop's mails, `Shop <shop@example.com>`"
    )
    public_url: Annotated[str, AfterValidator(_plain_url)] = Field(
        description="the address of the shop as its customers see it, without a slash at the end"
    )

    # None: Stripe itself; the embedded run and the tests point it at a stand-in.
    stripe_api_base: str | None = None
    # Of mails, invoices and errors, when nobody asked for another one.
    default_language: Annotated[str, AfterValidator(_has_texts)] = FALLBACK
    default_currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    # Whose taxes prices show before there is an address.
    default_country: str = Field(default="DE", pattern=r"^[A-Z]{2}$")
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = ()
    log_level: str = Field(default="INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")
    database_pool_min_size: int = Field(default=2, ge=1)
    database_pool_max_size: int = Field(default=10, ge=1)
    access_token_ttl: timedelta = Field(default=timedelta(minutes=15), gt=timedelta())
    refresh_token_ttl: timedelta = Field(default=timedelta(days=30), gt=timedelta())
    # How many passwords each process hashes at a time; None: as many as there are cores, shared among the workers.
    password_threads: int | None = Field(default=None, ge=1)
    # What the answers to anonymous catalog reads may take in each process; 0: none are kept.
    response_cache_bytes: int = Field(default=64 * 1024 * 1024, ge=0)
    # How often a caller may call, as a multiple of the limits in server/rpc/rates.py; 0: as often as it likes.
    rate_limit_factor: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    # Where a process shows its figures at /metrics; of several, each has the next port. Empty: nowhere.
    metrics_address: Annotated[str, AfterValidator(host_and_port)] = ""
    # How long an unpaid order keeps its stock.
    hold_minutes: int = Field(default=30, ge=1)
    # How long it does when the buyer pays by bank transfer; 0: that is not offered.
    bank_transfer_days: int = Field(default=0, ge=0, le=365)

    # What invoices say about the seller.
    shop_name: str = "Kontor"
    shop_address: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_lines)] = ()
    shop_vat_id: str = ""

    @field_validator("database_pool_max_size")
    @classmethod
    def _holds_the_smallest(cls, size: int, info: ValidationInfo) -> int:
        if size < info.data.get("database_pool_min_size", 0):
            raise ValueError("it must not be less than KONTOR_DATABASE_POOL_MIN_SIZE")
        return size


def load_settings() -> Settings:
    """Read the environment. Raises SettingsError with one line for what is missing or wrong first."""
    try:
        return Settings()  # type: ignore[call-arg]  # The environment fills the fields.
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    first = error.errors(include_input=False)[0]
    name = str(first["loc"][0])
    variable = _PREFIX + name.upper()
    if first["type"] == "missing":
        return f"{variable} is not set: {Settings.model_fields[name].description}"
    return f"{variable} is wrong: {first['msg']}"
