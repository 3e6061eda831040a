"""The SQL that all tables of an import are written with: rows as JSON, of which only those that differ are changed."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, FromClause, Uuid, any_, bindparam, column, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.types import TypeEngine

from server.db.base import Base

NOW = bindparam("now", type_=DateTime(timezone=True))
ANY_ID = any_(bindparam("ids", type_=ARRAY(Uuid())))


def json_rows(**columns: TypeEngine[Any]) -> FromClause:
    """Make a table of the parameter `rows`, a list of dicts: unlike unnest it takes arrays as values."""
    parameter = func.jsonb_to_recordset(bindparam("rows", type_=JSONB()))
    table = parameter.table_valued(*[column(name, kind) for name, kind in columns.items()])
    return table.render_derived(name="rows", with_types=True)


def upsert(
    table: type[Base],
    source: Mapping[str, ColumnElement[Any]],
    *,
    key: Iterable[str],
    keep: Iterable[str],
    returning: str,
) -> ReturningInsert[tuple[UUID]]:
    """Insert rows, or change those that are there and differ; return one column of those inserted or changed.

    `keep` are columns that a row keeps as it was made.
    """
    names = list(source)
    statement = insert(table).from_select(names, select(*source.values()))
    present, new = table.__table__.c, statement.excluded
    fixed = {*key, *keep, "updated_time"}
    changes: dict[str, ColumnElement[Any]] = {name: new[name] for name in names if name not in fixed}
    if "category_id" in changes:
        # A file without categories takes nothing away from a shop that has sorted its goods itself.
        changes["category_id"] = func.coalesce(new.category_id, present.category_id)
    differs = or_(*[present[name].is_distinct_from(value) for name, value in changes.items()])
    if "updated_time" in names:
        changes["updated_time"] = new.updated_time
    return statement.on_conflict_do_update(index_elements=list(key), set_=changes, where=differs).returning(
        present[returning]
    )
