"""`invopt demo` with its tables at a URI and in a catalog gives the orders that it gives in a folder."""

from __future__ import annotations

import pytest

from invopt.tables import ORDER_REVIEWS, ORDERS, SOLUTIONS

# each runs a whole demo: CI runs the first
pytestmark = pytest.mark.slow

SIZE = ("--stores", "2", "--products", "4", "--days", "6")
KEYS = ["location_id", "product_id", "source_id"]
VALUES = {ORDERS: ["quantity", "order_value", "status"], ORDER_REVIEWS: ["wanted", "quantity", "reason"]}


@pytest.fixture(scope="module")
def in_folder(spark, project):
    """The demo of one policy below a folder, as the shipped configuration has it."""
    made = project({"scope": {}})
    code, printed = made.demo(*SIZE)
    assert code == 0, printed
    return made


def decided(rows_of) -> dict[str, list[tuple]]:
    """What was decided, whatever the place: rows_of(table) gives a frame."""
    return {
        table.name: sorted(rows_of(table)[[*KEYS, *values]].itertuples(index=False, name=None))
        for table, values in VALUES.items()
    }


def test_at_a_uri(in_folder, tmp_path):
    code, printed = in_folder.demo(*SIZE, "--folder", str(tmp_path / "demo"), "--lakehouse", f"file:{tmp_path}/lake")
    assert code == 0, printed
    assert f"Orders: file:{tmp_path}/lake/gold/orders" in printed
    assert f"--lakehouse file:{tmp_path}/lake" in printed
    at_uri = type(in_folder)(tmp_path)
    assert decided(lambda table: at_uri.rows(table, "lake")) == decided(in_folder.rows)
    # a second demo must not mix its rows with those of the first
    code, printed = in_folder.demo(*SIZE, "--folder", str(tmp_path / "demo"), "--lakehouse", f"file:{tmp_path}/lake")
    assert code == 3 and "is there already" in printed


def test_in_a_catalog(in_folder, spark, tmp_path):
    places = ("lakehouse.catalog=spark_catalog", "lakehouse.schema_prefix=demo_", f"lakehouse.state={tmp_path}/state")
    settings = [part for place in places for part in ("--set", place)]
    code, printed = in_folder.demo(*SIZE, "--folder", str(tmp_path / "demo"), *settings)
    assert code == 0, printed
    assert "Orders: spark_catalog.demo_gold.orders" in printed and "solve-one" not in printed
    rows_of = {table: spark.table(f"spark_catalog.demo_{table.name}").toPandas() for table in VALUES}
    assert decided(rows_of.__getitem__) == decided(in_folder.rows)
    unfolded = spark.table("spark_catalog.demo_gold.solution_decisions")
    solved = spark.table(f"spark_catalog.demo_{SOLUTIONS.name}").where("status <> 'no_solution'").count()
    assert unfolded.count() == 2 * solved > 0
