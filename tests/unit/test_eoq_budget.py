"""The policy eoq_budget: the guide's full formulation, budgets, costs of given quantities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest

from invopt.policies.eoq_budget import POLICY, EOQBudgetParams
from invopt.solving import highs
from tests import items as helpers
from tests.items import Solved, answer, example_item, items_of, solved_model
from tests.items.eoq_budget import PARAMS, random_items


def frame(*items: dict) -> pd.DataFrame:
    return helpers.frame(POLICY, *items, is_one_partition=True)


def item(**changes) -> dict:
    settings = {"lead_time": 2.0, "demand_mean": np.array([10.0, 20.0])}
    return {**example_item(POLICY), **settings, **changes}


def exact(items: pd.DataFrame, **params) -> Solved:
    return answer(POLICY, items, **params)


def costs(items: pd.DataFrame, quantity: list, **params) -> np.ndarray:
    decisions = {"ORDER_QUANTITY": np.array(quantity), "REORDER_POINT": np.zeros(len(quantity))}
    return POLICY.cost(items_of(POLICY, items), decisions, EOQBudgetParams(**params))


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
        scale = int(np.round(np.log2(1e5 / found.cost.sum())))
        highs.solve(model, 60.0, {"mip_rel_gap": 0.0, "mip_abs_gap": 1e-12, "user_objective_scale": scale})
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
    solved = exact(items)
    assert not solved.is_solved.any() and "costs 0.225 on average: raise it" in solved.message[0]
    just = exact(items.assign(storage_cost_budget=0.225))
    assert just.decisions["ORDER_QUANTITY"].tolist() == [1, 1]
    # a second unit of either saves K lambda / 2 - h / 2 and uses h / 2
    np.testing.assert_allclose(just.prices["storage_cost_budget"], (8 * 15 / 2 - 0.1125) / 0.1125)


def test_without_demand_there_is_no_part_in_the_budget():
    idle, moving = (item(demand_mean=np.full(3, mean), storage_cost_budget=5.0) for mean in (0.0, 15.0))
    both, alone = exact(frame(idle, moving)), exact(frame(moving))
    assert both.decisions["ORDER_QUANTITY"].tolist() == [0, alone.decisions["ORDER_QUANTITY"][0]]
    assert both.decisions["REORDER_POINT"].tolist() == [0, 45] and both.cost[0] == 0
    assert pyo.value(solved_model(POLICY, frame(idle)).total_cost) == 0


def test_fast_and_slow_movers_share_a_budget():
    rows = [item(demand_mean=np.array([mean]), storage_cost_budget=100.0) for mean in (0.01, 1.0, 12_000.0)]
    solved = exact(frame(*rows))
    assert solved.is_solved.all() and (solved.decisions["ORDER_QUANTITY"] >= 1).all()
    assert pyo.value(solved_model(POLICY, frame(*rows)).total_cost) == pytest.approx(solved.cost.sum(), rel=1e-6)


@pytest.mark.parametrize("discount", ["none", "all_units", "incremental"])
def test_any_quantity_has_the_textbook_cost(discount):
    params = {"discount": discount, "holding": "with_price"}
    quantity = np.array([1.0, 7.5, 399.0, 399.5, 400.0, 801.0, 2e13])
    price = np.full(7, 0.75)
    if discount == "all_units":
        price = np.select([quantity < 400, quantity < 800], [0.75, 0.72], 0.68)
    elif discount == "incremental":
        above = np.maximum(quantity - 400, 0), np.maximum(quantity - 800, 0)
        price = 0.75 - (0.03 * above[0] + 0.04 * above[1]) / quantity
    expected = 15 * 8 / quantity + 0.225 * price / 0.75 * quantity / 2 + (15 * price if discount != "none" else 0)
    np.testing.assert_allclose(costs(frame(*[item()] * 7), quantity, **params), expected, rtol=1e-12)


def test_a_quantity_that_can_not_be_has_no_cost():
    rows = [item()] * 5 + [item(demand_mean=np.zeros(1))] * 2 + [item(demand_mean=np.array([1e9]))]
    cost = costs(frame(*rows), [0.0, 0.5, -1.0, np.nan, np.inf, 0.0, 3.0, 5.0])
    assert np.isnan(cost).tolist() == [True] * 5 + [False, True, True] and cost[5] == 0


def test_an_item_costs_the_same_beside_others():
    # what a break saves is added up item by item: sums over a whole bucket would lose digits
    items = random_items(np.random.default_rng(9), 40)
    together = costs(items, [50.0] * len(items), **PARAMS[5])
    alone = [costs(items.iloc[[i]].reset_index(drop=True), [50.0], **PARAMS[5])[0] for i in range(20)]
    np.testing.assert_array_equal(together[:20], alone)
