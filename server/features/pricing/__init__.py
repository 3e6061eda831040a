"""Pricing: what goods cost together, with discounts, shipping and taxes; and what that depends on.

Owns: tax_rates, shipping_methods, shipping_prices
Tells: nothing
Hears: nothing
Locks: nothing; who asks for a price reads rates and methods as they are.
Read first: rules.py, then discount_rules.py and tax_rules.py; queries.py fills a new shop.
"""
