import json
from pathlib import Path

from tests.bench import report, wrk
from tests.bench.arithmetic import Outcome
from tests.bench.machine import Machine

MACHINE = Machine(processor="p", cores=2, memory_gib=1.0, system="s", python="3", open_files=1)


def test_prints_a_line_for_each_kind():
    printed = report.tables(
        [
            Outcome(name="limited", rps=800, limit="a handler", limit_rps=1000, goal_ratio=0.75),
            Outcome(name="costly", rps=100, cpu_ms=1.5, cpu_parts_ms={"server": 1.5}, budget_cpu_ms=1.0),
            Outcome(name="other", rps=10, errors=2, first_error="what", claims=(("it is so", False),)),
        ]
    )

    lines = printed.splitlines()
    assert "limited     800     0.0     0.0       0       -    1,000    80%   75%" in lines
    assert any(line.startswith("costly") and line.endswith("MISSED") for line in lines)
    assert "limited: the limit is a handler" in lines
    assert "other: it is so (MISSED)" in lines
    assert "other: 2 errors, the first: what" in lines


def test_compares_with_a_file(tmp_path: Path):
    kept = tmp_path / "before.json"
    report.keep(kept, MACHINE, [Outcome(name="a", rps=100, p99_ms=10, cpu_ms=1.0), Outcome(name="gone", rps=1)])

    told = report.compare(kept, [Outcome(name="a", rps=120, p99_ms=10.2, cpu_ms=0.5), Outcome(name="b", rps=1)])

    lines = told.splitlines()
    assert lines[2].split() == ["a", "+20%", "+2%", "(noise)", "-50%"]
    assert lines[3].split() == ["b", "new", "new", "new"]
    assert lines[-1] == "not measured this time: gone"
    assert json.loads(kept.read_text())["machine"]["cores"] == 2


def test_reads_what_wrk_prints():
    seen = wrk.read("Running 1s test\nresult 1000 2000000 1500 9000 3 1 404 not found here\n")

    assert (seen.requests, seen.errors, seen.p50_ms, seen.p99_ms) == (1000, 4, 1.5, 9.0)
    assert seen.rps == 498
    assert seen.first_error == "404 not found here"
