"""Write the skeleton of a new RPC, once: `python protos/new_rpc.py orders.CancelOrder`.

It adds the RPC with its policy and its request to the contract, a method to the servicer, a use case, a test file and a
case of who gets what; then it builds generated/. What it writes is a beginning: every line of it wants a decision, and
`make check` and the new tests name those that are still open. The first word of the name says what kind it is: Get and
List read, all others write.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_READS = ("Get", "List", "Search", "Find")


class SkeletonError(Exception):
    """Says in one line why nothing was written."""


@dataclass(frozen=True)
class NewRpc:
    """The RPC, by its feature and its name."""

    feature: str
    name: str

    @property
    def snake(self) -> str:
        """The name of its use case."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.name).lower()

    @property
    def verb(self) -> str:
        """What it does: `cancel`."""
        return self.snake.partition("_")[0]

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.name.startswith(_READS)

    @property
    def contract(self) -> Path:
        """Where the service is described."""
        return ROOT / f"protos/kontor/{self.feature}/v1/{self.feature}_service.proto"

    @property
    def resource(self) -> str:
        """What its feature is about, and what it answers: the first message of the feature's other contract."""
        text = (ROOT / f"protos/kontor/{self.feature}/v1/{self.feature}.proto").read_text(encoding="utf-8")
        return _found(r"^message (\w+)", text)

    @property
    def service(self) -> str:
        """The service that it joins."""
        return _found(r"^service (\w+)", self.contract.read_text(encoding="utf-8"))

    @property
    def id_field(self) -> str:
        """The field that names the resource."""
        return f"{re.sub(r'(?<!^)(?=[A-Z])', '_', self.resource).lower()}_id"


def main(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    try:
        rpc = _read(arguments)
        written = [_write_contract(rpc), _write_servicer(rpc), _write_use_case(rpc), _write_test(rpc), _write_case(rpc)]
    except SkeletonError as error:
        print(error, file=sys.stderr)
        return 1
    subprocess.run([sys.executable, str(ROOT / "protos/generate.py")], check=True)
    print("\n".join(str(path.relative_to(ROOT)) for path in written))
    print("Then: python -m tests.contract.test_policies > tests/contract/policies.txt, once the policy is decided.")
    return 0


def _read(arguments: list[str]) -> NewRpc:
    match = re.fullmatch(r"(\w+)\.([A-Z]\w+)", arguments[0]) if len(arguments) == 1 else None
    if match is None:
        raise SkeletonError('name the feature and the RPC: NAME="orders.CancelOrder"')
    rpc = NewRpc(match[1], match[2])
    if not rpc.contract.exists():
        raise SkeletonError(f"there is no {rpc.contract.relative_to(ROOT)}")
    if re.search(rf"\brpc {rpc.name}\(", rpc.contract.read_text(encoding="utf-8")):
        raise SkeletonError(f"{rpc.service} has {rpc.name} already")
    return rpc


def _write_contract(rpc: NewRpc) -> Path:
    text = rpc.contract.read_text(encoding="utf-8")
    path = f"/v1/{rpc.feature}/{{{rpc.id_field}}}"
    binding = f'{{get: "{path}"}}' if rpc.reads else f'{{\n      post: "{path}:{rpc.verb}"\n      body: "*"\n    }}'
    effect = "    option idempotency_level = NO_SIDE_EFFECTS;\n" if rpc.reads else ""
    method = f"""  // Says what it does. Errors: NOT_FOUND.
  rpc {rpc.name}({rpc.name}Request) returns ({rpc.resource}) {{
{effect}    option (google.api.http) = {binding};
    option (kontor.options.v1.policy) = {{access: ACCESS_USER}};
  }}
"""
    request = f"""
// Says what is asked for.
message {rpc.name}Request {{
  // Which one.
  string {rpc.id_field} = 1 [
    (google.api.field_behavior) = REQUIRED,
    (buf.validate.field).string = {{min_len: 1, max_len: 100}}
  ];
}}
"""
    head, end, tail = text.partition("\n}\n")
    rpc.contract.write_text(f"{head}\n{method}}}\n{tail}{request}" if end else text, encoding="utf-8")
    return rpc.contract


def _write_servicer(rpc: NewRpc) -> Path:
    path = ROOT / f"server/features/{rpc.feature}/servicer.py"
    text = path.read_text(encoding="utf-8")
    imported = _found(rf"import (?:\w+, )*({rpc.feature}_service_pb2(?: as \w+)?)", text).partition(" as ")
    requests = imported[2] or imported[0]
    method = f"""
    async def {rpc.name}(self, request: {requests}.{rpc.name}Request, call: Call) -> Message:
        return await {rpc.snake}(self._db, request.{rpc.id_field}, viewer=call.viewer)
"""
    # After the last method of the class: before the first function that follows it, or at the end.
    after = re.search(r"\n\n\n(?=def |async def |_\w+ = )", text[text.index("\nclass ") :])
    place = text.index("\nclass ") + after.start() + 1 if after else len(text)
    text = text[:place].rstrip("\n") + "\n" + method + text[place:]
    text = text.replace(
        "\nfrom server.", f"\nfrom server.features.{rpc.feature}.service import {rpc.snake}\nfrom server.", 1
    )
    text = text.replace("\nfrom kontor.", "\nfrom google.protobuf.message import Message\nfrom kontor.", 1)
    path.write_text(text, encoding="utf-8")
    return path


def _write_use_case(rpc: NewRpc) -> Path:
    path = ROOT / f"server/features/{rpc.feature}/service.py"
    text = path.read_text(encoding="utf-8").rstrip("\n")
    path.write_text(
        f'''{text}


async def {rpc.snake}(db: Database, {rpc.id_field}: str, *, viewer: Viewer) -> Message:
    """Say what it does, and what it raises."""
    raise NotImplementedError("{rpc.feature}.{rpc.name}")
''',
        encoding="utf-8",
    )
    return path


def _write_test(rpc: NewRpc) -> Path:
    path = ROOT / f"tests/rpc/{rpc.feature}/test_{rpc.snake}.py"
    path.write_text(
        f'''"""{rpc.service}/{rpc.name}."""

from kontor.{rpc.feature}.v1 import {rpc.feature}_service_pb2

from tests.shop import Clients, refusal


async def test_refuses_what_does_not_exist(client: Clients):
    request = {rpc.feature}_service_pb2.{rpc.name}Request({rpc.id_field}="unknown")

    assert (await refusal(client.{rpc.feature}.{rpc.name}(request))).reason == "NOT_FOUND"
''',
        encoding="utf-8",
    )
    return path


def _write_case(rpc: NewRpc) -> Path:
    path = ROOT / "tests/contract/cases.py"
    text = path.read_text(encoding="utf-8").rstrip("\n")
    if not text.endswith("\n}"):
        raise SkeletonError("tests/contract/cases.py does not end with its table any more: mend protos/new_rpc.py")
    module = rpc.feature
    case = f'    "{rpc.service}/{rpc.name}": Case(lambda _: {module}.{rpc.name}Request({rpc.id_field}="unknown")),\n'
    path.write_text(f"{text[:-1]}{case}}}\n", encoding="utf-8")
    return path


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise SkeletonError(f"nothing looks like {pattern!r}: the files are others than this command knows")
    return match[1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
