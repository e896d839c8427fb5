"""Every policy on items at the edges of what a chain has: a sensible answer or a plain status, never an exception or
silence.
"""

from __future__ import annotations

import importlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invopt import policies
from invopt.config import SolverRow
from invopt.solving import SolveRequest, solve_bucket
from invopt.theory.order_rules import Stock
from tests.items import same_partition

# what a column of numbers may hold; None stands for no limit
EXTREMES = {
    "fixed_order_cost": (0.0, 0.01, 5.0, 1e5),
    "holding_cost": (1e-5, 0.01, 3.0),
    "backorder_cost": (0.0, 0.01, 5.0, 1e4),
    "unit_cost": (0.01, 2.5, 1e4),
    "disposal_cost": (None, 0.0, 50.0),
    "lost_sale_cost": (None, 0.0, 0.5, 1e3),
    "list_price": (None, 3.0, 2e4),
    "lead_time": (0.0, 0.5, 3.0, 30.0),
    "lead_time_confidence": (0.0, 1.0, 4.0),
    "shelf_life": (None, 1.0, 7.0, 400.0),
    "shipping_interval": (None, 1.0, 14.0),
    "service_level": (None, 0.5, 0.999),
    "inventory_position": (-20.0, 0.0, 3.0, 1e6),
    "unit_volume": (None, 0.001, 2.0),
    "setup_volume": (None, 0.0, 1.0),
    # of a whole partition: too small for one unit of each, about right, none
    "storage_cost_budget": (None, 1e-7, 0.5, 1e6),
    "purchase_budget": (None, 0.005, 40.0, 1e7),
    "max_shipping_volume": (None, 0.001, 30.0, 1e6),
}
MEANS = (0.0, 0.01, 0.3, 4.0, 60.0, 12_000.0)
N_PERIODS = 5
SOLVER = SolverRow(name="highs", time_limit=20)
# these go with all items of a partition
SHARED = ("storage_cost_budget", "purchase_budget", "max_shipping_volume")


@st.composite
def demands(draw):
    """Demand columns of one item: every form, with zero variance and days without demand among them."""
    form = draw(st.sampled_from(("poisson", "normal", "pmf", "deterministic")))
    means = np.array(draw(st.lists(st.sampled_from((0.0, 1.0, 2.0)), min_size=N_PERIODS, max_size=N_PERIODS)))
    means = means * draw(st.sampled_from(MEANS))
    pmf = None
    if form == "pmf":
        largest = draw(st.sampled_from((0, 1, 3)))
        one = np.full(largest + 1, 1 / (largest + 1))
        pmf = np.empty(N_PERIODS, dtype=object)
        pmf[:] = [one] * N_PERIODS
        means = np.full(N_PERIODS, largest / 2)
    variance = means * draw(st.sampled_from((0.0, 1.0, 9.0))) if form == "normal" else None
    return {"demand_distribution": form, "demand_mean": means, "demand_variance": variance, "demand_pmf": pmf}


@st.composite
def partitions(draw, name: str):
    """One partition of a policy, of one to three items, with a parameter set of the policy's."""
    policy = policies.load(name)
    is_single = "product_id" in policy.partition_by
    n = 1 if is_single else draw(st.integers(1, 3))
    shared = {column: draw(st.sampled_from(EXTREMES[column])) for column in SHARED}
    breaks = draw(st.sampled_from((None, ((2.0, 0.9), (50.0, 0.8)))))
    items = []
    for _ in range(n):
        item = {column: draw(st.sampled_from(values)) for column, values in EXTREMES.items()} | shared | draw(demands())
        item |= {"storage_id": "1", "price_break_quantity": None, "price_break_cost": None}
        if breaks is not None:
            item["price_break_quantity"] = np.array([quantity for quantity, _ in breaks])
            item["price_break_cost"] = np.array([item["unit_cost"] * share for _, share in breaks])
        items.append(item)
    params = draw(st.sampled_from(importlib.import_module(f"tests.items.{name}").PARAMS))
    return frame(policy, items), params


def frame(policy, items: list[dict]) -> pd.DataFrame:
    columns = {}
    for column in policy.needs:
        values = [item.get(column.name) if column.is_nullable else item[column.name] for item in items]
        if column.type == "array<double>":
            values = [
                value if value is None or isinstance(value, np.ndarray) else np.array([float(value)])
                for value in values
            ]
        columns[column.name] = pd.Series(values, dtype=float if column.type == "double" else object)
    return same_partition(pd.DataFrame(columns))


@pytest.mark.parametrize("name", policies.names())
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(given_data=st.data())
def test_extremes_get_an_answer_or_a_plain_status(name, given_data):
    items, params = given_data.draw(partitions(name))
    policy = policies.load(name)
    solved = solve_bucket(items, SolveRequest.of_policy(name, params=params, method="algorithm", solver=SOLVER))
    assert len(solved) == len(items)
    for row in solved.to_dict("records"):
        assert row["termination"] in ("converged", "invalid_input", "infeasible"), row
        if row["status"] == "no_solution":
            assert row["message"] and len(row["message"]) > 20, row
            continue
        values = np.concatenate(list(row["decisions"].values()))
        assert np.isfinite(row["cost"]) and np.isfinite(values).all(), row
        assert row["bound"] <= row["objective"] + 1e-6 * max(1.0, abs(row["objective"])), row
        for decision, amounts in row["decisions"].items():
            whole = np.asarray(amounts)
            assert np.allclose(whole, np.round(whole)), (decision, amounts)
            assert (whole >= 0).all() or decision == "ORDER_UP_TO_LEVEL", (decision, amounts)
    if (solved["status"] != "no_solution").all() and all(np.sum(one) == 0 for one in items["demand_mean"]):
        decisions = {
            decision: np.array([one[decision] for one in solved["decisions"]]) for decision in policy.decision_names
        }
        decisions = {
            decision: values[:, 0] if values.shape[1] == 1 else values for decision, values in decisions.items()
        }
        assert (policy.order(decisions, Stock.of(np.zeros(len(items)), day=20_000.0)) == 0).all()


@pytest.mark.parametrize("name", policies.names())
def test_the_engine_s_audit_finds_no_difference_on_random_partitions(name):
    """Through the engine, as a run does it: the algorithm for all, and for each partition also the model."""
    module = importlib.import_module(f"tests.items.{name}")
    for number, params in enumerate(module.PARAMS):
        items = module.random_items(np.random.default_rng(number), 3)
        policy = policies.load(name)
        key = items[list(policy.partition_by)].astype(str).agg("|".join, axis=1)
        request = SolveRequest.of_policy(name, params=params, method="algorithm", solver=SOLVER)
        solved = solve_bucket(items.assign(partition_key=key, is_audited=True), request)
        said = solved["audit_message"].dropna()
        assert not said.str.contains("disagree").any(), (params, said.tolist())
        said = solved["message"].dropna()
        assert set(solved["termination"]) <= {"converged", "invalid_input"}, (params, said.tolist())
