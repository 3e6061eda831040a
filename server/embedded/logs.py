"""Keep the logs of the one-command run from filling the disk."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Final

_LARGEST_BYTES: Final = 32 * 1024 * 1024
_CHECK_SECONDS: Final = 60.0


async def keep_logs_small(folder: Path) -> None:
    """Look after the logs until cancelled."""
    while True:
        await asyncio.to_thread(trim_logs, folder)
        await asyncio.sleep(_CHECK_SECONDS)


def trim_logs(folder: Path, largest_bytes: int = _LARGEST_BYTES) -> None:
    """Move what is in a large log aside and empty it; its writers append, so they go on at the start."""
    for log in folder.glob("*.log"):
        if log.stat().st_size > largest_bytes:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)
