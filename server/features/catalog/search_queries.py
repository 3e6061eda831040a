"""SQL that searches products.

A word that matches thousands must not cost thousands of ranks: each search takes a bounded number of candidates, those
with the words in the title first, and ranks only them. So a search shows the best of its candidates, page by page, and
ends with them.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    not_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.types import TypeEngine

from server.db.session import ReadTx
from server.db.statement import Query, ScalarQuery, together
from server.db.words import TRUE, number, word
from server.features.catalog.summary_queries import (
    ACTIVE,
    in_category,
    in_known_category,
    page_values,
    product,
    root_category,
    sold_now,
    summarize,
)
from server.features.catalog.values import ListPlace, ProductListing, SearchFilter, SearchShape, category_name
from server.kernel.pages import MAX_PAGE_SIZE

# Ten pages of the usual size; nobody reads further, and each candidate costs its rank.
_CANDIDATES: Final = number(200)
_BOUND: Final = number(MAX_PAGE_SIZE + 1)
# A page of the usual size.
_ENOUGH: Final = number(20)
# A title that is the query, or begins with it, comes before all others, whose ranks stay below a million.
_EXACT: Final = number(2_000_000, BigInteger)
_BEGINNING: Final = number(1_000_000, BigInteger)
_MILLION: Final = number(1_000_000, BigInteger)
_SIMPLE: Final = word("simple")
# ts_rank's weights of D, C, B, A, and its division by the document's length.
_WEIGHTS: Final = word("{0.05, 0.1, 0.4, 1.0}")
_BY_LENGTH: Final = number(1)
_TEXTS: TypeEngine[Any] = ARRAY(Text())
# A single letter begins too many words for it to be looked up as the beginning of one.
_SHORTEST_BEGINNING: Final = 2
# Similarity is searched with an operator, and its threshold is a setting of the transaction. One transposed pair in a
# word of five letters leaves a third of its trigrams.
_ACCEPT_SIMILAR = ScalarQuery(
    select(func.set_config(word("pg_trgm.word_similarity_threshold"), word("0.3"), TRUE)), str
)


async def list_matching(
    tx: ReadTx, wanted: SearchFilter, *, count: int, after: ListPlace | None = None
) -> list[ProductListing]:
    """Return products that have all words, one at least, the best match first. Raises CategoryNotFound.

    The last word may be the beginning of one: somebody is still typing.
    """
    words = wanted.words
    ending = ":*" if len(words[-1]) >= _SHORTEST_BEGINNING else ""
    rows = await _statement(_shape(wanted, after, similar=False)).all(
        tx, words=_all_of(words), ending=ending, text=" ".join(words), **page_values(wanted, count=count, after=after)
    )
    return in_known_category(rows, wanted.category)


async def list_similar(
    tx: ReadTx, wanted: SearchFilter, *, count: int, after: ListPlace | None = None
) -> list[ProductListing]:
    """Return products whose titles are like the words, the most similar first. Raises CategoryNotFound.

    It takes a transaction: what counts as similar is a setting of it.
    """
    found = _statement(_shape(wanted, after, similar=True))
    search = found.bind(each_word=list(wanted.words), **page_values(wanted, count=count, after=after))
    _, rows = await together(tx, _ACCEPT_SIMILAR.bind_one(), search)
    return in_known_category(rows, wanted.category)


def _all_of(words: Sequence[str]) -> str:
    """Write the tsquery that asks for all words. They are letters and digits: safe to quote."""
    return " & ".join(f"'{one}'" for one in words)


def _shape(wanted: SearchFilter, after: ListPlace | None, *, similar: bool) -> SearchShape:
    return SearchShape(
        similar=similar,
        after=after is not None,
        category=category_name(wanted.category),
        in_stock=wanted.in_stock,
    )


@cache
def _statement(shape: SearchShape) -> Query[ProductListing | None]:
    """Return the statement of a shape.

    Its parameters: `words`, a tsquery, `ending`, what makes its last word the beginning of one, or nothing, and `text`,
    in lower case; or, for `similar`, `each_word`; `currency`, `limit`; `after_key` and `after_id`; `category`. The sort
    key is the rank, the highest first.
    """
    root = root_category(by_id=shape.category == "id") if shape.category else None
    page = _page(shape, root).subquery("page") if root is None else _page(shape, root).lateral("page")
    return summarize(page, (page.c.sort_key.desc(), page.c.id.desc()), root)


def _page(shape: SearchShape, root: FromClause | None) -> Select[Any]:
    ranked = (_similar(shape, root) if shape.similar else _matching(shape, root)).subquery("ranked")
    order = (ranked.c.sort_key.desc(), ranked.c.id.desc())
    bounded = select(ranked)
    if shape.after:
        last = tuple_(bindparam("after_key", type_=BigInteger()), bindparam("after_id", type_=Uuid()))
        bounded = bounded.where(tuple_(ranked.c.sort_key, ranked.c.id) < last)
    short = bounded.order_by(*order).limit(_BOUND).subquery("bounded")
    return select(short).order_by(short.c.sort_key.desc(), short.c.id.desc()).limit(bindparam("limit", type_=Integer()))


def _matching(shape: SearchShape, root: FromClause | None) -> Select[Any]:
    text, asked = bindparam("text", type_=Text()), bindparam("words", type_=Text())
    ending = cast(bindparam("ending", type_=Text()), Text)
    words, begun = _tsquery(asked), _tsquery(cast(asked, Text).concat(ending))
    whole = _titles_first(shape, root, words).cte("whole")
    # Beginnings are collected from the index one by one, which costs four times the whole words, so they are only
    # looked for where whole words found too little.
    wanted = and_(ending != word(""), select(func.count()).select_from(whole).scalar_subquery() < _ENOUGH)
    others = _titles_first(shape, root, begun, and_(wanted, not_(product.search.bool_op("@@")(words))))
    found = union_all(select(whole), select(others.subquery("others"))).limit(_CANDIDATES).subquery("found").c
    rank = cast(func.ts_rank(_WEIGHTS, found.search, begun, _BY_LENGTH) * _MILLION, BigInteger)
    title = func.lower(found.title)
    bonus = case((title == text, _EXACT), (func.starts_with(title, text), _BEGINNING), else_=number(0))
    return select(found.id, found.slug, found.title, found.vendor, (rank + bonus).label("sort_key"))


def _tsquery(words: ColumnElement[str]) -> ColumnElement[Any]:
    # As a subquery it is made once, and not once for each row.
    return select(func.to_tsquery(_SIMPLE, words)).scalar_subquery()


def _titles_first(
    shape: SearchShape, root: FromClause | None, words: ColumnElement[Any], condition: ColumnElement[bool] = TRUE
) -> Select[Any]:
    """Select the candidates with the words in the title, then, if they are too few, those with them elsewhere."""
    in_title = func.to_tsvector(_SIMPLE, product.title, type_=TSVECTOR).bool_op("@@")(words)
    elsewhere = and_(product.search.bool_op("@@")(words), not_(in_title))
    halves = union_all(
        select(_candidates(shape, root, and_(in_title, condition)).subquery("in_title")),
        select(_candidates(shape, root, and_(elsewhere, condition)).subquery("elsewhere")),
    )
    return select(halves.limit(_CANDIDATES).subquery("halves"))


def _similar(shape: SearchShape, root: FromClause | None) -> Select[Any]:
    """Rank titles by the sum of their likeness to each word; one that is like any of the words is a candidate."""
    words = func.unnest(bindparam("each_word", type_=_TEXTS)).table_valued(column("word", Text)).render_derived("words")
    like = _candidates(shape, root, product.title.bool_op("%>")(words.c.word)).lateral("like")
    found = select(like).select_from(words.join(like, TRUE)).distinct().subquery("found").c
    others = (
        func.unnest(bindparam("each_word", type_=_TEXTS)).table_valued(column("word", Text)).render_derived("others")
    )
    likeness = select(func.sum(func.word_similarity(others.c.word, found.title))).scalar_subquery()
    rank = cast(likeness * _MILLION, BigInteger)
    return select(found.id, found.slug, found.title, found.vendor, rank.label("sort_key"))


def _candidates(shape: SearchShape, root: FromClause | None, match: ColumnElement[bool]) -> Select[Any]:
    columns = [product.id, product.slug, product.title, product.vendor]
    if not shape.similar:
        columns.append(product.search)
    rows = select(*columns).where(match, product.status == ACTIVE)
    if root is not None:
        rows = rows.where(in_category(root))
    if shape.in_stock:
        rows = rows.where(sold_now(product.id))
    return rows.limit(_CANDIDATES)
