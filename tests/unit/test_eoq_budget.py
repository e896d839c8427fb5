"""The policy eoq_budget: published optima, model against algorithm and full formulation, budgets, discounts, bad
inputs, order rule.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest

from invopt.errors import ParameterError
from invopt.policies import load
from invopt.policies.eoq_budget import POLICY, EOQBudgetParams
from invopt.solving import highs
from invopt.solving.outcome import Status
from tests.items.eoq_budget import PARAMS, random_items


def frame(*items: dict) -> pd.DataFrame:
    """A DataFrame of the policy's input columns as the engine gives it: series are arrays in object columns."""
    return pd.DataFrame(
        {
            column.name: pd.Series(
                [item[column.name] for item in items], dtype=float if column.type == "double" else object
            )
            for column in POLICY.input_columns
        }
    )


def item(**changes) -> dict:
    row = {
        "storage_id": "1",
        "storage_cost_budget": None,
        "fixed_order_cost": 8.0,
        "holding_cost": 0.225,
        "unit_cost": 0.75,
        "price_break_quantity": None,
        "price_break_cost": None,
        "lead_time": 2.0,
        "demand_mean": np.array([10.0, 20.0]),
    }
    return {**row, **changes}


def exact(items: pd.DataFrame, offsets: np.ndarray | None = None, **params):
    return POLICY.solve_exact(
        items, np.array([0, len(items)]) if offsets is None else offsets, EOQBudgetParams(**params)
    )


def solve(model: pyo.ConcreteModel, cost: float) -> pyo.ConcreteModel:
    """The model after HiGHS has solved it; HiGHS lets the objective be 1e-6 off, so it is scaled to be large."""
    scale = int(np.clip(np.round(np.log2(1e5 / max(cost, 1e-9))), -20, 20))
    found = highs.solve(model, 60.0, {"mip_rel_gap": 0.0, "mip_abs_gap": 1e-12, "user_objective_scale": scale})
    assert found.status is Status.OPTIMAL, found
    return model


def partitions(items: pd.DataFrame) -> np.ndarray:
    group = items.groupby(list(POLICY.partition_by), sort=False).ngroup().to_numpy()
    return np.concatenate([[0], np.flatnonzero(np.diff(group)) + 1, [len(items)]])


def largest_difference(rng: np.random.Generator, n_partitions: int, params: dict) -> float:
    """Between model and algorithm, relative; every decision of the model keeps the budget and costs what the model
    says.
    """
    items = random_items(rng, n_partitions)
    offsets = partitions(items)
    found = exact(items, offsets, **params)
    assert found.message is None and found.bound is None
    largest = 0.0
    for k in range(n_partitions):
        one = items.iloc[offsets[k] : offsets[k + 1]].reset_index(drop=True)
        cost = found.cost[offsets[k] : offsets[k + 1]].sum()
        model = solve(POLICY.build_model(one, EOQBudgetParams(**params)), cost)
        largest = max(largest, abs(pyo.value(model.total_cost) - cost) / max(cost, 1e-9))
        quantity = np.array([pyo.value(model.ORDER_QUANTITY[i]) for i in model.ITEMS])
        np.testing.assert_allclose(quantity, np.rint(quantity), atol=1e-6)
        assert sum(pyo.value(model.item_cost[i]) for i in model.ITEMS) == pytest.approx(pyo.value(model.total_cost))
        used = (one["holding_cost"] * quantity / 2).sum()
        assert used <= one["storage_cost_budget"][0] * (1 + 1e-9)
    assert (
        (items["holding_cost"] * found.decisions["ORDER_QUANTITY"] / 2)
        .groupby(items["location_id"], sort=False)
        .sum()
        .to_numpy()
        <= items["storage_cost_budget"].to_numpy()[offsets[:-1]] * (1 + 1e-11)
    ).all()
    return largest


@pytest.mark.parametrize("example", POLICY.examples, ids=lambda example: example.name)
def test_published_optima_are_reached_by_model_and_by_algorithm(example):
    items = frame(*example.items)
    found = exact(items, **example.params)
    assert found.cost.sum() == pytest.approx(example.cost, rel=1e-6)
    model = solve(POLICY.build_model(items, EOQBudgetParams(**example.params)), example.cost)
    assert pyo.value(model.total_cost) == pytest.approx(example.cost, rel=1e-6)
    for name, values in example.decisions.items():
        assert found.decisions[name].tolist() == list(values)
        assert [round(pyo.value(getattr(model, name)[i])) for i in model.ITEMS] == list(values)


@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_model_and_algorithm_find_the_same_cost(params):
    assert largest_difference(np.random.default_rng(1), 5, params) < 1e-9


@pytest.mark.slow
def test_model_and_algorithm_find_the_same_cost_of_a_thousand_partitions():
    largest = max(largest_difference(np.random.default_rng(100 + k), 143, params) for k, params in enumerate(PARAMS))
    print(f"largest relative difference of 1,001 partitions: {largest:.2e}")
    assert largest < 1e-9


@pytest.mark.parametrize(
    "params", [{}, {"cost": "ordering"}, {"discount": "all_units"}, {"discount": "incremental"}], ids=str
)
def test_a_binary_for_every_size_says_the_same(params):
    """The guide's EOQ_big on a few items, with nothing pruned: one binary for every item and quantity."""
    rng = np.random.default_rng(2)
    for _ in range(4):
        n = int(rng.integers(2, 4))
        rows = [
            item(
                storage_cost_budget=None,
                holding_cost=rng.uniform(0.05, 0.4),
                fixed_order_cost=rng.uniform(0.1, 2),
                demand_mean=np.array([rng.uniform(0.5, 20)]),
                price_break_quantity=np.array([5.0, 12.0]),
                price_break_cost=np.array([0.74, 0.73]),
            )
            for _ in range(n)
        ]
        h = np.array([row["holding_cost"] for row in rows])
        budget = rng.uniform(2, 8) * h.sum()
        items = frame(*({**row, "storage_cost_budget": budget} for row in rows))
        model = pyo.ConcreteModel()
        largest = [int((budget - h.sum() / 2) / (h[i] / 2)) + 1 for i in range(n)]
        model.takes = pyo.Var([(i, q) for i in range(n) for q in range(1, largest[i] + 1)], domain=pyo.Binary)
        model.one_size = pyo.Constraint(
            range(n), rule=lambda m, i, most=largest: sum(m.takes[i, q] for q in range(1, most[i] + 1)) == 1
        )
        model.budget_is_kept = pyo.Constraint(expr=sum(h[i] / 2 * q * m for (i, q), m in model.takes.items()) <= budget)

        def cost(i: int, q: int, rows: list = rows) -> float:
            rate, total = rows[i]["demand_mean"][0], 0.0
            prices = {
                "none": lambda q: 0.0,
                "all_units": lambda q: q * (0.75 if q < 5 else 0.74 if q < 12 else 0.73),
                "incremental": lambda q: 0.75 * min(q, 5) + 0.74 * min(max(q - 5, 0), 7) + 0.73 * max(q - 12, 0),
            }
            total += prices[params.get("discount", "none")](q) * rate / q + rate * rows[i]["fixed_order_cost"] / q
            return total + (0.0 if params.get("cost") == "ordering" else rows[i]["holding_cost"] * q / 2)

        model.total_cost = pyo.Objective(expr=sum(cost(i, q) * m for (i, q), m in model.takes.items()))
        found = exact(items, **params)
        solve(model, found.cost.sum())
        assert found.cost.sum() == pytest.approx(pyo.value(model.total_cost), rel=1e-9)
        np.testing.assert_allclose(
            found.cost, [cost(i, q) for i, q in enumerate(found.decisions["ORDER_QUANTITY"])], rtol=1e-12
        )


def test_the_published_binding_budget_is_a_price_on_holding():
    """Muckstadt & Sapra, 2.4: with a binding budget and real quantities Q_i = sqrt(2 K lambda / (h (1 + theta)));
    whole ones are beside.
    """
    rows = [
        item(fixed_order_cost=50.0 * k, holding_cost=0.01 * k, demand_mean=np.array([400.0 / k])) for k in (1, 2, 5)
    ]
    free = exact(frame(*rows)).decisions["ORDER_QUANTITY"]
    h = np.array([0.01, 0.02, 0.05])
    budget = (h * free / 2).sum() / 2
    bound = exact(frame(*({**row, "storage_cost_budget": budget} for row in rows))).decisions["ORDER_QUANTITY"]
    # the budget is halved, so every quantity is
    np.testing.assert_allclose(bound, free / 2, rtol=0.01)


def test_a_budget_that_does_not_bind_changes_nothing():
    rows = [item(), item(holding_cost=0.5)]
    free, wide = exact(frame(*rows)), exact(frame(*({**row, "storage_cost_budget": 1e6} for row in rows)))
    assert free.decisions["ORDER_QUANTITY"].tolist() == wide.decisions["ORDER_QUANTITY"].tolist()
    # the EOQ of 15 a day, K = 8, h = 0.225, is 32.66: 33 is the cheaper of its neighbours
    assert free.decisions["ORDER_QUANTITY"][0] == 33 and free.decisions["REORDER_POINT"][0] == 45


def test_a_budget_too_small_says_what_would_do():
    items = frame(item(storage_cost_budget=0.2), item(storage_cost_budget=0.2))
    found = exact(items)
    assert np.isnan(found.cost).all() and "costs 0.225 on average: raise it" in found.message[0]
    with pytest.raises(ParameterError, match="0.225"):
        POLICY.build_model(items, EOQBudgetParams())
    just = exact(items.assign(storage_cost_budget=0.225))
    assert just.decisions["ORDER_QUANTITY"].tolist() == [1, 1]


@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_no_demand_orders_nothing(params):
    rows = [item(demand_mean=np.zeros(3), storage_cost_budget=5.0), item(storage_cost_budget=5.0)]
    found = exact(frame(*rows), **params)
    assert found.decisions["ORDER_QUANTITY"][0] == 0 and found.cost[0] == 0 and found.decisions["REORDER_POINT"][0] == 0
    model = solve(POLICY.build_model(frame(*rows), EOQBudgetParams(**params)), found.cost.sum())
    assert pyo.value(model.ORDER_QUANTITY[0]) == 0 and pyo.value(model.item_cost[0]) == 0
    nothing = frame(rows[0])
    assert exact(nothing, **params).cost.tolist() == [0]
    assert pyo.value(solve(POLICY.build_model(nothing, EOQBudgetParams(**params)), 1.0).total_cost) == 0


@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_money_in_cents_gives_a_hundred_times_the_cost(params):
    items = random_items(np.random.default_rng(3), 8)
    money = ["storage_cost_budget", "fixed_order_cost", "holding_cost", "unit_cost"]
    cents = items.assign(
        **{name: items[name] * 100 for name in money},
        price_break_cost=[None if value is None else value * 100 for value in items["price_break_cost"]],
    )
    offsets = partitions(items)
    np.testing.assert_allclose(
        np.add.reduceat(exact(cents, offsets, **params).cost, offsets[:-1]),
        100 * np.add.reduceat(exact(items, offsets, **params).cost, offsets[:-1]),
        rtol=1e-9,
    )


def test_fast_and_slow_movers_share_a_budget():
    rows = [item(demand_mean=np.array([mean]), storage_cost_budget=100.0) for mean in (0.01, 1.0, 12_000.0)]
    found = exact(frame(*rows))
    assert found.message is None and (found.decisions["ORDER_QUANTITY"] >= 1).all()
    model = solve(POLICY.build_model(frame(*rows), EOQBudgetParams()), found.cost.sum())
    assert pyo.value(model.total_cost) == pytest.approx(found.cost.sum(), rel=1e-9)


BAD = {
    "negative cost": ({"fixed_order_cost": -1.0}, {}, "fixed_order_cost is -1.0"),
    "free holding": ({"holding_cost": 0.0}, {}, "holding_cost is 0.0"),
    "no mean": ({"demand_mean": None}, {}, "demand_mean must be a series"),
    "negative lead time": ({"lead_time": -1.0}, {}, "lead_time is -1.0"),
    "endless quantity": ({"holding_cost": 1e-30}, {}, "passes 1e+12 units"),
    "negative budget": ({"storage_cost_budget": -1.0}, {}, "storage_cost_budget is -1.0"),
    "no budget": ({}, {"cost": "ordering"}, "storage_cost_budget is needed"),
    "breaks of two lengths": ({"price_break_quantity": np.array([5.0])}, {"discount": "all_units"}, "same length"),
    "breaks fall": (
        {"price_break_quantity": np.array([5.0, 4.0]), "price_break_cost": np.array([0.7, 0.6])},
        {"discount": "all_units"},
        "must rise",
    ),
    "prices rise": (
        {"price_break_quantity": np.array([5.0]), "price_break_cost": np.array([0.8])},
        {"discount": "incremental"},
        "must not",
    ),
    "no price": ({"unit_cost": 0.0}, {"discount": "incremental"}, "unit_cost is 0.0"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_items_get_a_message_and_leave_other_partitions_alone(bad):
    changes, params, text = BAD[bad]
    good = item(storage_cost_budget=1.0)
    found = exact(frame(good, item(**changes), good), np.array([0, 1, 2, 3]), **params)
    alone = exact(frame(good), **params)
    assert (
        text in found.message[1] and np.isnan(found.cost[1]) and all(np.isnan(v[1]) for v in found.decisions.values())
    )
    assert found.cost[0] == found.cost[2] == alone.cost[0] and found.message[0] is None
    with pytest.raises(ParameterError) as refused:
        POLICY.build_model(frame(item(**changes)), EOQBudgetParams(**params))
    assert text in str(refused.value)


def test_a_partition_with_a_bad_item_or_two_budgets_is_not_decided():
    found = exact(frame(item(), item(lead_time=-1.0)))
    assert np.isnan(found.cost).all() and "because of item 1 (no keys) of its partition: lead_time" in found.message[0]
    found = exact(frame(item(storage_cost_budget=5.0), item(storage_cost_budget=6.0)))
    assert np.isnan(found.cost).all() and "all its rows must have the same" in found.message[1]


def test_an_empty_bucket_has_an_empty_solution():
    for params in PARAMS:
        found = exact(frame(), np.array([0]), **params)
        assert found.cost.shape == (0,) and set(found.decisions) == set(POLICY.decisions)


def test_order_without_decision_or_position_is_unknown():
    wanted = POLICY.order(
        {"REORDER_POINT": np.array([np.nan, 1.0, 1.0]), "ORDER_QUANTITY": np.array([np.nan, 1.0, 4.0])},
        pd.DataFrame({"inventory_position": [0.0, np.nan, -4.0]}),
    )
    assert np.isnan(wanted).tolist() == [True, True, False] and wanted[2] == 8


def test_the_engine_finds_the_policy():
    assert load("eoq_budget") is POLICY
    with pytest.raises(ValueError, match="ordering_and_holding"):
        EOQBudgetParams(cost="cheap")
