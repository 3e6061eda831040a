"""What may be tried how often."""

import hashlib
from datetime import timedelta
from typing import Final

from server.features.users.throttling.values import Throttle

# Five wrong passwords for one account. The longest wait bounds how long a stranger can keep the owner out.
ACCOUNT_THROTTLE: Final = Throttle(5, timedelta(seconds=1), timedelta(minutes=15), timedelta(hours=1))
# A network address may be a whole office, so it gets more tries.
ADDRESS_THROTTLE: Final = Throttle(20, timedelta(seconds=1), timedelta(minutes=15), timedelta(hours=1))
# Mails that anybody can have sent to an address by naming it.
MAIL_THROTTLE: Final = Throttle(5, timedelta(minutes=1), timedelta(hours=1), timedelta(hours=24))
# Accounts that a network address opens: a whole school may sign up in one hour, a machine would go on.
REGISTRATION_THROTTLE: Final = Throttle(20, timedelta(seconds=10), timedelta(minutes=15), timedelta(hours=1))
# Passwords that are tried with one code.
CODE_THROTTLE: Final = Throttle(5, timedelta(seconds=1), timedelta(minutes=15), timedelta(hours=1))


def throttle_subject(kind: str, value: str) -> bytes:
    """Name what is throttled, so that the table is no list of addresses."""
    return hashlib.sha256(f"{kind}\0{value}".encode()).digest()
