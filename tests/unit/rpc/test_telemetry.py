"""What a process logs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_LOG = """
import logging, structlog
from server.rpc.telemetry import configure_logging
configure_logging("INFO")
ours = structlog.get_logger("ours")
ours.debug("too little")
ours.info("written", number=1, text="two\\nlines", kind=object)
logging.getLogger("library").info("written %d", 2)
logging.getLogger("library").debug("too little")
try:
    1 / 0
except ZeroDivisionError as error:
    ours.error("failed", exc_info=error)
    logging.getLogger("library").exception("failed")
"""


def run(program: str, **streams: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], text=True, check=True, **streams)


def test_writes_an_object_a_line_of_ours_and_of_libraries():
    lines = [json.loads(line) for line in run(_LOG, stdout=subprocess.PIPE).stdout.splitlines()]

    written = [(line["logger"], line["level"], line["event"]) for line in lines]
    assert written == [
        ("ours", "info", "written"),
        ("library", "info", "written 2"),
        ("ours", "error", "failed"),
        ("library", "error", "failed"),
    ]
    assert (lines[0]["number"], lines[0]["text"], lines[0]["kind"]) == (1, "two\nlines", "<class 'object'>")
    assert all("ZeroDivisionError: division by zero" in line["exception"] for line in lines[2:])
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_goes_on_when_its_lines_cannot_be_written():
    # What cannot be flushed stays in the buffer, and Python complains about it as it ends.
    ending = "\nimport os, sys; print('done', file=sys.stderr, flush=True); os._exit(0)"
    with Path("/dev/full").open("w") as full:
        done = run(_LOG + ending, stdout=full, stderr=subprocess.PIPE)

    assert done.stderr.endswith("done\n")
