"""Each policy's SELECT gives what the policy declares: its columns with their types, and the keys of an item."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from invopt import policies
from invopt.spark import sql
from invopt.tables import ITEM_STATE
from invopt.tables.columns import ITEM


@pytest.fixture(scope="module")
def item_state(spark):
    """No item, with all columns that there are of one."""
    return spark.createDataFrame([], ", ".join(f"{column.name} {column.type}" for column in ITEM_STATE.columns))


@pytest.mark.parametrize("name", policies.names())
def test_the_declared_columns_are_selected_with_their_types(spark, item_state, name):
    policy = policies.load(name)
    values = {"as_of": datetime(2026, 6, 1, tzinfo=UTC), "horizon": 28}
    # Spark refuses values that a query does not use
    used = {value: given for value, given in values.items() if f":{value}" in policy.inputs}
    selected = dict(sql.query(spark, policy.inputs, {"item_state": item_state}, used).dtypes)
    declared = {column.name: column.type for column in policy.input_columns}
    assert {column: selected.get(column) for column in declared} == declared
    assert set(ITEM) <= set(selected)
