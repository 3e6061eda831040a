"""A web developer's view of the shop: paths, headers, JSON."""

from dataclasses import dataclass, field, replace
from typing import Any

import httpx

Json = dict[str, Any]


@dataclass(frozen=True)
class Web:
    """Somebody who calls over HTTP, with the headers that say who it is."""

    client: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=dict)

    def signed_in(self, access_token: str) -> "Web":
        """Return the same caller with an account."""
        return replace(self, headers={"authorization": f"Bearer {access_token}"})

    def with_cart(self, token: str) -> "Web":
        """Return the same caller with a guest's cart."""
        return replace(self, headers={"x-cart-token": token})

    async def send(self, method: str, path: str, body: Json | None = None, **headers: str) -> httpx.Response:
        """Send a request; underscores in the names of headers are hyphens."""
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, path, json=body, headers={**self.headers, **extra})

    async def get(self, path: str) -> Json:
        """Read something that is there."""
        return answer(await self.send("GET", path))

    async def post(self, path: str, body: Json | None = None, **headers: str) -> Json:
        """Do something that works."""
        return answer(await self.send("POST", path, body or {}, **headers))

    async def put(self, path: str, body: Json) -> Json:
        """Set something."""
        return answer(await self.send("PUT", path, body))


def answer(response: httpx.Response) -> Json:
    """Return the JSON of a call that went well."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    body: Json = response.json()
    return body


@dataclass(frozen=True)
class WebRefusal:
    """An error as a web developer sees it."""

    status: int
    code: int
    reason: str
    message: str
    metadata: dict[str, str]
    fields: list[str]
    request_id: str


def refusal(response: httpx.Response) -> WebRefusal:
    """Return the error of a call that was refused, which has the one form of all errors."""
    assert response.status_code >= 400
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"code", "message", "details"}
    details = {detail["@type"].rpartition(".")[2]: detail for detail in body["details"]}
    assert details["ErrorInfo"]["domain"] == "kontor"
    assert response.headers["x-request-id"] == details["RequestInfo"]["requestId"]
    return WebRefusal(
        status=response.status_code,
        code=body["code"],
        reason=details["ErrorInfo"]["reason"],
        message=body["message"],
        metadata=details["ErrorInfo"]["metadata"],
        fields=[violation["field"] for violation in details.get("BadRequest", {}).get("fieldViolations", [])],
        request_id=details["RequestInfo"]["requestId"],
    )
