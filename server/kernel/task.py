"""Tasks: work that is done later by a job worker, as one frozen class for each kind."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class Task:
    """Something to do; its fields say to what."""

    # The feature, then what is done: `payments.refund`.
    name: ClassVar[str]
