"""Spark takes reviews as they are: lists of tuples as structs, dicts as maps, unknown numbers as NULL."""

from __future__ import annotations

import pytest

from invopt.ordering import REVIEW_TYPES, OrderRule, bucket_decider, line_decider
from tests.unit.ordered_items import items

RULES = {"s_q": OrderRule("s_q", None, 0), "gone": OrderRule("gone", None, 0)}
SCHEMA = ", ".join(f"{name} {type_}" for name, type_ in REVIEW_TYPES.items())
STATE = (
    "policy_id string, location_id string, product_id string, source_id string, inventory_position double, "
    "on_hand double, expiring double, on_order double, on_order_late double, min_order_quantity double, "
    "max_order_quantity double, quantity_multiple double, unit_cost double, day double, days_since_order double, "
    "is_stale boolean, is_blocked boolean, problem string, status string, message string, "
    "decisions map<string,array<double>>, "
    "acted_on_order string, acted_on_units double"
)


@pytest.fixture(scope="module")
def state(spark):
    """Items that are ordered (P0), of which the count is stale (P1), the position unknown (P2), and unsolved (P3)."""
    frame = items(min_order_quantity=10.0, is_stale=[False, True, False, False], problem=[None, "old", None, None])
    rows = [
        {
            **row,
            "inventory_position": None if row["product_id"] == "P2" else 3.0,
            "decisions": row["decisions"] and dict(row["decisions"]),
            **dict.fromkeys(("max_order_quantity", "quantity_multiple", "days_since_order", "acted_on_units")),
        }
        for row in frame.to_dict("records")
    ]
    return spark.createDataFrame([*rows, {**rows[0], "policy_id": "gone", "product_id": "P4"}], STATE)


@pytest.mark.parametrize("by", ["batch", "bucket"])
def test_reviews_pass_through_spark(state, by):
    if by == "batch":
        reviews = state.mapInPandas(line_decider(RULES), SCHEMA)
    else:
        reviews = state.groupBy("location_id").applyInPandas(bucket_decider(RULES), SCHEMA)
    rows = {row["product_id"]: row for row in reviews.collect()}
    outcomes = {name: (row["wanted"], row["quantity"], row["outcome"], row["because"]) for name, row in rows.items()}
    assert outcomes == {
        "P0": (7, 10, "ordered", "minimum"),
        "P1": (7, 0, "blocked", "stale_count"),
        "P2": (None, 0, "blocked", "no_decision"),
        "P3": (None, 0, "blocked", "no_solution"),
        "P4": (None, 0, "blocked", "rule_failed"),
    }
    assert rows["P0"]["decided"] == {"REORDER_POINT": 6, "ORDER_QUANTITY": 7} and rows["P3"]["decided"] is None
    assert [tuple(row) for row in rows["P0"]["ledger"]] == [("policy", 7, None, None), ("minimum", 3, 10, None)]
    assert [tuple(row) for row in rows["P1"]["ledger"]] == [("policy", 7, None, None), ("stale_count", -7, None, None)]
    assert rows["P2"]["inventory_position"] is None and rows["P0"]["detail"] is None
    assert rows["P4"]["detail"].startswith("UnknownPolicyError: policy 'gone' is unknown")


def test_spark_adds_the_ledger_up(state):
    reviews = state.mapInPandas(line_decider(RULES), SCHEMA)
    total = "aggregate(ledger, 0D, (sum, row) -> sum + row.units)"
    assert reviews.where(f"{total} <=> quantity").count() == reviews.count() == 5
