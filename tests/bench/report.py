"""What is printed and kept: two tables, a file, and the change against one."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench.arithmetic import NOISE, Outcome, change
from tests.bench.machine import Machine

_COMPARED = (("rps", "req/s"), ("p99_ms", "p99"), ("cpu_ms", "CPU"))
Row = Sequence[str]
_FIGURES = ("req/s", "p50 ms", "p99 ms", "errors", "CPU ms")
_LIMITED = ("workload", *_FIGURES, "limit/s", "ratio", "goal", "")
_BUDGETED = ("over REST", *_FIGURES, "of which", "budget", "")
_OTHERS = ("workload", *_FIGURES, "")


def tables(outcomes: Sequence[Outcome]) -> str:
    """Return the tables with what each workload reached."""
    limited = [one for one in outcomes if one.limit]
    budgeted = [one for one in outcomes if one.budget_cpu_ms is not None]
    others = [one for one in outcomes if not one.limit and one.budget_cpu_ms is None]
    parts = []
    if limited:
        parts.append(_table(_LIMITED, [_limited(one) for one in limited]))
    if budgeted:
        parts.append(_table(_BUDGETED, [_budgeted(one) for one in budgeted]))
    if others:
        parts.append(_table(_OTHERS, [(*_figures(one), _mark(one)) for one in others]))
    parts.append("\n".join(_remarks(outcomes)))
    return "\n\n".join(part for part in parts if part)


def keep(path: Path, machine: Machine, outcomes: Sequence[Outcome]) -> None:
    """Write a file that a later run can be compared with."""
    workloads = {one.name: {**asdict(one), "ratio": one.ratio, "reached": one.reached} for one in outcomes}
    content = {"machine": machine.as_dict(), "workloads": workloads}
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def compare(earlier: Path, outcomes: Sequence[Outcome]) -> str:
    """Return the table of what changed since a file was written. Raises OSError and ValueError."""
    before: Mapping[str, Mapping[str, Any]] = json.loads(earlier.read_text(encoding="utf-8"))["workloads"]
    rows = []
    for one in outcomes:
        old = before.get(one.name)
        if old is None:
            rows.append((one.name, *["new"] * len(_COMPARED)))
            continue
        rows.append((one.name, *[_change(old.get(key), getattr(one, key)) for key, _ in _COMPARED]))
    gone = sorted(before.keys() - {one.name for one in outcomes})
    note = f"\nnot measured this time: {', '.join(gone)}" if gone else ""
    return _table(("workload", *[title for _, title in _COMPARED]), rows) + note


def _limited(one: Outcome) -> Row:
    ratio = "-" if one.ratio is None else f"{one.ratio:.0%}"
    goal = "-" if one.goal_ratio is None else f"{one.goal_ratio:.0%}"
    return (*_figures(one), f"{one.limit_rps or 0:,.0f}", ratio, goal, _mark(one))


def _budgeted(one: Outcome) -> Row:
    parts = ", ".join(f"{name} {value:.2f}" for name, value in one.cpu_parts_ms.items())
    return (*_figures(one), parts, f"{one.budget_cpu_ms:g}", _mark(one))


def _figures(one: Outcome) -> Row:
    cpu = "-" if one.cpu_ms is None else f"{one.cpu_ms:.3f}"
    return one.name, f"{one.rps:,.0f}", f"{one.p50_ms:.1f}", f"{one.p99_ms:.1f}", str(one.errors), cpu


def _mark(one: Outcome) -> str:
    return "" if one.reached else "MISSED"


def _remarks(outcomes: Iterable[Outcome]) -> list[str]:
    lines = []
    for one in outcomes:
        if one.limit:
            lines.append(f"{one.name}: the limit is {one.limit}")
        lines += [f"{one.name}: {text} ({'holds' if holds else 'MISSED'})" for text, holds in one.claims]
        lines += [f"{one.name}: {note}" for note in one.notes]
        if one.errors:
            lines.append(f"{one.name}: {one.errors} errors, the first: {one.first_error}")
    return lines


def _change(before: float | None, now: float | None) -> str:
    share = change(before, now)
    if share is None:
        return "-"
    return f"{share:+.0%}" + ("" if abs(share) >= NOISE else " (noise)")


def _table(head: Row, rows: Sequence[Row]) -> str:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]

    def line(row: Row) -> str:
        # Names to the left, figures to the right.
        cells = [row[0].ljust(widths[0]), *[cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]]
        return "  ".join(cells).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(head), rule.rstrip(), *[line(row) for row in rows]])
