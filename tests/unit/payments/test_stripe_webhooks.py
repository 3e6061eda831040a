"""Whose events are believed, and what is read from them."""

import json
from uuid import uuid4

import pytest

from server.features.payments.errors import SignatureInvalid
from server.features.payments.providers.stripe.webhook_gateway import StripeWebhooks
from server.features.payments.values import ProviderEvent
from server.kernel.errors import InvalidArgument
from tests.world.stripe import StripeStandIn

_OLD, _NEW = "whsec_old", "whsec_new"
_WEBHOOKS = StripeWebhooks([_NEW, _OLD])
_sign = StripeStandIn.sign


def _body(subject: object, **changes: object) -> bytes:
    return json.dumps({"id": "evt_1", "type": "some.thing", "data": {"object": subject}, **changes}).encode()


@pytest.mark.parametrize("secret", [_OLD, _NEW])
def test_believes_either_secret_while_one_replaces_the_other(secret: str) -> None:
    body = _body({"object": "payment_intent", "id": "pi_1"})

    news = _WEBHOOKS.verify(body, _sign(body, secret))

    assert news == ProviderEvent("evt_1", "some.thing", "pi_1", None)


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "garbage",
        "t=1,v1=",
        _sign(_body({}), "whsec_other"),
        _sign(_body({"other": 1}), _NEW),
        _sign(_body({}), _NEW, age_seconds=301),
        _sign(_body({}), _NEW).replace("v1=", "v0="),
    ],
    # The signatures hold the time: as names they would differ from process to process.
    ids=["missing", "empty", "garbage", "empty v1", "other secret", "other body", "too old", "v0 only"],
)
def test_refuses_what_is_not_signed_right(signature: str | None) -> None:
    with pytest.raises(SignatureInvalid):
        _WEBHOOKS.verify(_body({}), signature)


def test_believes_nobody_without_secrets() -> None:
    with pytest.raises(SignatureInvalid):
        StripeWebhooks([]).verify(_body({}), _sign(_body({}), ""))


def test_refuses_bytes_that_are_no_text() -> None:
    with pytest.raises(SignatureInvalid):
        _WEBHOOKS.verify(b"\xff", _sign(b"\xff", _NEW))


def test_reads_our_own_id() -> None:
    payment_id = uuid4()
    body = _body({"object": "payment_intent", "id": "pi_1", "metadata": {"payment_id": str(payment_id)}})

    assert _WEBHOOKS.read(body).payment_id == payment_id


@pytest.mark.parametrize(
    ("subject", "reference"),
    [
        ({"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}, "pi_1"),
        ({"object": "refund", "id": "re_1", "payment_intent": {"id": "pi_1"}}, "pi_1"),
        ({"object": "charge", "id": "ch_1", "payment_intent": None}, ""),
        ({"object": "payout", "id": "po_1"}, ""),
    ],
)
def test_finds_the_payment_that_an_event_speaks_of(subject: dict[str, object], reference: str) -> None:
    assert _WEBHOOKS.read(_body(subject)).payment_reference == reference


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'"x"', b"null", b"[" * 100_000, _body([]), _body(None), _body({}, id=7), _body({}, type=None)],
)
def test_refuses_a_signed_body_that_is_no_event(body: bytes) -> None:
    with pytest.raises(InvalidArgument):
        _WEBHOOKS.verify(body, _sign(body, _NEW))
