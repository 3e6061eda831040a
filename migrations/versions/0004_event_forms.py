"""Events and jobs that are kept already are written as the contract writes: ids with their prefixes, money as one value.

What was told and not yet handed on, and what waits in the queue, is read by the program after this migration. The former
program goes on writing the old form: it is to be stopped before. Going back leaves everything as it is: the former program
fails at what still waits.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# A TypeID is 26 digits of five bits: two that are zero, and the 128 of the UUID.
_TYPEID = """
CREATE FUNCTION pg_temp.typeid(prefix text, id text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT prefix || '_' || string_agg(
               substr('0123456789abcdefghjkmnpqrstvwxyz', substring(bits FROM 1 + 5 * digit FOR 5)::bit(5)::int + 1, 1),
               '' ORDER BY digit)
      FROM generate_series(0, 25) AS digit, (SELECT B'00' || ('x' || replace(id, '-', ''))::bit(128) AS bits) AS number
$$
"""
_RENEWED = """
CREATE FUNCTION pg_temp.renewed(type text, aggregate_id text, data jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT data - '{currency_code,total_minor,count}'::text[]
        || CASE
           WHEN type LIKE 'order.%' THEN jsonb_build_object('order_id', pg_temp.typeid('ord', aggregate_id))
           WHEN type LIKE 'user.%' THEN jsonb_build_object('user_id', pg_temp.typeid('user', aggregate_id))
           WHEN type LIKE 'stock.%' THEN jsonb_build_object('variant_id', pg_temp.typeid('var', aggregate_id))
           WHEN type LIKE 'product.%' THEN jsonb_build_object('product_id', pg_temp.typeid('prod', aggregate_id))
           WHEN type = 'catalog.category_created'
           THEN jsonb_build_object('category_id', pg_temp.typeid('cat', aggregate_id))
           WHEN type = 'catalog.seeded'
           THEN jsonb_build_object('batch_id', aggregate_id, 'product_count', data -> 'count')
           ELSE '{}' END
        || CASE WHEN data ? 'total_minor' THEN jsonb_build_object('total', jsonb_build_object(
               'currency_code', data -> 'currency_code', 'amount_minor', data -> 'total_minor')) ELSE '{}' END
        || CASE WHEN data ? 'registration_id' THEN jsonb_build_object(
               'registration_id', pg_temp.typeid('reg', data ->> 'registration_id')) ELSE '{}' END
        || CASE WHEN data ? 'product_ids' THEN jsonb_build_object('product_ids', (
               SELECT coalesce(jsonb_agg(pg_temp.typeid('prod', id) ORDER BY place), '[]')
                 FROM jsonb_array_elements_text(data -> 'product_ids') WITH ORDINALITY AS ids (id, place))) ELSE '{}' END
$$
"""
# Those of payments were in this form from the beginning. What was renewed by an attempt that was broken off has its key.
_EVENTS = """
UPDATE events SET data = pg_temp.renewed(type, aggregate_id::text, data)
 WHERE position > {after} AND position <= {upto} AND type NOT LIKE 'payment.%'
   AND NOT data ?| '{{order_id,user_id,variant_id,product_id,category_id,batch_id}}'::text[]
"""
_BATCH = 10_000
# Jobs that are done stay as they are: nobody reads them any more.
_JOBS_OF_EVENTS = """
UPDATE procrastinate_jobs
   SET args = args - 'aggregate_id' || jsonb_build_object(
           'data', pg_temp.renewed(told.type, args ->> 'aggregate_id', args -> 'data'))
  FROM (VALUES ('users.send_verification', 'user.registered'),
               ('users.send_known_address', 'user.registration_repeated'),
               ('orders.send_shipped_mail', 'order.shipped'),
               ('orders.hand_over_arrived', 'stock.adjusted')) AS told (task, type)
 WHERE task_name = told.task AND status IN ('todo', 'doing') AND args ? 'aggregate_id'
"""
_JOBS_OF_MANY = """
UPDATE procrastinate_jobs
   SET args = jsonb_build_object('events', (
           SELECT jsonb_agg(one - 'aggregate_id' || jsonb_build_object(
                      'data', pg_temp.renewed('order.confirmed', one ->> 'aggregate_id', one -> 'data')) ORDER BY place)
             FROM jsonb_array_elements(args -> 'events') WITH ORDINALITY AS events (one, place)))
 WHERE task_name = 'orders.send_confirmation_mails' AND status IN ('todo', 'doing')
"""
_TASKS = """
UPDATE procrastinate_jobs
   SET args = CASE task_name
       WHEN 'orders.send_confirmation_mail'
       THEN jsonb_build_object('order_id', pg_temp.typeid('ord', args ->> 'aggregate_id'))
       WHEN 'payments.cancel' THEN jsonb_build_object('order_id', pg_temp.typeid('ord', args ->> 'order_id'))
       WHEN 'payments.refund' THEN jsonb_build_object('transaction_id', pg_temp.typeid('txn', args ->> 'transaction_id'))
       ELSE jsonb_build_object('registration_id', pg_temp.typeid('reg', args ->> 'registration_id')) END
 WHERE task_name IN ('orders.send_confirmation_mail', 'payments.cancel', 'payments.refund', 'users.resend_verification')
   AND status IN ('todo', 'doing')
"""


def upgrade() -> None:
    # A shop may have told millions: each batch commits by itself.
    with op.get_context().autocommit_block():
        op.execute(_TYPEID)
        op.execute(_RENEWED)
        last = op.get_bind().execute(sa.text("SELECT coalesce(max(position), 0) FROM events")).scalar_one()
        for after in range(0, last, _BATCH):
            op.execute(_EVENTS.format(after=after, upto=after + _BATCH))
    for statement in (_JOBS_OF_EVENTS, _JOBS_OF_MANY, _TASKS):
        op.execute(statement)
    # Functions of a session end with it, and another migration of the same session could want the name.
    op.execute("DROP FUNCTION pg_temp.renewed(text, text, jsonb), pg_temp.typeid(text, text)")


def downgrade() -> None:
    pass
