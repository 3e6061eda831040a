"""Which idempotency key a call carries, and whose it is."""

import hashlib

from google.protobuf.message import Message

from server.db.idempotency import MAX_KEY_LENGTH, NO_CLAIM, Claim, KeyClaim
from server.kernel.actor import Actor
from server.kernel.clock import Clock
from server.kernel.errors import invalid_field
from server.kernel.ids import CART, USER
from server.rpc.call import Call


def claim_of(request: Message, call: Call, *, clock: Clock, path: str, required: bool) -> Claim:
    """Make the claim of a call: its key is the field `request_id`, else the header `idempotency-key`.

    Raises InvalidArgument for a missing key where one is required, and for one that is too long.
    """
    has_field = "request_id" in request.DESCRIPTOR.fields_by_name
    key = (request.request_id if has_field else "") or call.header("idempotency-key") or ""  # type: ignore[attr-defined]  # It has the field.
    if not key:
        if required:
            raise invalid_field("request_id", "must be set, here or as the Idempotency-Key header")
        return NO_CLAIM
    if len(key) > MAX_KEY_LENGTH:
        raise invalid_field("request_id", f"must have at most {MAX_KEY_LENGTH} characters")
    return KeyClaim(
        clock,
        scope=_scope(call.actor),
        method=path,
        key=key,
        request_hash=_hash(request, without_request_id=has_field),
    )


def _scope(actor: Actor) -> str:
    if actor.user_id is not None:
        return USER.write(actor.user_id)
    if actor.cart_id is not None:
        return CART.write(actor.cart_id)
    return "anonymous"


def _hash(request: Message, *, without_request_id: bool) -> bytes:
    if without_request_id:
        whole = request
        request = type(whole)()
        request.CopyFrom(whole)
        request.ClearField("request_id")
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
