"""Inventory: how many units there are, and who holds them.

Owns: locations, stock_items, reservations, stock_movements
Tells: StockAdjusted
Hears: nothing
Locks: stock rows after the order that holds them, several in the order of their ids in one statement; reservations and
  the ledger change only under the lock of their stock row.
Read first: service.py, then movement_queries.py for how counters and ledger move together.
"""
