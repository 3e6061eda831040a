"""SQL that writes shipping methods and tax rates; carts read them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Integer,
    Select,
    Text,
    Uuid,
    exists,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from server.db.session import WriteTx
from server.db.statement import ScalarCommand, unnest_rows
from server.features.pricing.default_values import NewShippingMethod, NewShippingPrice, NewTaxRate
from server.features.pricing.tables import ShippingMethods, ShippingPrices, TaxRates
from server.kernel.ids import SHIPPING_METHOD


def _add_rates() -> Select[Any]:
    rows = unnest_rows(
        "rows",
        country=Text(),
        region=Text(),
        tax_class=Text(),
        rate_name=Text(),
        rate_ppm=Integer(),
        included=Boolean(),
        applies_to_shipping=Boolean(),
    )
    columns = ["id", "country", "region", "tax_class", "name", "rate_ppm", "included", "applies_to_shipping"]
    values = select(func.uuidv7(type_=Uuid()), *rows.c).where(~exists(select(TaxRates.id)))
    added = insert(TaxRates).from_select(columns, values).returning(TaxRates.id).cte("added")
    return select(func.count()).select_from(added)


def _add_methods() -> Select[Any]:
    methods = unnest_rows("methods", id=Uuid(), code=Text(), method_name=Text(), description=Text(), position=Integer())
    added = (
        insert(ShippingMethods)
        .from_select(
            ["id", "code", "name", "description", "position"],
            select(*methods.c).where(~exists(select(ShippingMethods.id).correlate(None))),
        )
        .returning(ShippingMethods.id, ShippingMethods.code)
        .cte("added")
    )
    prices = unnest_rows(
        "prices",
        price_code=Text(),
        currency=Text(),
        amount_minor=BigInteger(),
        free_from_amount_minor=BigInteger(),
    )
    columns = ["shipping_method_id", "currency", "amount_minor", "free_from_amount_minor"]
    values = select(added.c.id, prices.c.currency, prices.c.amount_minor, prices.c.free_from_amount_minor).join(
        added, added.c.code == prices.c.price_code
    )
    return (
        select(func.count())
        .select_from(added)
        .add_cte(insert(ShippingPrices).from_select(columns, values).cte("priced"))
    )


_ADD_RATES = ScalarCommand(_add_rates(), int)
_ADD_METHODS = ScalarCommand(_add_methods(), int)


async def insert_first_tax_rates(tx: WriteTx, rates: Sequence[NewTaxRate]) -> int:
    """Store the rates when there are none at all; return how many were stored."""
    return await _ADD_RATES.one(
        tx,
        country=[rate.country for rate in rates],
        region=[rate.region for rate in rates],
        tax_class=[rate.tax_class for rate in rates],
        rate_name=[rate.name for rate in rates],
        rate_ppm=[rate.rate_ppm for rate in rates],
        included=[rate.included for rate in rates],
        applies_to_shipping=[rate.applies_to_shipping for rate in rates],
    )


async def insert_first_shipping_methods(
    tx: WriteTx, methods: Sequence[NewShippingMethod], prices: Sequence[NewShippingPrice]
) -> int:
    """Store the methods with their prices when there are none at all; return how many were stored."""
    return await _ADD_METHODS.one(
        tx,
        id=[SHIPPING_METHOD.new() for _ in methods],
        code=[method.code for method in methods],
        method_name=[method.name for method in methods],
        description=[method.description for method in methods],
        position=list(range(len(methods))),
        price_code=[price.code for price in prices],
        currency=[price.currency for price in prices],
        amount_minor=[price.amount_minor for price in prices],
        free_from_amount_minor=[price.free_from_amount_minor for price in prices],
    )
