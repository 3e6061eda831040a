"""`make bench`: measures the shop against the limits of the machine. See README.md beside this file."""

import argparse
import os
import signal
import sys
from pathlib import Path

from tests.bench import machine, report
from tests.bench.arithmetic import Outcome
from tests.bench.machine import CannotMeasure
from tests.bench.session import Options, Session, say
from tests.bench.suite import UnknownWorkload, Workload, chosen

# Kept between runs. Not below a home: as root, PostgreSQL runs as another user, who has to get there.
_FOLDER = Path("/var/tmp") / f"kontor-bench-{os.geteuid()}"  # The name is this user's own.


def main() -> int:
    """Run the workloads that were asked for; 1 when something was missed or cannot be measured."""
    arguments = _parser().parse_args()
    # As Ctrl-C does it: the shop is stopped, and what was measured is told.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        workloads = chosen(arguments.workload)
        if arguments.list:
            print("\n".join(f"{one.name:<24}{(one.run.__doc__ or '').splitlines()[0]}" for one in workloads))
            return 0
        machine.check_system()
        machine.check_tools(tool for workload in workloads for tool in workload.tools)
        outcomes, failed = _measure(workloads, arguments)
        reached = _tell(outcomes, arguments)
        if failed:
            print(f"\nnot measured: {', '.join(failed)}")
        return 2 if failed else int(not reached)
    except (CannotMeasure, UnknownWorkload) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _measure(workloads: list[Workload], arguments: argparse.Namespace) -> tuple[list[Outcome], list[str]]:
    """Run the workloads; return what they reached, and the names of those that could not be measured."""
    machine.raise_open_files()
    options = Options(
        folder=arguments.folder, products=arguments.products, seconds=arguments.seconds, rounds=arguments.rounds
    )
    session = Session(options)
    outcomes, failed = [], []
    try:
        for workload in workloads:
            say(f"{workload.name}: {(workload.run.__doc__ or '').splitlines()[0]}")
            try:
                outcomes.append(workload.run(session))
            except CannotMeasure as problem:
                # The others are worth having all the same.
                say(f"{workload.name} cannot be measured: {problem}")
                failed.append(workload.name)
    except KeyboardInterrupt:
        say("interrupted: what was measured so far follows")
        failed += [one.name for one in workloads[len(outcomes) + len(failed) :]]
    finally:
        session.close()
    return outcomes, failed


def _tell(outcomes: list[Outcome], arguments: argparse.Namespace) -> bool:
    """Print and keep the figures; return whether everything was reached."""
    here = machine.describe()
    print(f"\n{here.processor}, {here.cores} cores, {here.memory_gib} GiB, {here.system}, Python {here.python}")
    print(f"{arguments.products:,} products, {arguments.rounds} rounds of {arguments.seconds:g} s each\n")
    print(report.tables(outcomes))
    if arguments.compare:
        print(f"\nAgainst {arguments.compare}:\n\n{report.compare(arguments.compare, outcomes)}")
    if arguments.json:
        report.keep(arguments.json, here, outcomes)
    return all(one.reached for one in outcomes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make bench", description="Measures the shop against the limits of the machine."
    )
    parser.add_argument("--workload", default="", metavar="A,B", help="which ones; `all` for everything")
    parser.add_argument("--list", action="store_true", help="only say which there are")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="show the change against kept figures")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long a round takes (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how many there are; medians count (%(default)s)")
    parser.add_argument("--products", type=int, default=100_000, help="how large the catalog is (%(default)s)")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where the catalog is kept (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
