"""Carts: what somebody means to buy, until it becomes an order.

Owns: carts, cart_items
Tells: nothing
Hears: nothing
Locks: the cart before the order and before stock; of two that are merged, the guest's before the user's.
Read first: service.py, then load_queries.py for what a cart's price depends on, and rules.py.
"""
