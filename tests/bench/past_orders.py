"""The SQL that makes past orders in bulk. `{id}` and `{cart}` are the ids of the order with the number n."""

_ORDERS = """
INSERT INTO orders (
    id, number, cart_id, email, status, payment_status, fulfillment_status, currency, subtotal_minor, discount_minor,
    shipping_minor, tax_minor, included_tax_minor, total_minor, taxes, shipping_address, billing_address,
    placed_time, expires_time, confirmed_time, completed_time, updated_time
)
SELECT {id}, 'PAST-{batch}-' || n, {cart}, 'past' || n || '@bench.example', 'COMPLETED', 'PAID', 'FULFILLED', 'EUR',
       4000, 0, 490, 717, 717, 4490, '[]', '{{}}', '{{}}', placed, placed, placed, placed, placed
  FROM (SELECT n, now() - n * interval '1 minute' AS placed FROM generate_series(1, %(count)s) AS n) AS past
"""
_LINES = """
INSERT INTO order_lines (
    id, order_id, position, product_id, variant_id, sku, title, options, requires_shipping, quantity, shipped_quantity,
    unit_price_minor, subtotal_minor, discount_minor, tax_minor, total_minor
)
SELECT uuidv7(), {id}, position, goods.product_id, goods.variant_id, 'SKU', 'Past goods', '[]', true, 1, 1,
       2000, 2000, 0, 319, 2000
  FROM generate_series(1, %(count)s) AS n
 CROSS JOIN generate_series(1, 2) AS position
  JOIN bench.goods ON goods.number = (n * 2 + position) %% (SELECT count(*) FROM bench.goods) + 1
"""
_TIMELINE = """
INSERT INTO order_timeline (id, order_id, sequence, kind, to_state, actor_kind, created_time)
SELECT uuidv7(), {id}, 1, 'PLACED', 'PENDING', 'GUEST', now() FROM generate_series(1, %(count)s) AS n
"""
_PAYMENTS = """
INSERT INTO payments (id, order_id, provider, status, currency, amount_minor, created_time, updated_time, checked_time)
SELECT uuidv7(), {id}, 'MANUAL', 'CAPTURED', 'EUR', 4490, now(), now(), now()
  FROM generate_series(1, %(count)s) AS n
"""
_RESERVATIONS = """
INSERT INTO reservations (id, order_id, stock_id, sequence, quantity, status, expires_time, created_time)
SELECT uuidv7(), order_lines.order_id, stock_items.id, 0, 1, 'CONSUMED', now(), now()
  FROM order_lines JOIN stock_items ON stock_items.variant_id = order_lines.variant_id
"""
_EVENTS = """
INSERT INTO events (id, type, aggregate_id, sequence, data, created_time)
SELECT uuidv7(), 'order.placed', {id}, 1, '{{}}', now() FROM generate_series(1, %(count)s) AS n
"""
# Handed on long ago.
_HANDED_ON = """
UPDATE event_cursors
   SET transaction_id = last.transaction_id, position = last.position
  FROM (SELECT transaction_id, position FROM events ORDER BY transaction_id DESC, position DESC LIMIT 1) AS last
"""
PAST_ORDERS = (_ORDERS, _LINES, _TIMELINE, _PAYMENTS, _RESERVATIONS, _EVENTS, _HANDED_ON)
