"""The (s, Q) policy for what expires: all pairs tried, model against algorithm, no expiry = s_q, services, extremes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
from scipy import stats

from invopt.errors import ParameterError
from invopt.policies.s_q import POLICY as S_Q
from invopt.policies.s_q_perishable import POLICY, SQPerishableParams
from invopt.solving import supervised
from tests.items import Solved, answer, items_of, model, solved_model
from tests.items.s_q import FORMS
from tests.items.s_q_perishable import (
    FORMULA_PARAMS,
    expiring_frame,
    expiring_item,
    random_expiring_item,
    random_items,
)


def solved(*items: dict, **params) -> Solved:
    return answer(POLICY, expiring_frame(*items), **params)


def difference(found: float, expected: float, items: pd.DataFrame) -> float:
    """Relative difference; the cost can be next to nothing, a difference of larger ones, so it is measured against
    them too.
    """
    held = (
        items["holding_cost"].iloc[0] * float(np.mean(items["demand_mean"].iloc[0])) * (1 + items["lead_time"].iloc[0])
    )
    return abs(found - expected) / max(abs(expected), 1e-3 * held, 1e-300)


def probabilities(item: dict, days: float) -> tuple[np.ndarray, np.ndarray]:
    """Values and probabilities of demand over the lead times and `days` more, from scipy and plain sums: nothing of
    invopt.
    """
    lead, spread = item["lead_time"], item["lead_time_confidence"]
    lead_times = (
        [lead] if spread == 0 else [tau for tau in range(60) if max(0, lead - spread) <= tau <= lead + spread] or [lead]
    )
    total = np.zeros(1200)
    for tau in lead_times:
        if item["demand_distribution"] == "pmf":
            longest = max(len(period) for period in item["demand_pmf"])
            day = np.mean([np.pad(period, (0, longest - len(period))) for period in item["demand_pmf"]], axis=0)
            one = np.ones(1)
            for _ in range(int(np.ceil(np.ceil(tau) + days))):  # whole days, as tau alone is
                one = np.convolve(one, day)
            total[: len(one)] += one[:1200] / len(lead_times)
        else:
            total += stats.poisson.pmf(np.arange(1200), np.mean(item["demand_mean"]) * (tau + days)) / len(lead_times)
    return np.arange(1200), total


def cheapest_by_trying_all(item: dict, params: dict) -> tuple[float, int, int]:
    """The least cost and its s and Q over s < 60, Q <= 400, every sum written out."""
    review = 1.0 if params.get("review") == "daily" else 0.0
    x, px = probabilities(item, review)
    a = float(np.mean(item["demand_mean"]))
    if item["demand_distribution"] == "pmf":
        a = float(np.mean([period @ np.arange(len(period)) for period in item["demand_pmf"]]))
    unsold = np.zeros(461)
    if item["shelf_life"] is not None:
        # E(y - Y)^+ of the levels y that s + Q takes
        unsold = (
            np.maximum(np.arange(461)[:, None] - x[None, :], 0) @ probabilities(item, review + item["shelf_life"])[1]
        )
    W = (item["disposal_cost"] or 0.0) + (
        item["unit_cost"] if params.get("expired_unit_costs") == "disposal_and_purchase" else 0.0
    )
    level = item["service_level"]
    Q = np.arange(1, 401)
    best = (np.inf, -1, -1)
    for s in range(60):
        short = np.maximum(x - s, 0) @ px
        expired = unsold[s + Q] - unsold[s]
        sold = Q - expired
        cost = (item["fixed_order_cost"] + item["backorder_cost"] * short + W * expired) * a / np.maximum(sold, 1e-300)
        cost = cost + item["holding_cost"] * (Q / 2 + s - px @ x)
        is_allowed = sold > 1e-9
        if params.get("service") == "cycle" and level is not None:
            is_allowed &= px[: s + 1].sum() >= level
        if params.get("service") == "fill_rate" and level is not None:
            is_allowed &= short <= (1 - level) * sold
        cost = np.where(is_allowed, cost, np.inf)
        k = int(cost.argmin())
        if cost[k] < best[0]:
            best = (float(cost[k]), s, int(Q[k]))
    return best


@pytest.mark.parametrize("example", POLICY.examples, ids=lambda example: example.name)
def test_examples_are_what_trying_all_finds(example):
    tried = cheapest_by_trying_all(dict(example.items[0]), dict(example.params))
    assert tried == pytest.approx((example.cost, *(values[0] for values in example.decisions.values())), rel=1e-9)


@pytest.mark.parametrize("params", FORMULA_PARAMS, ids=str)
@pytest.mark.parametrize("form", ["poisson", "pmf"])
def test_no_pair_is_cheaper_when_all_are_tried(params, form):
    rng = np.random.default_rng(len(str(params)))
    n_compared = 0
    for _ in range(12):
        item = random_expiring_item(rng, form, 2.0)
        item["fixed_order_cost"] = min(item["fixed_order_cost"], 60.0)
        tried, s, Q = cheapest_by_trying_all(item, params)
        if s > 50 or Q > 350 or tried > 1e6:
            continue
        found = solved(item, **params)
        assert found.cost[0] == pytest.approx(tried, rel=1e-8, abs=1e-8), (item, s, Q)
        n_compared += 1
    assert n_compared > 6


def largest_difference(rng: np.random.Generator, n_items: int, largest_mean: float) -> tuple[float, int]:
    """Between model and algorithm, of n_items for each set of parameters, and how many had no policy by both."""
    largest, n_without = 0.0, 0
    for params in FORMULA_PARAMS:
        items = expiring_frame(*(random_expiring_item(rng, FORMS[k % 4], largest_mean) for k in range(n_items)))
        found = answer(POLICY, items, **params)
        for i in range(n_items):
            one = items.iloc[[i]]
            if not found.is_solved[i]:
                with pytest.raises(ParameterError, match="no batch that gives the service level"):
                    model(POLICY, one, **params)
                n_without += 1
                continue
            built = solved_model(POLICY, one, **params)
            largest = max(largest, difference(pyo.value(built.total_cost), found.cost[i], one))
            for name in POLICY.decision_names:
                value = pyo.value(getattr(built, name)[0])
                assert value == pytest.approx(round(value), abs=1e-6)
    return largest, n_without


@pytest.mark.slow
def test_model_and_algorithm_find_the_same_cost_of_a_thousand_items():
    largest, n_without = largest_difference(np.random.default_rng(2), 200, 50.0)
    print(
        f"largest relative difference of 1,200 items: {largest:.2e}; {n_without} have no policy that gives the service"
    )
    assert largest < 1e-9


def test_without_expiry_it_is_the_guides_cost_of_s_q():
    rng = np.random.default_rng(3)
    items = expiring_frame(
        *(expiring_item(**{**random_expiring_item(rng, form), "shelf_life": None}) for form in FORMS for _ in range(20))
    )
    for params in ({}, {"service": "cycle"}):
        found, theirs = answer(POLICY, items, **params), answer(S_Q, items, cost="guide", **params)
        np.testing.assert_array_equal(found.cost, theirs.cost)
        for name in POLICY.decision_names:
            np.testing.assert_array_equal(found.decisions[name], theirs.decisions[name])


@pytest.mark.parametrize("form", FORMS)
def test_a_shelf_life_beyond_all_stock_changes_nothing(form):
    rng = np.random.default_rng(4)
    item = random_expiring_item(rng, form, 5.0)
    item.update(
        demand_mean=np.full(5, 2.0),
        demand_pmf=[np.array([0.0, 0.2, 0.6, 0.2])],
        fixed_order_cost=20.0,
        holding_cost=0.5,
    )
    lasting, long = (solved({**item, "shelf_life": life}) for life in (None, 300.0))
    assert long.cost[0] == pytest.approx(lasting.cost[0], rel=1e-12)


def test_a_shorter_shelf_life_costs_more():
    costs = [solved(expiring_item(shelf_life=life)).cost[0] for life in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, None)]
    assert all(
        first > second for first, second in zip(costs, costs[1:], strict=False) if second < costs[-1] * (1 - 1e-12)
    )
    assert costs[0] > 5 * costs[-1]


def test_a_model_of_many_items_has_their_shares_and_one_without_demand_costs_nothing():
    items = random_items(np.random.default_rng(5), 20)
    found, built = answer(POLICY, items), solved_model(POLICY, items)
    np.testing.assert_allclose([pyo.value(built.item_cost[i]) for i in built.ITEMS], found.cost, rtol=1e-9, atol=1e-9)
    for i in (9, 19):
        assert found.cost[i] == 0
        assert all(
            found.decisions[name][i] == 0 == pyo.value(getattr(built, name)[i]) for name in POLICY.decision_names
        )


def test_any_pair_costs_what_the_sums_say_and_one_that_sells_nothing_has_no_cost():
    item, params = expiring_item(service_level=0.95), {"expired_unit_costs": "disposal_and_purchase"}
    read = items_of(POLICY, expiring_frame(item, item, item, item))
    pairs = {"REORDER_POINT": np.array([0, 5, -1, 5000]), "ORDER_QUANTITY": np.array([8, 3, 8, 1])}
    costs = POLICY.cost(read, pairs, SQPerishableParams(**params))
    x, px = probabilities(item, 0.0)
    py = probabilities(item, item["shelf_life"])[1]
    for k in range(2):
        s, Q = pairs["REORDER_POINT"][k], pairs["ORDER_QUANTITY"][k]
        expired = (np.maximum(s + Q - x, 0) - np.maximum(s - x, 0)) @ py
        batch = 20.0 + 8.0 * np.maximum(x - s, 0) @ px + (2.0 + 3.0) * expired
        assert costs[k] == pytest.approx(1.5 * batch / (Q - expired) + 0.1 * (Q / 2 + s - px @ x), rel=1e-12)
    assert np.isnan(costs[2:]).all()


@pytest.mark.parametrize("params", FORMULA_PARAMS, ids=str)
@pytest.mark.parametrize(
    "changes",
    [
        {"demand_mean": np.array([0.01])},
        {"demand_mean": np.array([1e-9])},
        {"demand_mean": np.array([300.0])},
        {"demand_distribution": "normal", "demand_variance": np.array([0.0])},
        {"lead_time": 0.0},
        {
            "demand_distribution": "normal",
            "demand_mean": np.array([12_000.0]),
            "demand_variance": np.array([9e6]),
            "lead_time": 7.0,
        },
        {"demand_mean": np.array([12_000.0]), "lead_time": 7.0, "lead_time_confidence": 2.0},
        {"shelf_life": 0.01},
        {"shelf_life": 3000.0},
        {"fixed_order_cost": 0.0, "backorder_cost": 0.0, "disposal_cost": None},
        {"holding_cost": 1e-12},
        {"fixed_order_cost": 1e9},
    ],
    ids=str,
)
def test_extremes_have_whole_decisions_and_no_neighbour_is_cheaper(params, changes):
    item = expiring_item(**{"service_level": 0.9, **changes})
    found = solved(item, **params)
    if not found.is_solved[0]:
        assert "no batch that gives the service level" in found.message[0] and changes in (
            {"shelf_life": 0.01},
            {"demand_mean": [1e-9]},
        )
        return
    s, Q = (found.decisions[name][0] for name in POLICY.decision_names)
    assert s >= 0 and Q >= 1 and s == round(s) and Q == round(Q) and np.isfinite(found.cost[0])
    assert found.message[0] is None


def test_a_model_too_large_to_build_points_to_the_algorithm():
    with pytest.raises(ParameterError, match="method: algorithm"):
        model(POLICY, expiring_frame(expiring_item(holding_cost=1e-30, shelf_life=None)))


def test_a_service_level_that_is_null_or_not_asked_for_changes_nothing():
    free = solved(expiring_item())
    for item, params in (
        (expiring_item(service_level=None), {"service": "fill_rate"}),
        (expiring_item(service_level=99.0), {}),
        (expiring_item(service_level=0.0), {"service": "cycle"}),
    ):
        assert solved(item, **params).cost[0] == free.cost[0]


def test_a_search_that_begins_far_from_its_end_gets_there():
    """Without a fill rate the best s is 0, with one it is near the 96 million units of the lead time: one by one, a
    search between the two takes minutes. It runs in a child that is killed after one, instead of milliseconds.
    """
    item = expiring_item(
        demand_mean=np.array([3.2e6]),
        lead_time=30.0,
        shelf_life=0.1,
        backorder_cost=0.0,
        fixed_order_cost=0.0,
        disposal_cost=5.0,
        service_level=0.99,
    )
    solved(expiring_item())  # compiled here, or read from what was kept
    services = ("none", "fill_rate")
    points = supervised.run(
        lambda k: solved(item, service=services[k]).decisions["REORDER_POINT"].item(), 2, seconds=60
    )
    without, with_fill_rate = points
    assert without == 0 and with_fill_rate > 96e6
