"""The `kontor` command where no shop is running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from server.cli.parser import main
from tests.ops.shop_process import ROOT, command, run
from tests.rest.edge_upstream import SERVICE, compile_descriptors, message_classes
from tests.world.processes import free_port, process
from tests.world.waiting import wait_until


@pytest.fixture
def bare() -> dict[str, str]:
    """An environment without anything of Kontor's."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("KONTOR_")}
    return {**outside, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "generated")])}


@pytest.fixture
def settings(bare: dict[str, str], tmp_path: Path, database_url: str) -> dict[str, str]:
    """The environment of a server with a database that is at the newest schema."""
    key = tmp_path / "jwt.pem"
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {
        **bare,
        "KONTOR_DATABASE_URL": database_url,
        "KONTOR_JWT_KEY_FILES": str(key),
        "KONTOR_TOKEN_SECRETS": "0123456789abcdef0123456789abcdef",
        "KONTOR_STRIPE_API_KEY": "sk_test_123456",
        "KONTOR_STRIPE_WEBHOOK_SECRET": "whsec_123456",
        "KONTOR_SMTP_URL": "smtp://127.0.0.1:1",
        "KONTOR_MAIL_FROM": "shop@kontor.example",
        "KONTOR_PUBLIC_URL": "http://127.0.0.1:8080",
    }


def test_help_names_every_command_and_imports_none_of_them(bare: dict[str, str]) -> None:
    code = (
        "import sys\nfrom server.cli.parser import main\n"
        "try: main(['--help'])\nexcept SystemExit: print(sorted(sys.modules))"
    )

    shown = subprocess.run([sys.executable, "-c", code], check=True, env=bare, capture_output=True, text=True)

    for name in ("up", "serve", "work", "edge", "migrate", "check", "seed", "import", "demo"):
        assert f"\n    {name} " in shown.stdout
    loaded = shown.stdout.splitlines()[-1]
    assert "'argparse'" in loaded
    for module in ("grpc", "sqlalchemy", "psycopg", "asyncio", "pydantic"):
        assert f"'{module}'" not in loaded


def test_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("kontor")


@pytest.mark.parametrize(
    "arguments", [[], ["seed"], ["seed", "--products", "0"], ["import"], ["serve", "--workers", "x"]]
)
def test_refuses_what_it_does_not_understand(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "usage: kontor" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["serve"], ["work"], ["migrate"]])
def test_a_missing_setting_is_named_in_one_line(bare: dict[str, str], arguments: list[str]) -> None:
    refused = run(bare, *arguments)

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"kontor {arguments[0]}: KONTOR_DATABASE_URL is not set: ")
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments", [["check"], ["seed", "--products", "1"], ["import", "products", "x.csv"], ["demo"], ["demo", "--grpc"]]
)
def test_commands_for_a_shop_say_when_there_is_none(bare: dict[str, str], arguments: list[str], tmp_path: Path) -> None:
    refused = run({**bare, "KONTOR_HOME": str(tmp_path)}, *arguments)

    assert refused.returncode == 1
    assert refused.stderr == (
        f"kontor {arguments[0]}: no shop runs on {tmp_path}: start one with `kontor up`, or set KONTOR_DATABASE_URL\n"
    )


def test_check_finds_everything_fine(settings: dict[str, str]) -> None:
    checked = run(settings, "check")

    assert checked.returncode == 0, checked.stderr
    assert [line.split()[0] for line in checked.stdout.splitlines()] == ["settings", "database", "schema"]


def test_check_says_that_the_database_does_not_answer(settings: dict[str, str]) -> None:
    refused = run({**settings, "KONTOR_DATABASE_URL": f"postgresql://kontor@127.0.0.1:{free_port()}/kontor"}, "check")

    assert refused.returncode == 1
    assert "the database does not answer" in refused.stderr


def test_check_says_that_the_schema_is_missing(settings: dict[str, str]) -> None:
    empty = settings["KONTOR_DATABASE_URL"].replace("/kontor", "/postgres", 1)

    refused = run({**settings, "KONTOR_DATABASE_URL": empty}, "check")

    assert refused.returncode == 1
    assert "run `kontor migrate`" in refused.stderr


def test_migrate_repeats_without_harm(settings: dict[str, str]) -> None:
    migrated = run(settings, "migrate")

    assert migrated.returncode == 0, migrated.stderr
    assert migrated.stdout.startswith("The database is at schema ")


def test_prepare_makes_an_administrator_once(settings: dict[str, str]) -> None:
    run(settings, "migrate")
    known = {**settings, "KONTOR_ADMIN_PASSWORD": "violet harbour 93 teapot"}

    refused = run(settings, "prepare", "boss@shop.example")
    made = run(known, "prepare", "boss@shop.example")
    again = run(known, "prepare", "boss@shop.example")

    assert (refused.returncode, "set KONTOR_ADMIN_PASSWORD" in refused.stderr) == (1, True)
    assert (made.returncode, made.stdout) == (0, "boss@shop.example is an administrator now.\n")
    assert again.stdout == "boss@shop.example has an account already, which stays as it is.\n"


def test_import_says_that_the_file_is_missing(settings: dict[str, str]) -> None:
    refused = run(settings, "import", "products", "/nowhere.csv")

    assert refused.returncode == 1
    assert refused.stderr == "kontor import: /nowhere.csv cannot be read: No such file or directory\n"


def test_serve_refuses_a_taken_address(settings: dict[str, str]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = run(settings, "serve", "--address", f"127.0.0.1:{taken.getsockname()[1]}")

    assert refused.returncode == 1
    assert "is it in use already?" in refused.stderr.splitlines()[-1]


def test_serves_with_several_workers_until_sigterm(settings: dict[str, str], tmp_path: Path) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    addresses = [f"unix:{tmp_path}/w{number}.sock" for number in (1, 2)]
    arguments = ["serve", "--workers", "2", "--address", f"unix:{tmp_path}/w{{n}}.sock"]

    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(command(*arguments), env=settings, stdout=log, stderr=log, cwd="/")
    try:
        for address in addresses:
            with grpc.insecure_channel(address) as channel:
                stub = health_pb2_grpc.HealthStub(channel)
                answer = stub.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=60)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        running.terminate()

        assert running.wait(60) == 0
    finally:
        running.kill()
        running.wait()


# `kontor edge`


@pytest.fixture
def echo_worker(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A worker on a port, as a container has it; its address and its descriptors."""
    descriptors = compile_descriptors(tmp_path / "echo.binpb")
    address = f"127.0.0.1:{free_port()}"
    with process(
        [sys.executable, "-m", "tests.rest.edge_upstream", str(descriptors), address, "one"], tmp_path / "log"
    ):
        yield address, descriptors


def edge_environment(bare: dict[str, str], workers: str) -> dict[str, str]:
    ports = {"KONTOR_HTTP_PORT": str(free_port()), "KONTOR_GRPC_PORT": str(free_port())}
    return {**bare, **ports, "KONTOR_EDGE_WORKERS": workers, "KONTOR_PUBLIC_URL": "https://shop.example"}


def test_edge_answers_and_drains_before_it_ends(
    bare: dict[str, str], echo_worker: tuple[str, Path], tmp_path: Path
) -> None:
    address, descriptors = echo_worker
    environment = edge_environment(bare, address)
    health = f"http://127.0.0.1:{environment['KONTOR_HTTP_PORT']}/healthz"
    messages = message_classes(descriptors)

    def status() -> int:
        try:
            return httpx.get(health, timeout=5).status_code
        except httpx.TransportError:
            return 0

    with (tmp_path / "edge.log").open("wb") as log:
        edge = subprocess.Popen(command("edge"), env=environment, stdout=log, stderr=log, cwd="/")
    try:
        wait_until(lambda: status() == 200, "the edge is ready")
        with grpc.insecure_channel(f"127.0.0.1:{environment['KONTOR_GRPC_PORT']}") as channel:
            read = channel.unary_unary(
                f"/{SERVICE}/Read",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=messages["kontor.edgetest.v1.EchoResponse"].FromString,
            )
            slow = read.future(messages["kontor.edgetest.v1.EchoRequest"](order="slow:5", name="late"), timeout=30)
            time.sleep(0.5)
            edge.send_signal(signal.SIGTERM)

            # Whoever balances over several edges sees that this one is leaving; calls are still answered.
            wait_until(lambda: status() == 503, "the edge says that it is leaving")
            assert slow.result().name == "late"

        assert edge.wait(30) == 0
        assert status() == 0
    finally:
        edge.kill()
        edge.wait()


def test_edge_prints_what_it_would_run(bare: dict[str, str]) -> None:
    shown = run(edge_environment(bare, "server:50051"), "edge", "--print")

    assert shown.returncode == 0
    assert '{"socket_address": {"address": "server", "port_value": 50051}}' in shown.stdout


def test_edge_refuses_what_makes_no_sense(bare: dict[str, str]) -> None:
    refused = run({**edge_environment(bare, "server:50051"), "KONTOR_CORS_ORIGINS": "*"}, "edge")

    assert refused.returncode == 1
    assert refused.stderr.startswith("kontor edge: '*' is no origin for CORS")
