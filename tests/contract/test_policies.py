"""Who may call which RPC and how, as one page that a reviewer reads: a change of it is a decision and not an accident.

After a decision: python -m tests.contract.test_policies > tests/contract/policies.txt
"""

from collections.abc import Iterator
from pathlib import Path

from kontor.options.v1 import policy_pb2

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


def table() -> Iterator[str]:
    """Yield the lines of the page."""
    cells = [("RPC", "access", "key", "effect", "answers"), *(row(rpc) for rpc in rpcs())]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    for line in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def row(rpc: Rpc) -> tuple[str, ...]:
    policy = rpc.policy
    answers = [name for name in ("cacheable", "fresh_replay") if getattr(policy, name)]
    return (
        str(rpc),
        policy_pb2.Access.Name(policy.access).removeprefix("ACCESS_"),
        policy_pb2.Idempotency.Name(policy.idempotency).removeprefix("IDEMPOTENCY_") if policy.idempotency else "-",
        "read" if rpc.read_only else "write",
        ", ".join(answers) or "-",
    )


if __name__ == "__main__":
    print("\n".join(table()))
