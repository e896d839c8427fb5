"""Policies that divide a budget: their models find the algorithm's cost to 1e-9 and keep the budget; the price of the
budget is the slope of the optimum; an item that can't be used keeps its partition from being decided.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest

from invopt import policies
from invopt.errors import ParameterError
from invopt.solving import Status, highs
from tests.items import answer, example_item, frame, items_of, model, offsets_of


class Kind(NamedTuple):
    """A policy's budget, the decision that uses it, and what a unit of it uses.

    make : (rng, number of the partition, items) -> a partition of `tests/items`
    """

    name: str
    budget: str
    decision: str
    make: str

    @property
    def policy(self):
        return policies.load(self.name)

    @property
    def module(self):
        return import_module(f"tests.items.{self.name}")

    def use(self, items: pd.DataFrame, amount: np.ndarray) -> np.ndarray:
        """(m,) of the partitions."""
        each = items["holding_cost"] / 2 if self.name == "eoq_budget" else items["unit_cost"]
        return np.add.reduceat(each.to_numpy() * amount, offsets_of(self.policy, items)[:-1])


KINDS = (
    Kind("eoq_budget", "storage_cost_budget", "ORDER_QUANTITY", "space"),
    Kind("newsvendor_budget", "purchase_budget", "BASE_STOCK_LEVEL", "source"),
)
CASES = [(kind, params) for kind in KINDS for params in kind.module.PARAMS]


def exact_model(kind: Kind, items: pd.DataFrame, cost: float, params: dict) -> pyo.ConcreteModel:
    """The solved model; HiGHS lets the objective be 1e-6 off, so it is scaled to be large."""
    built = model(kind.policy, items, **params)
    scale = int(np.clip(np.round(np.log2(1e5 / max(cost, 1e-3))), -20, 20))
    result = highs.solve(built, 60.0, {"mip_rel_gap": 0.0, "mip_abs_gap": 1e-12, "user_objective_scale": scale})
    assert result.status is Status.OPTIMAL, result
    return built


def largest_difference(kind: Kind, params: dict, rng: np.random.Generator, n_partitions: int) -> float:
    """Between model and algorithm, relative, or to a millionth of all purchases where the cost is next to nothing."""
    items = kind.module.random_items(rng, n_partitions)
    solved, offsets = answer(kind.policy, items, **params), offsets_of(kind.policy, items)
    budget = items[kind.budget].fillna(np.inf).to_numpy()[offsets[:-1]]
    assert not (kind.use(items, solved.decisions[kind.decision]) > budget * (1 + 1e-11)).any()
    assert (solved.bound == solved.objective)[solved.is_solved].all()
    largest, n_compared = 0.0, 0
    for k in range(n_partitions):
        one = items.iloc[offsets[k] : offsets[k + 1]].reset_index(drop=True)
        if not solved.is_solved[offsets[k]]:
            assert "raise it to that" in solved.message[offsets[k]]
            with pytest.raises(ParameterError, match="raise it to that"):
                model(kind.policy, one, **params)
            continue
        cost = solved.objective[offsets[k]]
        built = exact_model(kind, one, cost, params)
        amount = np.array([pyo.value(getattr(built, kind.decision)[i]) for i in built.ITEMS])
        np.testing.assert_allclose(amount, np.rint(amount), atol=1e-6)
        assert not (kind.use(one, amount) > budget[k] * (1 + 1e-9)).any()
        total = pyo.value(built.total_cost)
        assert sum(pyo.value(built.item_cost[i]) for i in built.ITEMS) == pytest.approx(total, abs=1e-9)
        purchases = (one["unit_cost"] * one["demand_mean"].map(np.mean)).sum()
        largest = max(largest, abs(total - cost) / max(cost, 1e-6 * purchases, 1e-9))
        n_compared += 1
    assert n_compared > 0.8 * n_partitions
    return largest


@pytest.mark.parametrize(("kind", "params"), CASES, ids=str)
def test_model_and_algorithm_find_the_same_cost(kind, params):
    assert largest_difference(kind, params, np.random.default_rng(1), 4) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_model_and_algorithm_find_the_same_cost_of_a_thousand_partitions(kind):
    every = kind.module.PARAMS
    n = -(-1000 // len(every))
    largest = max(largest_difference(kind, every[k], np.random.default_rng(100 + k), n) for k in range(len(every)))
    print(f"{kind.name}: largest relative difference of {n * len(every)} partitions: {largest:.2e}")
    assert largest < 1e-9


@pytest.mark.parametrize(("kind", "params"), CASES, ids=str)
def test_the_price_is_what_a_larger_budget_saves_where_many_share_it(kind, params):
    items = getattr(kind.module, kind.make)(np.random.default_rng(2), 1, 400)
    if params.get("service", "none") != "none":
        items["service_level"] = np.nan
    free = answer(kind.policy, items.assign(**{kind.budget: 1e12}), **params)
    assert (free.prices[kind.budget] == 0).all() or params.get("cost") == "ordering"
    wanted = free if params.get("cost") != "ordering" else answer(kind.policy, items, **params)
    budget = 0.7 * kind.use(items, wanted.decisions[kind.decision])[0]
    some, more = (answer(kind.policy, items.assign(**{kind.budget: b}), **params) for b in (budget, 1.02 * budget))
    price, later = (solved.prices[kind.budget] for solved in (some, more))
    assert (price == price[0]).all() and 0 < later[0] <= price[0] * (1 + 1e-9)
    saved = (some.objective[0] - more.objective[0]) / (0.02 * budget)
    # a convex optimum falls by less than the first price and more than the last, but for what whole units leave unused
    assert 0.98 * later[0] <= saved <= 1.02 * price[0] and later[0] > 0.5 * price[0]
    without = answer(kind.policy, items.assign(**{kind.budget: np.nan}), **params)
    assert np.isnan(without.prices[kind.budget]).all()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_bad_item_or_two_budgets_keep_the_partition_from_being_decided(kind):
    item = example_item(kind.policy)
    endless = frame(kind.policy, item, {**item, "demand_mean": np.array([1e9])}, is_one_partition=True)
    two = frame(kind.policy, {**item, kind.budget: 5.0}, {**item, kind.budget: 6.0}, is_one_partition=True)
    for items, text in ((endless, "count in larger units"), (two, "all its rows must have the same")):
        read = items_of(kind.policy, items)
        decided = kind.policy.algorithm(read, kind.policy.params())
        assert np.isnan(decided.cost).all() and all(np.isnan(values).all() for values in decided.decisions.values())
        assert text in read.problems[1] and "because of item 1" in read.problems[0] and text in read.problems[0]
        assert np.isnan(decided.prices[kind.budget]).all() and not answer(kind.policy, items).is_solved.any()
