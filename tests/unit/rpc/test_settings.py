from datetime import timedelta
from pathlib import Path

import pytest

from server.run.serve import share_cores
from server.settings import SettingsError, load_settings

COMPLETE = {
    "DATABASE_URL": "postgresql://db/kontor",
    "JWT_KEY_FILES": "/keys/new.pem, /keys/old.pem",
    "TOKEN_SECRETS": f"{'first' * 8},{'second' * 8}",
    "STRIPE_API_KEY": "sk_test",
    "STRIPE_WEBHOOK_SECRET": "whsec",
    "SMTP_URL": "smtp://mail:25",
    "MAIL_FROM": "Shop <shop@example.com>",
    "PUBLIC_URL": "https://shop.example.com",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(f"KONTOR_{name}", value)
    return monkeypatch


def test_reads_the_environment(environment):
    environment.setenv("KONTOR_CORS_ORIGINS", "https://a.example, https://b.example")
    environment.setenv("KONTOR_SHOP_ADDRESS", "Main Street 1 | 12345 Town")

    settings = load_settings()

    assert settings.jwt_key_files == (Path("/keys/new.pem"), Path("/keys/old.pem"))
    assert [secret.get_secret_value() for secret in settings.token_secrets] == ["first" * 8, "second" * 8]
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.shop_address == ("Main Street 1", "12345 Town")
    assert (settings.access_token_ttl, settings.stripe_api_base) == (timedelta(minutes=15), None)


@pytest.mark.parametrize("name", COMPLETE)
def test_names_what_is_missing(environment, name):
    environment.delenv(f"KONTOR_{name}")

    with pytest.raises(SettingsError, match=rf"^KONTOR_{name} is not set: .+") as caught:
        load_settings()

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEFAULT_CURRENCY", "euro"),
        ("DEFAULT_LANGUAGE", "xx"),
        ("LOG_LEVEL", "loud"),
        ("HOLD_MINUTES", "0"),
        ("JWT_KEY_FILES", " , "),
        ("TOKEN_SECRETS", "short"),
        ("TOKEN_SECRETS", f"{'long enough ' * 3},{'x' * 31}"),
        ("PUBLIC_URL", "https://shop.example.com/"),
        ("PUBLIC_URL", "shop.example.com"),
        ("MAIL_FROM", "Shop"),
        ("DATABASE_POOL_MAX_SIZE", "1"),
        ("ACCESS_TOKEN_TTL", "0"),
        ("METRICS_ADDRESS", "9464"),
        ("METRICS_ADDRESS", "127.0.0.1:"),
        ("METRICS_ADDRESS", "127.0.0.1:65536"),
        ("METRICS_ADDRESS", "unix:/run/metrics.sock"),
        ("RATE_LIMIT_FACTOR", "-1"),
        ("RATE_LIMIT_FACTOR", "inf"),
    ],
)
def test_names_what_is_wrong(environment, name, value):
    environment.setenv(f"KONTOR_{name}", value)

    with pytest.raises(SettingsError, match=rf"^KONTOR_{name} is wrong: ") as caught:
        load_settings()

    assert "\n" not in str(caught.value)


def test_shows_no_secret(environment):
    shown = repr(load_settings())

    for secret in ("postgresql://", "sk_test", "whsec", "first", "smtp://"):
        assert secret not in shown


def test_says_how_long_a_secret_must_be_and_not_what_it_is(environment):
    environment.setenv("KONTOR_TOKEN_SECRETS", "hunter2")

    with pytest.raises(SettingsError, match="at least 32 characters") as caught:
        load_settings()

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("cores", "workers", "threads"), [(8, 2, 4), (2, 2, 1), (2, 4, 1), (None, 2, 1)])
def test_shares_the_cores_among_workers(environment, cores, workers, threads):
    environment.setattr("os.cpu_count", lambda: cores)

    assert share_cores(load_settings(), workers).password_threads == threads


def test_leaves_a_chosen_number_of_threads_alone(environment):
    environment.setenv("KONTOR_PASSWORD_THREADS", "3")

    assert share_cores(load_settings(), 2).password_threads == 3
