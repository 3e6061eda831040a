"""Shopify's product file: rows that together say what products there are.

A product takes one or more rows with the same handle; a row without a handle continues the product above it. Each
product field is the first cell that is not empty among the product's rows. A row with an option value, a SKU or a
price, and the product's first row, says a variant; any row may say a picture.

What cannot be read is left out and named: a variant when its row is wrong, also when it is the first row, whose
product fields still count; a product when it has no title, no usable handle or no variant left; a picture, a tag or
a text alone when only that is wrong. A product whose status cannot be read comes in as a draft, and so does a gift
card: the shop issues none yet.
"""

from server.features.catalog.importing.shopify.rules import parse_products

__all__ = ["parse_products"]
