"""Who may call which RPC and how, as one page that a reviewer reads: a change of it is a decision and not an accident.

After a decision: python -m tests.contract.test_policies > tests/contract/policies.txt
"""

import re
from collections.abc import Iterator
from pathlib import Path

from kontor.options.v1 import policy_pb2
from kontor.users.v1 import users_pb2
from sqlalchemy import CheckConstraint

from server.features.users.tables import Users
from server.kernel.actor import Permission, Role
from server.rpc.rates import LIMITS, RateClass
from tests.contract.descriptors import comments
from tests.world.rpcs import Rpc, rpcs

MATRIX = Path(__file__).with_name("policies.txt")


def test_policies_are_as_reviewed():
    reviewed = MATRIX.read_text(encoding="utf-8").splitlines()

    present = list(table())

    assert present == reviewed, f"when this is meant: {(__doc__ or '').splitlines()[-1]}"


def test_only_reads_are_cacheable():
    assert [str(rpc) for rpc in rpcs() if rpc.policy.cacheable and not rpc.read_only] == []


def test_only_public_answers_are_cacheable():
    private = [rpc for rpc in rpcs() if rpc.policy.access != policy_pb2.ACCESS_PUBLIC]

    assert [str(rpc) for rpc in private if rpc.policy.cacheable] == []


def test_reads_take_no_idempotency_key():
    assert [str(rpc) for rpc in rpcs() if rpc.read_only and rpc.policy.idempotency] == []


def test_every_rpc_that_takes_a_key_has_the_field():
    for rpc in rpcs():
        has_field = "request_id" in rpc.request.fields_by_name
        assert has_field == bool(rpc.policy.idempotency), rpc


def test_permissions_of_the_contract_and_of_the_program_are_the_same():
    published = {
        name.removeprefix("PERMISSION_"): name.removeprefix("PERMISSION_").lower().replace("_", ".", 1)
        for name, number in policy_pb2.Permission.items()
        if number
    }

    assert published == {permission.name: permission.value for permission in Permission}


def test_roles_of_the_contract_the_program_and_the_database_are_the_same():
    [check] = [one for one in Users.metadata.tables["users"].constraints if one.name == "ck_users_role"]
    assert isinstance(check, CheckConstraint)

    assert {role.name for role in Role} == {name for name, number in users_pb2.User.Role.items() if number}
    assert set(re.findall(r"'(\w+)'", str(check.sqltext))) == {role.value for role in Role}


def test_every_word_of_a_policy_says_what_it_means():
    enums = (policy_pb2.Access, policy_pb2.Permission, policy_pb2.RateClass, policy_pb2.Idempotency)
    words = [f"{enum.DESCRIPTOR.full_name}.{name}" for enum in enums for name in enum.keys()]  # noqa: SIM118

    assert [word for word in words if not comments()[word]] == []


def test_every_rpc_has_a_rate_class():
    assert [str(rpc) for rpc in rpcs() if not rpc.policy.rate_class] == []


def test_rate_classes_of_the_contract_and_of_the_program_are_the_same():
    named = {name.removeprefix("RATE_CLASS_") for name, number in policy_pb2.RateClass.items() if number}

    assert {RateClass.DEFAULT, *named} == set(LIMITS) == set(RateClass)


def table() -> Iterator[str]:
    """Yield the lines of the page."""
    cells = [("RPC", "access", "permission", "rate", "key", "effect", "answers"), *(row(rpc) for rpc in rpcs())]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    for line in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def row(rpc: Rpc) -> tuple[str, ...]:
    policy = rpc.policy
    answers = [name for name in ("cacheable", "fresh_replay") if getattr(policy, name)]
    return (
        str(rpc),
        policy_pb2.Access.Name(policy.access).removeprefix("ACCESS_"),
        rpc.permission or "-",
        policy_pb2.RateClass.Name(policy.rate_class).removeprefix("RATE_CLASS_"),
        policy_pb2.Idempotency.Name(policy.idempotency).removeprefix("IDEMPOTENCY_") if policy.idempotency else "-",
        "read" if rpc.read_only else "write",
        ", ".join(answers) or "-",
    )


if __name__ == "__main__":
    print("\n".join(table()))
