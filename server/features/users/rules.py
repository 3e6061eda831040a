"""What holds for addresses, passwords, codes and tokens: values in, values out."""

import hashlib
import re
import unicodedata
from datetime import timedelta
from typing import Final

MIN_PASSWORD_LENGTH: Final = 12

VERIFICATION_TTL: Final = timedelta(hours=24)


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
