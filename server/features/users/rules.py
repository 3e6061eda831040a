"""What holds for addresses, passwords, codes and throttles: values in, values out."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

MIN_PASSWORD_LENGTH: Final = 12

VERIFICATION_TTL: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Device:
    """Where a login comes from, as far as that can be known."""

    remote_address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client carries of its session."""

    access_token: str
    expires_in: timedelta
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Throttle:
    """How often something may happen before it has to wait, and how the wait grows.

    The attempt number `free` starts a wait of `first`, each further one doubles it up to `longest`. After `window`
    without an attempt, counting starts anew.
    """

    free: int
    first: timedelta
    longest: timedelta
    window: timedelta


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


def normalize_email(text: str) -> str:
    """Bring an address into the form in which it is stored and compared."""
    return text.strip().lower()


def normalize_password(text: str) -> str:
    """Make texts that look the same the same bytes, whatever keyboard they came from (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", text)


# Crockford's base 32 leaves out I, L, O and U, which people misread.
_CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_GROUPS: Final = 5
_CODE_GROUP_LENGTH: Final = 5
CODE_BYTES: Final = 16


def format_code(entropy: bytes) -> str:
    """Write random bytes as a code to read and type: 125 bits as five groups of five."""
    number = int.from_bytes(entropy)
    digits = [_CODE_ALPHABET[number >> shift & 31] for shift in range(0, 5 * _CODE_GROUPS * _CODE_GROUP_LENGTH, 5)]
    groups = [digits[start : start + _CODE_GROUP_LENGTH] for start in range(0, len(digits), _CODE_GROUP_LENGTH)]
    return "-".join("".join(group) for group in groups)


def code_hash(code: str) -> bytes:
    """Hash a code for storing and finding; what people do to it while typing does not count."""
    typed = re.sub(r"[\s-]", "", code).upper().translate(str.maketrans("OIL", "011"))
    return hashlib.sha256(typed.encode()).digest()


def token_hash(token: str) -> bytes:
    """Hash an opaque token for storing and finding. It is random, so a fast hash does."""
    return hashlib.sha256(token.encode()).digest()
