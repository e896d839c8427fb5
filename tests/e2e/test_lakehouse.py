"""The demo's lakehouse as an analyst opens it, without Spark."""

from __future__ import annotations

import pytest

from invopt.errors import ParameterError
from invopt.lakehouse import Lakehouse


def test_what_the_demo_decided_ordered_and_sold(demo):
    lakehouse = Lakehouse(demo.lakehouse)
    orders, solutions, sales = lakehouse.orders(), lakehouse.solutions(), lakehouse.sales()
    items = ["policy_id", "location_id", "product_id", "source_id"]
    stored = {name: demo.project.rows(f"gold.{name}") for name in ("orders", "solutions", "order_reviews")}
    assert len(orders) == len(stored["orders"]) > 0
    assert sorted(map(tuple, solutions[items].values)) == sorted(map(tuple, stored["solutions"][items].values))
    # a number, or a plan with one number per day
    assert solutions.set_index("policy_id")["reorder_point"].loc["s_q"].notna().all()
    plans = solutions.loc[solutions["policy_id"] == "dynamic_lot_sizing", "order_quantity"]
    assert len(plans) and all(len(plan) > 1 for plan in plans)
    assert sales["quantity"].sum() == demo.project.rows("silver.sales")["units"].sum() > 0
    for order in orders.to_dict("records"):
        why = lakehouse.explain(policy=order["policy_id"], location=order["location_id"], product=order["product_id"])
        assert (why.review["quantity"], why.sentence) == (order["quantity"], order["reason"])
        assert why.solution["run_id"] == order["run_id"] and why.sentence in str(why)


def test_an_unknown_policy_is_answered_with_those_there_are(demo):
    with pytest.raises(ParameterError, match=r"policy 'sq' is in no row of gold.order_reviews; there are .*, s_q, "):
        Lakehouse(demo.lakehouse).explain(policy="sq", location="1", product="1_2")
