"""The catalog: what can be bought, where it is found, and what it is said to cost.

Owns: categories, products, product_media, variants, variant_prices, product_prices
Tells: ProductCreated, ProductUpdated, CategoryCreated, CatalogSeeded
Hears: nothing
Locks: an import takes its turn first, an advisory lock, then its products in the order of their slugs, and the stock
  counters that it makes come last.
Read first: service.py, list_queries.py, importing/service.py

In every process the kept answers follow AvailabilityChanged, which others tell of their sales and their stock, and
CatalogChanged: freshness_rules.py says which answers are outdated by which event.
"""
