"""The longer SQL of the benchmark's data."""

# In Germany prices contain the tax, so that a total is the goods and the parcel.
TOTALS = """
SELECT carts.id, goods.value + CASE WHEN goods.value >= price.free_from_amount_minor THEN 0 ELSE price.amount_minor END
  FROM carts
  JOIN LATERAL (
    SELECT sum(variant_prices.amount_minor * cart_items.quantity) AS value
      FROM cart_items
      JOIN variant_prices ON variant_prices.variant_id = cart_items.variant_id AND variant_prices.currency = 'EUR'
     WHERE cart_items.cart_id = carts.id
  ) AS goods ON true
  JOIN shipping_prices AS price ON price.shipping_method_id = carts.shipping_method_id AND price.currency = 'EUR'
 WHERE carts.id BETWEEN %s AND %s
 ORDER BY carts.id
"""
# A title is the name of a line of goods, a material and a thing; each word alone finds thousands or a few.
QUERIES = """
WITH words AS (SELECT string_to_array(lower(title), ' ') AS words FROM products WHERE status = 'ACTIVE'),
queries AS (
    SELECT words[1] AS query FROM words
    UNION ALL SELECT words[cardinality(words)] FROM words
    UNION ALL SELECT words[1] || ' ' || words[cardinality(words)] FROM words
)
SELECT query FROM queries WHERE query ~ '^[a-z ]+$' GROUP BY query HAVING count(*) >= 40 ORDER BY md5(query) LIMIT 300
"""
OPEN_WORK = """
SELECT (SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND scheduled_at IS NULL)
     + (SELECT count(*) FROM events, event_cursors AS cursor WHERE cursor.name = 'jobs'
           AND (events.transaction_id, events.position) > (cursor.transaction_id, cursor.position))
"""
