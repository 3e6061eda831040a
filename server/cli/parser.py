"""The `kontor` command: what may be typed. What a command needs is imported when it is run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code."""
    chosen = _parser().parse_args(arguments)
    from server.cli import commands

    return commands.run(chosen)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kontor", description="A headless shop: gRPC and REST over PostgreSQL.")
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="show the version")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    commands.add_parser(
        "up",
        help="run the whole shop on this machine, with everything it needs",
        description="Run PostgreSQL, the Stripe stand-in, a mail catcher, workers and Envoy until Ctrl-C. Honours "
        "KONTOR_HOME, KONTOR_HTTP_PORT, KONTOR_GRPC_PORT, KONTOR_STRIPE_PORT, KONTOR_LISTEN, KONTOR_WORKERS, "
        "KONTOR_ADMIN_EMAIL, KONTOR_ADMIN_PASSWORD, KONTOR_DEFAULT_CURRENCY, KONTOR_DEFAULT_LANGUAGE, "
        "KONTOR_CORS_ORIGINS, KONTOR_RATE_LIMIT_FACTOR and KONTOR_METRICS_ADDRESS.",
    )

    serve = commands.add_parser("serve", help="run gRPC workers with the settings of the environment")
    serve.add_argument("--workers", type=_positive, default=1, metavar="N", help="how many processes (1)")
    serve.add_argument(
        "--address",
        default="0.0.0.0:50051",
        help="host:port, counted up for each worker, or unix:/path/with-{n}.sock (%(default)s)",
    )
    serve.add_argument("--jobs", action="store_true", help="run a job worker as well")
    serve.add_argument("--log-folder", type=Path, metavar="FOLDER", help="a log for each process, with several")

    commands.add_parser("work", help="run the job worker")
    edge = commands.add_parser("edge", help="run Envoy in front of workers elsewhere (KONTOR_EDGE_WORKERS)")
    edge.add_argument("--print", action="store_true", dest="show", help="only print Envoy's configuration")

    commands.add_parser("migrate", help="bring the database to the newest schema")
    prepare = commands.add_parser("prepare", help="make the first administrator, sample taxes and ways of shipping")
    prepare.add_argument("email", help="the administrator's address; the password is KONTOR_ADMIN_PASSWORD")
    commands.add_parser("check", help="say whether the settings, the database and its schema are fine")

    seed = commands.add_parser("seed", help="make up products for load work")
    seed.add_argument("--products", type=_positive, required=True, metavar="N", help="how many there shall be")
    importing = commands.add_parser("import", help="bring products from a file into the shop")
    kinds = importing.add_subparsers(dest="kind", required=True, metavar="WHAT")
    products = kinds.add_parser("products", help="a product export of Shopify (CSV)")
    products.add_argument("file", type=Path)

    demo = commands.add_parser("demo", help="buy something from the running shop and show each step")
    demo.add_argument("--grpc", action="store_true", help="over gRPC and not over REST")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("has to be 1 or more")
    return number


class _ShowVersion(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"kontor {version('kontor')}")
        except PackageNotFoundError:
            print("kontor, not installed")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
