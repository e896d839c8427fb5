"""Each policy's SELECT gives what the policy declares: its columns with their types, and the keys of an item."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from invopt import policies
from invopt.policies.inputs.select import select_of
from invopt.spark import sql
from invopt.tables import ITEM_STATE
from invopt.tables.columns import ITEM, required


@pytest.fixture(scope="module")
def item_state(spark):
    """No item, with all columns that there are of one."""
    return spark.createDataFrame([], ", ".join(f"{column.name} {column.type}" for column in ITEM_STATE.columns))


@pytest.mark.parametrize("name", policies.names())
def test_the_declared_columns_are_selected_with_their_types(spark, item_state, name):
    policy = policies.load(name)
    values = {"as_of": datetime(2026, 6, 1, tzinfo=UTC), "horizon": 28}
    # Spark refuses values that a query does not use
    text = select_of(policy)
    used = {value: given for value, given in values.items() if f":{value}" in text}
    selected = dict(sql.query(spark, text, {"item_state": item_state}, used).dtypes)
    declared = {column.name: column.type for column in policy.needs}
    assert {column: selected.get(column) for column in declared} == declared
    assert set(ITEM) <= set(selected)


def test_a_number_of_the_item_becomes_a_series_and_null_stays_null(spark):
    """`demand_mean` as it is, `backorder_cost` wrapped, both as the types that the policy declares."""
    cost = required("backorder_cost", "array<double>", "money/unit/day", "of each period")
    policy = replace(policies.load("s_q"), needs=(cost, required("demand_mean", "array<double>", "units/day", "")))
    rows = [("1", "a", "9", 2.5, [1.0, 2.0]), ("1", "b", "9", None, None)]
    state = spark.createDataFrame(
        rows,
        "location_id string, product_id string, source_id string, backorder_cost double, demand_mean array<double>",
    )
    selected = sql.query(spark, select_of(policy), {"item_state": state}, {}).collect()
    assert [(row["product_id"], row["backorder_cost"], row["demand_mean"]) for row in selected] == [
        ("a", [2.5], [1.0, 2.0]),
        ("b", None, None),
    ]
