"""What a browser's `Accept-Language` does, through the edge."""

import pytest

from tests.rest.web import Json, Web

EMPTY_CART = ("POST", "/v1/orders", {"expectedTotal": {"currencyCode": "EUR"}, "paymentProvider": "STRIPE"})
UNKNOWN_PRODUCT = ("GET", "/v1/products/none", None)


async def details(web: Web, call: tuple[str, str, Json | None], **headers: str) -> dict[str, Json]:
    """Return the details of a refused call by their kind."""
    method, path, body = call
    response = await web.send(method, path, body, idempotency_key="key-1", **headers)
    assert response.status_code >= 400
    return {detail["@type"].rpartition(".")[2]: detail for detail in response.json()["details"]}


@pytest.mark.parametrize(
    ("call", "reason", "message"),
    [
        (EMPTY_CART, "CART_EMPTY", "Ihr Warenkorb ist leer."),
        (UNKNOWN_PRODUCT, "NOT_FOUND", "Das Gesuchte wurde nicht gefunden."),
    ],
)
async def test_a_refusal_has_a_text_for_people(
    web: Web, call: tuple[str, str, Json | None], reason: str, message: str
) -> None:
    refused = await details(web, call, accept_language="de-DE,de;q=0.9,en;q=0.8")

    assert refused["ErrorInfo"]["reason"] == reason
    assert refused["LocalizedMessage"] == {
        "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
        "locale": "de",
        "message": message,
    }


@pytest.mark.parametrize("call", [EMPTY_CART, UNKNOWN_PRODUCT])
async def test_a_refusal_without_the_header_has_none(web: Web, call: tuple[str, str, Json | None]) -> None:
    assert (await details(web, call)).keys() == {"ErrorInfo", "RequestInfo"}
