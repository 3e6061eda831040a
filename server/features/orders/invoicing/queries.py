"""The SQL of invoices."""

from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Text, Uuid, bindparam, cast, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from server.db.rows import columns_of
from server.db.session import ReadTx, WriteTx
from server.db.statement import Query, ScalarCommand
from server.db.words import number, word
from server.features.orders.invoicing.values import InvoiceRecord
from server.features.orders.tables import InvoiceCounters, Invoices
from server.kernel.ids import INVOICE, OrderId

_FIND = Query(
    select(*columns_of(InvoiceRecord, Invoices)).where(Invoices.order_id == bindparam("order_id")), InvoiceRecord
)
_next_number = upsert(InvoiceCounters).values(year=bindparam("year"), last_number=number(1))
_taken = (
    _next_number.on_conflict_do_update(
        index_elements=["year"], set_={"last_number": InvoiceCounters.last_number + number(1)}
    )
    .returning(InvoiceCounters.last_number)
    .cte("taken")
)
# At least six digits, and never fewer than the number has.
_digits = func.greatest(func.length(cast(_taken.c.last_number, Text)), number(6))
_year = bindparam("year", type_=Integer)
_INSERT = ScalarCommand(
    insert(Invoices)
    .from_select(
        ["id", "order_id", "year", "sequence", "number", "issued_time", "document"],
        select(
            bindparam("id", type_=Uuid),
            bindparam("order_id", type_=Uuid),
            _year,
            _taken.c.last_number,
            func.concat(cast(_year, Text), word("-"), func.lpad(cast(_taken.c.last_number, Text), _digits, word("0"))),
            bindparam("issued_time", type_=Invoices.issued_time.type),
            bindparam("document", type_=JSONB),
        ),
    )
    .returning(Invoices.number),
    str,
)


async def find_invoice(tx: ReadTx, order_id: OrderId) -> InvoiceRecord | None:
    """Return the invoice of an order, if it is issued."""
    return await _FIND.first(tx, order_id=order_id)


async def insert_invoice(tx: WriteTx, order_id: OrderId, *, document: dict[str, Any], now: datetime) -> str:
    """Give the order the year's next invoice number and store the document; return the number.

    The counter's row stays locked until the transaction ends, so a number is never left out. All who are paid wait for
    it: take it as late as possible.
    """
    return await _INSERT.one(tx, id=INVOICE.new(), order_id=order_id, year=now.year, issued_time=now, document=document)
