"""`kontor up` as a person meets it: the first start, the second one, what goes wrong, and the end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.ops.shop_process import ShopProcess, home_folder, left_behind, run, shop_environment
from tests.world.waiting import wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


def restart(shop: ShopProcess) -> float:
    """Start the shop once more; return how many seconds of a processor it took.

    Beside other tests the clock would say more about them than about the start.
    """
    shop.start(measured=True)
    shop.wait_for("Stop    Ctrl-C")
    return shop.cpu_seconds()


def count_products(shop: ShopProcess) -> int:
    answer = httpx.get(f"{shop.url}/v1/products?pageSize=100", timeout=10)
    assert answer.status_code == 200
    return len(answer.json()["products"])


# These run in this order: the shop of the first start is the one of all.


def test_first_start_says_where_everything_is(shop: ShopProcess) -> None:
    lines = shop.text.splitlines()

    ready = next(number for number, line in enumerate(lines) if line.startswith("Kontor is ready"))
    below = "\n".join(lines[ready:])
    for expected in (shop.url, shop.grpc_target, str(shop.home / "mail"), f"curl '{shop.url}/v1/products"):
        assert expected in below
    assert re.search(rf"grpcurl -plaintext {shop.grpc_target} list", below)
    assert re.search(r"admin@kontor\.example +password [\w-]{20,}", below)
    assert "Traceback" not in shop.text


def test_first_start_shows_its_steps_with_their_times(shop: ShopProcess) -> None:
    for step in ("PostgreSQL", "Migrations", "Administrator", "Sample catalog", "Shop"):
        assert re.search(rf"^  . {step} .* \d+\.\d s$", shop.text, re.MULTILINE), step


def test_serves_the_sample_catalog_over_rest_and_grpc(shop: ShopProcess) -> None:
    grpcurl = Path(sys.executable).with_name("grpcurl")

    listed = subprocess.run(
        [grpcurl, "-plaintext", shop.grpc_target, "list"], check=True, capture_output=True, text=True, timeout=30
    )

    assert count_products(shop) >= 40
    assert "kontor.catalog.v1.CatalogService" in listed.stdout.split()


def test_each_process_shows_its_figures(shop: ShopProcess) -> None:
    [(first, others)] = re.findall(r"^  Metrics (\S+)/metrics   and ([\d, ]+): a port", shop.text, re.MULTILINE)
    host, _, port = first.rpartition(":")
    ports = [port, *others.split(", ")]
    count_products(shop)

    shown = [httpx.get(f"{host}:{port}/metrics", timeout=10).text for port in ports]

    calls, lag = "kontor_call_seconds_count", "kontor_event_lag_seconds"
    assert [(calls in text, lag in text) for text in shown] == [(True, False), (True, False), (False, True)]
    hits = [re.search(r"^kontor_cache_misses_total (\S+)$", text, re.MULTILINE) for text in shown]
    assert sum(float(hit[1]) for hit in hits if hit) >= 1


def test_secrets_are_for_its_user_only(shop: ShopProcess) -> None:
    files = [*(shop.home / "secrets").iterdir(), shop.home / "run" / "running.json"]

    assert len(files) >= 6
    assert {oct(file.stat().st_mode & 0o777) for file in files} == {"0o600"}
    assert (shop.home / "secrets").stat().st_mode & 0o777 == 0o700


def test_keeps_postgres_safe(shop: ShopProcess) -> None:
    settings = (shop.home / "postgres" / "data" / "kontor.conf").read_text()

    assert "fsync = 'on'" in settings
    assert "listen_addresses = ''" in settings


def test_a_second_one_on_the_same_home_is_refused(shop: ShopProcess) -> None:
    second = run(shop_environment(shop.home), "up")

    assert second.returncode == 1
    assert len(second.stderr.splitlines()) == 1
    assert f"runs already on {shop.url}" in second.stderr
    assert str(shop.process.pid) in second.stderr
    assert count_products(shop) >= 40


@pytest.mark.parametrize(("variable", "port"), [("KONTOR_HTTP_PORT", "HTTP"), ("KONTOR_STRIPE_PORT", "STRIPE")])
def test_a_taken_port_is_named(shop: ShopProcess, variable: str, port: str) -> None:
    taken = shop.environment[f"KONTOR_{port}_PORT"]

    with home_folder() as home:
        refused = run(shop_environment(home, **{variable: taken}), "up")

        assert refused.returncode == 1
        assert refused.stderr == (
            f"Kontor cannot start: port {taken} is taken by another program: "
            f"stop that one, or set {variable} to a free port.\n"
        )
        assert left_behind(home) == []
        assert not (home / "postgres").exists()


def test_commands_find_the_running_shop(shop: ShopProcess, tmp_path: Path) -> None:
    environment = {name: value for name, value in shop.environment.items() if not name.endswith("_PORT")}
    goods = tmp_path / "goods.csv"
    goods.write_text(
        "Handle,Title,Vendor,Variant SKU,Variant Price,Status\n"
        "ops-mug,Ops Mug,Ops,OPS-MUG-1,9.90,active\n"
        "ops-cup,Ops Cup,Ops,OPS-CUP-1,many,active\n"
    )

    checked = run(environment, "check")
    seeded = run(environment, "seed", "--products", "3")
    again = run(environment, "seed", "--products", "3")
    imported = run(environment, "import", "products", str(goods))

    assert (checked.returncode, checked.stdout.split()[:3]) == (0, ["settings", "fine", "database"]), checked.stderr
    assert seeded.stdout == "3 products made, 0 were there.\n", seeded.stderr
    assert again.stdout == "0 products made, 3 were there.\n"
    assert imported.returncode == 0, imported.stderr
    assert "1 new" in imported.stdout
    assert re.search(r"^line 3: ", imported.stderr, re.MULTILINE)
    assert httpx.get(f"{shop.url}/v1/products/ops-mug").json()["title"] == "Ops Mug"


def test_catches_the_mail_of_the_shop(shop: ShopProcess) -> None:
    body = {"email": "ops@customer.example", "password": "correct horse battery", "displayName": "Ops"}

    answer = httpx.post(f"{shop.url}/v1/auth/register", json=body, timeout=10)

    assert answer.status_code == 200, answer.text
    shop.wait_for("mail to ops@customer.example:")
    (mail,) = (shop.home / "mail").glob("*ops@customer.example.eml")
    assert b"To: ops@customer.example" in mail.read_bytes()


def test_a_dead_worker_is_replaced_and_nobody_notices(shop: ShopProcess) -> None:
    victim = shop.descendant("kontor-worker-1")

    os.kill(victim, signal.SIGKILL)
    answers = [httpx.get(f"{shop.url}/v1/products", timeout=10).status_code for _ in range(20)]

    shop.wait_for("worker 1 ended (signal 9), starting again")
    assert set(answers) == {200}
    assert shop.descendant("kontor-worker-1") != victim


@pytest.mark.parametrize(
    ("name", "part"), [("Envoy", "envoy.yaml"), ("Stripe stand-in", "stripe_stand_in"), ("workers", "server serve")]
)
def test_dead_helpers_are_started_again(shop: ShopProcess, name: str, part: str) -> None:
    os.kill(shop.child(part), signal.SIGKILL)

    shop.wait_for(f"{name} ended (signal 9), starting again")
    wait_until(lambda: answers(shop), "the shop answers")


def test_survives_the_death_of_postgres(shop: ShopProcess) -> None:
    os.kill(shop.child("/postgres -D"), signal.SIGKILL)

    shop.wait_for("PostgreSQL ended (signal 9), starting again")
    wait_until(lambda: answers(shop), "the shop answers")
    assert count_products(shop) >= 40


def answers(shop: ShopProcess) -> bool:
    try:
        ready = httpx.get(f"{shop.url}/healthz", timeout=5).status_code == 200
        return ready and httpx.get(f"{shop.url}/v1/products?pageSize=1", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_of_it_and_the_next_start_is_quick(shop: ShopProcess, number: signal.Signals) -> None:
    products = count_products(shop)

    status = shop.stop(number)

    assert status == 0, shop.text
    assert left_behind(shop.home) == []
    assert "Stopping" in shop.text
    assert not (shop.home / "run" / "running.json").exists()

    # Some five seconds, on two processors about three.
    assert restart(shop) < 10
    assert "password" not in shop.text
    assert "Migrations" not in shop.text
    assert count_products(shop) == products


def test_opens_where_the_address_of_the_figures_is_taken(shop: ShopProcess) -> None:
    shop.stop()
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        given, shop.environment = shop.environment, {**shop.environment, "KONTOR_METRICS_ADDRESS": taken}

        restart(shop)

        assert count_products(shop) >= 40
        assert f"http://{taken}/metrics" in shop.text
        assert "metrics.not_served" in (shop.home / "log" / "worker-1.log").read_text()
    shop.environment = given


def test_killed_it_leaves_no_process_and_starts_again(shop: ShopProcess) -> None:
    products = count_products(shop)

    shop.stop(signal.SIGKILL)

    # PostgreSQL ends in an orderly way by itself; everything else is gone at once.
    wait_until(lambda: left_behind(shop.home) == [], "no process is left")
    restart(shop)
    assert count_products(shop) == products


def test_a_first_start_that_was_cut_short_is_finished_by_the_next(tmp_path: Path) -> None:
    with home_folder() as home:
        cut = ShopProcess(shop_environment(home), tmp_path / "cut")
        cut.start()
        cut.wait_for("PostgreSQL  ")
        cut.stop(signal.SIGKILL)
        wait_until(lambda: left_behind(home) == [], "no process is left")

        second = ShopProcess(shop_environment(home), tmp_path / "second")
        second.start()
        try:
            second.wait_for("Stop    Ctrl-C")
            assert count_products(second) >= 40
        finally:
            second.stop()


def test_a_leftover_postgres_is_no_obstacle(shop: ShopProcess) -> None:
    # Stopped, it cannot follow the signal that it gets when its parent dies.
    postgres = shop.child("/postgres -D")
    os.kill(postgres, signal.SIGSTOP)
    shop.stop(signal.SIGKILL)
    shop.start()
    wait_until(lambda: "PostgreSQL" in shop.text or shop.process.poll() is None, "it looks for a leftover")

    os.kill(postgres, signal.SIGCONT)

    shop.wait_for("Stop    Ctrl-C")
    assert count_products(shop) >= 40


# Refusals that need no shop


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"KONTOR_HTTP_PORT": "http"}, "KONTOR_HTTP_PORT is 'http': it has to be a number from 1 to 65535"),
        ({"KONTOR_HTTP_PORT": "70000"}, "KONTOR_HTTP_PORT is '70000'"),
        ({"KONTOR_ADMIN_PASSWORD": "short"}, "KONTOR_ADMIN_PASSWORD is too short"),
        ({"KONTOR_ADMIN_EMAIL": "nobody"}, "KONTOR_ADMIN_EMAIL is 'nobody'"),
        ({"KONTOR_LISTEN": "203.0.113.7"}, "which is no address of this machine"),
        ({"KONTOR_METRICS_ADDRESS": "here"}, "KONTOR_METRICS_ADDRESS is 'here': it must be host:port"),
        ({"KONTOR_HTTP_PORT": "18431", "KONTOR_GRPC_PORT": "18431"}, "give each its own port"),
        ({"KONTOR_HOME": "/proc/kontor"}, "/proc/kontor"),
        ({"KONTOR_HOME": "/dev/null"}, "/dev/null"),
    ],
)
def test_refuses_in_one_line(variables: dict[str, str], words: str) -> None:
    with home_folder() as home:
        refused = run(shop_environment(home) | variables, "up")

        assert refused.returncode == 1
        assert refused.stderr.startswith("Kontor cannot start: ")
        assert words in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
        assert left_behind(home) == []


def test_a_port_that_only_reuses_is_taken_too() -> None:
    with socket.socket() as other, home_folder() as home:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()

        refused = run(shop_environment(home, KONTOR_GRPC_PORT=str(other.getsockname()[1])), "up")

    assert "set KONTOR_GRPC_PORT to a free port" in refused.stderr
