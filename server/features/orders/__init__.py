"""Orders: agreements to buy, from the cart to the parcel.

Owns: orders, order_lines, order_timeline, fulfillments, fulfillment_lines, invoice_counters, invoices
Tells: OrderPlaced, OrderConfirmed, OrderCompleted, OrderExpired, OrderShipped
Hears: OrderConfirmed, OrderShipped, StockAdjusted
Locks: the cart, then the order, its payment, stock by id, and the year's invoice counter last.
Read first: placing/service.py, progress/service.py, settlement_service.py
"""
