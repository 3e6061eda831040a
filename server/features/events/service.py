"""Recording events: the door for every other feature."""

from server.db.session import WriteTx
from server.db.statement import Bound
from server.features.events import queries
from server.kernel.event import Event


async def record(tx: WriteTx, *events: Event) -> None:
    """Write events in the transaction that caused them: one statement, whatever their number.

    The caller holds the lock of each aggregate, or has just inserted it: it got it in an earlier statement of this
    transaction. Two writers of one aggregate would otherwise take the same sequence, and the unique constraint
    refuses the second.
    """
    if events:
        await queries.insert_events(tx, events)


def recording(*events: Event) -> Bound[object]:
    """Return the statement that writes events, one at least, to be run together with others; see `record`."""
    return queries.inserting_events(events)
