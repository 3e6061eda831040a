"""Records the journey anew: `python -m tests.contract.journey`. Its diff is what clients are going to see."""

import os
import subprocess
import sys
from pathlib import Path

from tests.contract.journey.recording import REWRITE

_HERE = Path(__file__).parent
# The one that counts what is recorded comes last.
_TESTS = (_HERE.parents[1] / "rest" / "test_recorded_journey.py", _HERE / "test_journey.py")


if __name__ == "__main__":
    command = [sys.executable, "-m", "pytest", "-q", "--show-capture=no", *sys.argv[1:], *map(str, _TESTS)]
    sys.exit(subprocess.run(command, env={**os.environ, REWRITE: "1"}, check=False).returncode)
