"""The limit of whatever needs the database: the very statements of a call, run by PostgreSQL's own pgbench.

Values that are the same in every call are handed over as pgbench variables, so that each stays a parameter of the
prepared statement, as it is for the shop. What differs from call to call is an SQL expression in its place.
"""

import re
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.adapt import PyFormat, Transformer

from tests.bench.arithmetic import Round
from tests.bench.machine import CannotMeasure
from tests.bench.shop import Shop
from tests.bench.trace import PipelineBegins, Statement, Step, Trace

_PLACEHOLDER = re.compile(r"\$(\d+)")
_LOOKS_LIKE_VARIABLE = re.compile(":[A-Za-z_]")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# A number that no other transaction of any run gets, and that grows as ids of the shop do.
_FRESH_NUMBER = "(:first::bigint + :turn::bigint * 128 + :client_id::bigint)"
_SET_TURN = "\\set turn :turn + 1"


@dataclass
class Script:
    """A pgbench script and the variables that it is started with."""

    lines: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    statement_count: int = 0


def fresh_text(prefix: str) -> str:
    """Return the SQL expression of a text that no other transaction has."""
    return f"'{prefix}' || lpad(to_hex({_FRESH_NUMBER}), 12, '0')"


def one_of(values: Sequence[str], number: str) -> str:
    """Return the SQL expression that picks a text by a number, which is SQL too and counts from 1."""
    texts = ",".join(_quote(value) for value in values)
    return f"(ARRAY[{texts}])[{number}]"


def write_script(trace: Trace, *, varying: Mapping[Any, str], sets: Sequence[str] = ()) -> Script:
    """Turn the trace of a call into a script.

    `varying` maps a value that occurred in the trace to the SQL expression that stands for it in each transaction; ids
    that the call made are varied by themselves. `sets` are pgbench's commands that come first.
    """
    replaced = {_text(value): expression for value, expression in varying.items()}
    for number, made in enumerate(_made_ids(trace)):
        replaced.setdefault(made, fresh_text(f"01ff{number:04x}-0000-7000-8000-"))
    script = Script([_SET_TURN, *sets])
    for step in trace.steps:
        script.lines.append(_line(step, script, replaced))
    return script


def run(shop: Shop, script: Script, *, clients: int, seconds: float) -> Round:
    """Run a script as many clients at once. Raises CannotMeasure when a transaction fails."""
    variables = {"turn": "0", "first": str(int(time.time()) * 100_000), **script.variables}
    with tempfile.TemporaryDirectory(prefix="kontor-pgbench-") as folder:
        path = Path(folder) / "transaction.sql"
        path.write_text("\n".join(script.lines) + "\n")
        command = [str(shop.postgres_programs / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--file={path}"]
        command += [f"--client={clients}", f"--jobs={min(clients, 2)}", f"--time={max(1, round(seconds))}"]
        command += [f"--define={name}={value}" for name, value in variables.items()]
        done = subprocess.run([*command, shop.database_url], capture_output=True, text=True, check=False)
    if done.returncode or "abort" in done.stderr:
        raise CannotMeasure(f"pgbench failed: {done.stderr.strip()[-2000:]}")
    return _read(done.stdout)


def _read(output: str) -> Round:
    found = re.search(r"number of transactions actually processed: (\d+)", output)
    rate = re.search(r"tps = ([\d.]+)", output)
    latency = re.search(r"latency average = ([\d.]+) ms", output)
    if not (found and rate and latency):
        raise CannotMeasure(f"pgbench says something new: {output}")
    count = int(found[1])
    return Round(requests=count, seconds=count / float(rate[1]), p50_ms=float(latency[1]))


def _made_ids(trace: Trace) -> list[str]:
    """Return the ids that the call made: the UUIDv7s of its time."""
    found: dict[str, None] = {}
    for statement in trace.statements:
        for value in statement.values:
            for made in _UUID.findall(value or ""):
                if UUID(made).int >> 80 >= trace.started_ms:
                    found[made] = None
    return list(found)


def _line(step: Step, script: Script, replaced: Mapping[str, str]) -> str:
    if not isinstance(step, Statement):
        return "\\startpipeline" if isinstance(step, PipelineBegins) else "\\endpipeline"
    number = script.statement_count
    script.statement_count += 1

    def put(match: re.Match[str]) -> str:
        text = step.values[int(match[1]) - 1]
        if text is None:
            return "NULL"
        varied = _vary(text, replaced)
        if varied is not None:
            return f"({varied})"
        if not text:
            # A variable cannot be empty.
            return "''"
        variable = f"s{number}_{match[1]}"
        script.variables[variable] = text
        return f":{variable}"

    return _PLACEHOLDER.sub(put, step.sql) + ";"


def _vary(text: str, replaced: Mapping[str, str]) -> str | None:
    """Return an expression for a text in which something varies from call to call; None when nothing does."""
    known = [old for old in replaced if old in text]
    if text in replaced:
        return replaced[text]
    if not known:
        return None
    # The longest first: one may be a part of another.
    pattern = re.compile("|".join(re.escape(old) for old in sorted(known, key=len, reverse=True)))
    parts, at = [], 0
    for match in pattern.finditer(text):
        parts += [_quote(text[at : match.start()]), f"({replaced[match[0]]})"]
        at = match.end()
    return f"concat({', '.join([*parts, _quote(text[at:])])})"


def _text(value: Any) -> str:
    """Write a value as a trace does."""
    if isinstance(value, UUID):
        return str(value)
    return bytes(Transformer().get_dumper(value, PyFormat.TEXT).dump(value) or b"").decode()


def _quote(text: str) -> str:
    quoted = text.replace("'", "''")
    if _LOOKS_LIKE_VARIABLE.search(quoted) is None:
        return f"'{quoted}'"
    # pgbench looks for variables inside of texts too.
    return "E'" + quoted.replace("\\", "\\\\").replace(":", "\\072") + "'"
