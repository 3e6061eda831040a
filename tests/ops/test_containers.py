"""The containers, as far as they can be checked without an engine: what the files say, and that Envoy takes its own."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.edge.config import BadEdge, Edge, envoy_command, render
from server.edge.run import edge_from_environment
from server.kernel.errors import Code
from server.settings import Settings

ROOT = Path(__file__).parents[2]
SECRETS = {"POSTGRES_PASSWORD", "KONTOR_TOKEN_SECRETS", "KONTOR_STRIPE_API_KEY", "KONTOR_STRIPE_WEBHOOK_SECRET"}
EMBEDDED = Edge(
    workers=["unix:/tmp/kontor/worker-1.sock", "unix:/tmp/kontor/worker-2.sock"],
    http_port=8080,
    grpc_port=50051,
    listen="127.0.0.1",
    admin="unix:/tmp/kontor/envoy.sock",
    access_log="/tmp/kontor-access.log",
    public_url="http://127.0.0.1:8080",
)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return text


def validate(edge: Edge, folder: Path) -> subprocess.CompletedProcess[str]:
    config = folder / "envoy.yaml"
    config.write_text(render(edge))
    command = [*envoy_command(config, concurrency=1), "--mode", "validate"]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "edge",
    [
        EMBEDDED,
        edge_from_environment(
            {
                "KONTOR_PUBLIC_URL": "https://shop.example",
                "KONTOR_CORS_ORIGINS": "https://shop.example, http://localhost:3000",
                "KONTOR_TRUSTED_HOPS": "1",
            },
            admin="127.0.0.1:9901",
        ),
    ],
    ids=["embedded", "containers"],
)
def test_envoy_takes_the_rendered_file(edge: Edge, tmp_path: Path) -> None:
    outcome = validate(edge, tmp_path)

    assert outcome.returncode == 0, outcome.stderr
    # Envoy also says here what it will not take in its next version.
    assert "deprecated" not in outcome.stderr.lower()


def test_a_host_name_stands_for_all_its_addresses() -> None:
    cluster = yaml.safe_load(render(replace(EMBEDDED, workers=["server:50051"])))["static_resources"]["clusters"][0]

    assert cluster["type"] == "STRICT_DNS"
    (endpoint,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"]["socket_address"] == {"address": "server", "port_value": 50051}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"workers": []}, "at least one"),
        ({"workers": ["unix:/a.sock", "server:1"]}, "either all unix sockets"),
        ({"workers": ["server"]}, "write host:port"),
        ({"cors_origins": ["*"]}, "list each one in full"),
        ({"cors_origins": ["https://*.shop.example"]}, "list each one in full"),
        ({"cors_origins": ["shop.example"]}, "list each one in full"),
        ({"cors_origins": ["https://shop.example/"]}, "list each one in full"),
        ({"descriptors": Path("/nowhere.binpb")}, "run `make generate`"),
    ],
)
def test_refuses_an_edge_that_makes_no_sense(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadEdge, match=re.escape(words)):
        render(replace(EMBEDDED, **changes))


def test_refuses_a_number_that_is_none() -> None:
    with pytest.raises(BadEdge, match="KONTOR_TRUSTED_HOPS is 'one'"):
        edge_from_environment({"KONTOR_TRUSTED_HOPS": "one"}, admin="127.0.0.1:9901")


def test_every_refusal_of_the_edge_has_a_published_reason() -> None:
    published = set(
        re.findall(r"^  ([A-Z_]+) = \d+;", (ROOT / "protos/kontor/errors/v1/reason.proto").read_text(), re.MULTILINE)
    )
    manager = yaml.safe_load(render(EMBEDDED))["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]

    bodies = [
        mapper["body_format_override"]["json_format"]
        for mapper in manager["typed_config"]["local_reply_config"]["mappers"]
        if "json_format" in mapper["body_format_override"]
    ]

    assert len(bodies) > 10
    for body in bodies:
        assert body["details"][0]["reason"] in published
        assert Code(body["code"]).name == body["details"][0]["reason"]


def test_compose_expresses_the_topology(compose: dict[str, Any]) -> None:
    services = compose["services"]

    always = {name for name, service in services.items() if "profiles" not in service}
    assert always == {"postgres", "migrate", "server", "worker", "edge"}
    assert {name: services[name]["profiles"] for name in ("stripe", "mail")} == {"stripe": ["dev"], "mail": ["dev"]}
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("server", "worker"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services["edge"]["depends_on"] == {"server": {"condition": "service_healthy"}}
    # Only then can there be several of them.
    assert not {"ports", "container_name"} & set(services["server"])


def test_compose_has_no_default_for_a_secret(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()

    used = re.findall(r"\$\{(\w+)(:?[-?][^}]*)?\}", text)
    assert {name for name, _ in used} >= SECRETS
    assert all(default.startswith((":?", "?")) for name, default in used if name in SECRETS)


def test_compose_names_settings_that_exist(compose: dict[str, Any]) -> None:
    variables = compose["x-settings"]
    required = {f"KONTOR_{name.upper()}" for name, field in Settings.model_fields.items() if field.is_required()}

    assert required <= set(variables)
    assert {name.removeprefix("KONTOR_").lower() for name in variables} <= set(Settings.model_fields)


def test_containers_run_with_little_power(compose: dict[str, Any]) -> None:
    ours = {name: service for name, service in compose["services"].items() if name != "postgres"}

    for service in ours.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_image_is_built_in_stages_and_runs_as_nobody_special() -> None:
    lines = [line.strip() for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]

    stages = [line.split() for line in lines if line.startswith("FROM ")]
    shipped = lines[lines.index("FROM base AS kontor") :]
    assert len(stages) >= 3
    assert all(stage[1] in {"build", "base"} or "-slim-" in stage[1] for stage in stages)
    assert "USER 10001" in lines
    assert "COPY --from=build /opt/kontor /opt/kontor" in shipped
    assert any("--require-hashes" in line for line in lines)
    # Later lines could take the user back.
    assert not [line for line in lines[lines.index("USER 10001") + 1 :] if line.startswith("USER")]


def test_only_what_the_image_needs_goes_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = {
        word.removeprefix("./")
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    }

    assert "*" in ignored
    assert copied == {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)
