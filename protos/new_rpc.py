"""Write the skeleton of a new RPC, once: `python protos/new_rpc.py orders.CancelOrder [PERMISSION]`.

It adds the RPC with its policy and its request to the contract, a method to the servicer, a use case, a test file and a
case of who gets what; then it builds generated/. What it writes is a beginning: every line of it wants a decision, and
`make check` and the new tests name those that are still open. The first word of the name says what kind it is: Get,
List, Search and Find read, all others write. With a permission (`orders.fulfill`) it is for staff, else for customers.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_OPTIONS = ROOT / "protos/kontor/options/v1/policy.proto"
_READS = ("Get", "List", "Search", "Find")


class SkeletonError(Exception):
    """Says in one line why nothing was written."""


@dataclass(frozen=True)
class NewRpc:
    """The RPC, by its feature and its name."""

    feature: str
    name: str
    permission: str = ""

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
    print("Then: docs/adding-an-rpc.md, from its second step.")
    return 0


def _read(arguments: list[str]) -> NewRpc:
    match = re.fullmatch(r"(\w+)\.([A-Z]\w+)", arguments[0]) if len(arguments) in (1, 2) else None
    if match is None:
        raise SkeletonError('name the feature and the RPC: NAME="orders.CancelOrder"')
    rpc = NewRpc(match[1], match[2], *arguments[1:])
    if rpc.permission and f" {_constant(rpc.permission)} = " not in _OPTIONS.read_text(encoding="utf-8"):
        raise SkeletonError(f"{_OPTIONS.relative_to(ROOT)} has no {_constant(rpc.permission)}")
    if not rpc.contract.exists():
        raise SkeletonError(f"there is no {rpc.contract.relative_to(ROOT)}")
    if re.search(rf"\brpc {rpc.name}\(", rpc.contract.read_text(encoding="utf-8")):
        raise SkeletonError(f"{rpc.service} has {rpc.name} already")
    return rpc


def _write_contract(rpc: NewRpc) -> Path:
    text = rpc.contract.read_text(encoding="utf-8")
    path = f"/v1/{rpc.feature}/{{{rpc.id_field}}}"
    binding = f'{{get: "{path}"}}' if rpc.reads else f'{{\n      post: "{path}:{rpc.verb}"\n      body: "*"\n    }}'
    access = (
        f"access: ACCESS_STAFF\n      permission: {_constant(rpc.permission)}"
        if rpc.permission
        else "access: ACCESS_USER"
    )
    effect = "    option idempotency_level = NO_SIDE_EFFECTS;\n" if rpc.reads else ""
    method = f"""  // Says what it does. Errors: NOT_FOUND.
  rpc {rpc.name}({rpc.name}Request) returns ({rpc.resource}) {{
{effect}    option (google.api.http) = {binding};
    option (kontor.options.v1.policy) = {{
      {access}
      rate_class: RATE_CLASS_{"READ" if rpc.reads else "WRITE"}
    }};
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
    answer = f"{rpc.feature}_pb2.{rpc.resource}"
    method = f"""
    async def {rpc.name}(self, request: {requests}.{rpc.name}Request, call: Call) -> {answer}:
        {rpc.id_field} = {rpc.resource.upper()}.read(request.{rpc.id_field}, "{rpc.id_field}")
        await {rpc.snake}(self._db, {rpc.id_field}, viewer=call.viewer)
        return {answer}()
"""
    # After the last method of the class: before the first function that follows it, or at the end.
    after = re.search(r"\n\n\n(?=def |async def |_\w+ = )", text[text.index("\nclass ") :])
    place = text.index("\nclass ") + after.start() + 1 if after else len(text)
    text = text[:place].rstrip("\n") + "\n" + method + text[place:]
    text = _importing(text, f"server.features.{rpc.feature}.service", rpc.snake)
    text = _importing(text, "server.kernel.ids", rpc.resource.upper())
    text = _importing(text, f"kontor.{rpc.feature}.v1", f"{rpc.feature}_pb2")
    path.write_text(text, encoding="utf-8")
    return path


def _write_use_case(rpc: NewRpc) -> Path:
    path = ROOT / f"server/features/{rpc.feature}/service.py"
    text = path.read_text(encoding="utf-8").rstrip("\n")
    text = _importing(text, "server.db.session", "Database")
    text = _importing(text, "server.kernel.actor", "Viewer")
    text = _importing(text, "server.kernel.ids", f"{rpc.resource}Id")
    path.write_text(
        f'''{text}


async def {rpc.snake}(db: Database, {rpc.id_field}: {rpc.resource}Id, *, viewer: Viewer) -> None:
    """Say what it does, and what it raises."""
    raise NotImplementedError("{rpc.feature}.{rpc.name}")
''',
        encoding="utf-8",
    )
    return path


def _write_test(rpc: NewRpc) -> Path:
    path = ROOT / f"tests/rpc/{rpc.feature}/test_{rpc.snake}.py"
    person = "admin" if rpc.permission else "customer"
    path.write_text(
        f'''"""{rpc.service}.{rpc.name}."""

from kontor.{rpc.feature}.v1 import {rpc.feature}_service_pb2 as api

from server.kernel.ids import {rpc.resource.upper()}
from tests.world.people import Person
from tests.world.refusals import refusal


async def test_refuses_what_does_not_exist({person}: Person) -> None:
    unknown = {rpc.resource.upper()}.write({rpc.resource.upper()}.new())

    refused = await refusal({person}.call(api.{rpc.name}Request({rpc.id_field}=unknown)))

    assert refused.reason == "NOT_FOUND"
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


def _importing(text: str, module: str, name: str) -> str:
    """Return a module's text with one more import; `ruff` puts it where it belongs."""
    if re.search(rf"^(?:from {re.escape(module)} import .*|    ){name}\b", text, re.MULTILINE):
        return text
    return re.sub(r"\nfrom ", f"\nfrom {module} import {name}\nfrom ", text, count=1)


def _constant(permission: str) -> str:
    """Return the contract's word for a permission."""
    return f"PERMISSION_{permission.replace('.', '_').upper()}"


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise SkeletonError(f"nothing looks like {pattern!r}: the files are others than this command knows")
    return match[1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
