"""What sending costs, and the taxes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.db.session import Database
from server.features.pricing.tables import ShippingMethods, ShippingPrices, TaxRates
from server.kernel.ids import SHIPPING_METHOD, ShippingMethodId, new_id
from tests.world.looking import insert_row


@dataclass(frozen=True)
class ShippingMethod:
    """A way of shipping that was made."""

    id: ShippingMethodId

    @property
    def name(self) -> str:
        """Its id for the outside."""
        return SHIPPING_METHOD.write(self.id)


async def make_shipping_method(
    db: Database,
    code: str = "standard",
    *,
    prices: Mapping[str, int] | None = None,
    free_from: int | None = None,
    countries: Sequence[str] = (),
    position: int = 0,
    active: bool = True,
) -> ShippingMethod:
    """Make a way of shipping; without countries it goes everywhere."""
    method_id = ShippingMethodId(new_id())
    async with db.write() as tx:
        await insert_row(
            tx,
            ShippingMethods,
            id=method_id,
            code=code,
            name=code.title(),
            description=f"Sent {code}",
            countries=list(countries),
            position=position,
            active=active,
        )
        for currency, amount in ({"EUR": 490} if prices is None else prices).items():
            await insert_row(
                tx,
                ShippingPrices,
                shipping_method_id=method_id,
                currency=currency,
                amount_minor=amount,
                free_from_amount_minor=free_from,
            )
    return ShippingMethod(method_id)


async def make_tax_rate(
    db: Database,
    country: str = "DE",
    rate_ppm: int = 190_000,
    *,
    name: str = "VAT 19%",
    region: str = "",
    included: bool = True,
    tax_class: str = "standard",
) -> None:
    """Make a tax rate, which shipping carries too."""
    async with db.write() as tx:
        await insert_row(
            tx,
            TaxRates,
            id=new_id(),
            country=country,
            region=region,
            tax_class=tax_class,
            name=name,
            rate_ppm=rate_ppm,
            included=included,
            applies_to_shipping=True,
        )
