import time
from uuid import UUID

from tests.bench import pgbench
from tests.bench.trace import PipelineBegins, PipelineEnds, Statement, Trace

CART = UUID("018d0003-0001-7000-8000-000000000001")


def made_now() -> UUID:
    return UUID(int=int(time.time() * 1000) << 80 | 7 << 76 | 2 << 62)


def script_of(*steps: Statement | PipelineBegins | PipelineEnds, **varying: str) -> pgbench.Script:
    started_ms = int(time.time() * 1000) - 1000
    return pgbench.write_script(Trace(steps, b"", started_ms), varying={CART: "cart_sql"} if varying else {})


def test_what_is_the_same_in_each_call_is_a_variable():
    script = script_of(Statement("SELECT $1::INTEGER % 2", ["7"]))

    assert script.lines[-1] == "SELECT :s0_1::INTEGER % 2;"
    assert script.variables == {"s0_1": "7"}


def test_what_differs_is_an_expression():
    script = script_of(Statement("SELECT $1::UUID", [str(CART)]), cart="yes")

    assert script.lines[-1] == "SELECT (cart_sql)::UUID;"


def test_what_differs_within_a_text_is_put_together():
    script = script_of(Statement("SELECT $1::JSONB", [f'{{"cart":"{CART}"}}']), cart="yes")

    assert script.lines[-1] == "SELECT (concat('{\"cart\":\"', (cart_sql), '\"}'))::JSONB;"


def test_ids_that_the_call_made_are_fresh_each_time():
    made = str(made_now())
    statements = (Statement("SELECT $1", [made]), Statement("SELECT $1", [f"{{{made},{made}}}"]))

    script = script_of(*statements)

    fresh = pgbench.fresh_text("01ff0000-0000-7000-8000-")
    assert script.lines[-2] == f"SELECT ({fresh});"
    assert script.lines[-1] == f"SELECT (concat('{{', ({fresh}), ',', ({fresh}), '}}'));"
    assert script.variables == {}


def test_ids_from_before_stay():
    script = script_of(Statement("SELECT $1", [str(CART)]))

    assert script.variables == {"s0_1": str(CART)}


def test_writes_nothing_and_empty_texts_in_place():
    script = script_of(Statement("SELECT $1, $2, $3, $10", [None, "", r"\x01ff", *["x"] * 6, "ten"]))

    assert script.lines[-1] == "SELECT NULL, '', :s0_3, :s0_10;"
    assert script.variables == {"s0_3": r"\x01ff", "s0_10": "ten"}


def test_keeps_pipelines_and_counts_statements():
    script = script_of(PipelineBegins(), Statement("A", []), Statement("B", []), PipelineEnds())

    assert script.lines[1:] == ["\\startpipeline", "A;", "B;", "\\endpipeline"]
    assert script.statement_count == 2


def test_hides_from_pgbench_what_looks_like_a_variable():
    assert pgbench.one_of(["it's :not", "plain"], ":n") == r"(ARRAY[E'it''s \072not','plain'])[:n]"
