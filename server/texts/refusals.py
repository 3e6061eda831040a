"""What is said to shoppers whom the shop refuses something.

The texts are named after the reasons of the contract: `refused.CART_FULL`. Reasons that no shopper meets have none.
"""

from collections.abc import Mapping
from datetime import timedelta

from server.texts.catalogue import Texts


def refusal_text(
    texts: Texts, reason: str, *, metadata: Mapping[str, str], retry_after: timedelta | None
) -> str | None:
    """Say why something is refused, for people; None where only a developer can meet the reason."""
    key = f"refused.{reason}"
    if key not in texts:
        return None
    return texts.say(key, **_placeholders(texts, reason, metadata, retry_after))


def _placeholders(
    texts: Texts, reason: str, metadata: Mapping[str, str], retry_after: timedelta | None
) -> dict[str, object]:
    """Return the metadata and what can be made of it; each text takes what it needs."""
    found: dict[str, object] = dict(metadata)
    if retry_after is not None:
        found["wait"] = texts.wait(retry_after)
    match reason:
        case "PRICE_CHANGED":
            found["amount"] = texts.amount(int(metadata["amount_minor"]), metadata["currency_code"])
        case "CHECKOUT_INCOMPLETE":
            found["missing"] = texts.listed([_missing(texts, what) for what in metadata["missing"].split(",")])
        case "OUT_OF_STOCK":
            more = int(metadata.get("more_count", "0"))
            # Every other key is a variant.
            found["count"] = len(metadata.keys() - {"more_count"}) + more
    return found


def _missing(texts: Texts, what: str) -> str:
    key = f"missing.{what}"
    return texts.say(key) if key in texts else what
