"""Runs the journey against a running shop."""

import sys
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx

from server.cli.demo.journey import Journey, JourneyFailed
from server.cli.demo.outside import Mailbox, StripeCheckout
from server.cli.demo.screen import JourneyScreen
from server.cli.demo.transport import GrpcTransport, RestTransport, Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningShop:
    """Where the running shop and the world around it are."""

    http_url: str
    # `host:port` of the plaintext gRPC listener.
    grpc_address: str
    mail_folder: Path
    stripe_url: str
    stripe_api_key: str
    admin_email: str
    admin_password: str
    # Where the invoice is put.
    folder: Path


async def run(shop: RunningShop, *, over_grpc: bool) -> int:
    """Buy something and show each step; return the exit code."""
    if not over_grpc:
        return await _travel(shop, RestTransport(shop.http_url))
    async with grpc.aio.insecure_channel(shop.grpc_address) as channel:
        return await _travel(shop, GrpcTransport(channel))


async def _travel(shop: RunningShop, transport: Transport) -> int:
    journey = Journey(
        transport=transport,
        screen=JourneyScreen(),
        mailbox=Mailbox(shop.mail_folder),
        stripe=StripeCheckout(shop.stripe_url, shop.stripe_api_key),
        admin_email=shop.admin_email,
        admin_password=shop.admin_password,
        folder=shop.folder,
    )
    try:
        await journey.run()
    except JourneyFailed as failure:
        print(f"\nThe demo stopped: {failure}", file=sys.stderr)
        return 1
    except httpx.HTTPError as error:
        print(f"\nThe shop does not answer ({error}); is `kontor up` running?", file=sys.stderr)
        return 1
    print("\nBought, paid, invoiced and shipped.")
    return 0
