"""What a person may choose for the one-command run."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from server.embedded.trouble import CannotStart
from server.settings import host_and_port


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The KONTOR_* variables that the one-command run knows.

    `admin_password` None: one is made. `metrics_address` None: one that is free; empty: none.
    """

    http_port: int
    grpc_port: int
    stripe_port: int
    listen: str
    workers: int
    admin_email: str
    admin_password: str | None
    default_currency: str
    metrics_address: str | None

    @property
    def processes(self) -> int:
        """How many processes run our own program: the workers, and the one for jobs."""
        return self.workers + 1

    @property
    def host(self) -> str:
        """The name under which this machine reaches what it listens on."""
        if self.listen in ("0.0.0.0", "::"):  # noqa: S104  a comparison
            return "127.0.0.1"
        return f"[{self.listen}]" if ":" in self.listen else self.listen

    @property
    def http_url(self) -> str:
        """The address of the shop for REST."""
        return f"http://{self.host}:{self.http_port}"

    @property
    def grpc_target(self) -> str:
        """The address of the shop for gRPC."""
        return f"{self.host}:{self.grpc_port}"

    @property
    def stripe_url(self) -> str:
        """The address of the Stripe stand-in; never open to other machines."""
        return f"http://127.0.0.1:{self.stripe_port}"


def read_options(environment: Mapping[str, str]) -> Options:
    """Read the environment. Raises CannotStart for a value that makes no sense."""
    password = environment.get("KONTOR_ADMIN_PASSWORD") or None
    if password is not None and len(password) < 12:
        raise CannotStart("KONTOR_ADMIN_PASSWORD is too short: take 12 characters at least, or leave it out")
    options = Options(
        http_port=_number(environment, "KONTOR_HTTP_PORT", 8080, 65535),
        grpc_port=_number(environment, "KONTOR_GRPC_PORT", 50051, 65535),
        stripe_port=_number(environment, "KONTOR_STRIPE_PORT", 8420, 65535),
        listen=environment.get("KONTOR_LISTEN") or "127.0.0.1",
        workers=_number(environment, "KONTOR_WORKERS", 2, 64),
        admin_email=environment.get("KONTOR_ADMIN_EMAIL") or "admin@kontor.example",
        admin_password=password,
        default_currency=environment.get("KONTOR_DEFAULT_CURRENCY") or "EUR",
        metrics_address=_host_and_port(environment, "KONTOR_METRICS_ADDRESS"),
    )
    if "@" not in options.admin_email:
        raise CannotStart(f"KONTOR_ADMIN_EMAIL is {options.admin_email!r}: it has to be an e-mail address")
    return options


def check_ports(options: Options) -> None:
    """Find out whether the ports are free. Raises CannotStart for the first that is not."""
    wanted = [
        ("KONTOR_HTTP_PORT", options.listen, options.http_port),
        ("KONTOR_GRPC_PORT", options.listen, options.grpc_port),
        ("KONTOR_STRIPE_PORT", "127.0.0.1", options.stripe_port),
    ]
    seen: dict[int, str] = {}
    for variable, host, port in wanted:
        if port in seen:
            raise CannotStart(f"{variable} and {seen[port]} are both {port}: give each its own port")
        seen[port] = variable
        _check_port(variable, host, port)


def _check_port(variable: str, host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Connections that just ended must not look like a program that listens.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except PermissionError:
            raise CannotStart(f"this user may not listen on port {port}: set {variable} to a port above 1023") from None
        except socket.gaierror:
            raise CannotStart(f"KONTOR_LISTEN is {host!r}, which is no address of this machine") from None
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise CannotStart(f"KONTOR_LISTEN is {host!r}, which is no address of this machine") from None
            raise CannotStart(
                f"port {port} is taken by another program: stop that one, or set {variable} to a free port"
            ) from None


def _host_and_port(environment: Mapping[str, str], variable: str) -> str | None:
    text = environment.get(variable)
    try:
        return None if text is None else host_and_port(text)
    except ValueError as error:
        raise CannotStart(f"{variable} is {text!r}: {error}") from None


def _number(environment: Mapping[str, str], variable: str, default: int, largest: int) -> int:
    text = environment.get(variable) or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= largest:
        raise CannotStart(f"{variable} is {text!r}: it has to be a number from 1 to {largest}")
    return int(text)
