"""Service levels of (s, Q): every pair tried, what binds, what they cost, and the edges of what can be asked for."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest
from scipy import stats

from invopt.policies.s_q import POLICY
from invopt.theory.demand.lead_time_demand import normal_lead_time_demand, poisson_lead_time_demand
from invopt.theory.s_q.cost import COSTS, reorder_point_cost, review_days
from invopt.theory.s_q.search_service_points import best_points_with_fill_rate, cycle_point
from tests.items import Solved, answer, frame, solved_model
from tests.items.s_q import FORMS, poisson_item, random_item

SERVICES = ("cycle", "fill_rate")


def solved(*items: dict, **params) -> Solved:
    return answer(POLICY, frame(POLICY, *items), **params)


def cheapest_by_trying_all(cost: str, service: str, item: dict) -> tuple[float, int, int]:
    """The least C(s, Q) that gives the service over s < 60 and s + Q < 400, from scipy's Poisson and plain sums."""
    a, h, p, K = (
        float(np.mean(item["demand_mean"])),
        item["holding_cost"],
        item["backorder_cost"],
        item["fixed_order_cost"],
    )
    x = np.arange(600)
    pmf = stats.poisson.pmf(x, a * (item["lead_time"] + review_days(cost)))
    levels = np.arange(400)
    short = np.maximum(x[None, :] - levels[:, None], 0) @ pmf
    mean = pmf @ x
    G = h * (levels - 0.5 - mean) if cost == "guide" else h * (levels - mean + short) + p * short
    total = np.cumsum(G)
    best = (np.inf, -1, -1)
    for s in range(60):
        Q = np.arange(1, 400 - s)
        start = a * (K + p * short[s]) if cost == "guide" else a * K
        costs = (start + total[s + 1 :] - total[s]) / Q
        if service == "cycle":
            is_met = np.full(len(Q), pmf[: s + 1].sum() >= item["service_level"])
        else:
            is_met = short[s] - short[s + 1 :] <= (1 - item["service_level"]) * Q
        costs = np.where(is_met, costs, np.inf)
        k = int(costs.argmin())
        if costs[k] < best[0]:
            best = (float(costs[k]), s, int(Q[k]))
    return best


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("service", SERVICES)
def test_no_pair_that_gives_the_service_is_cheaper_when_all_are_tried(cost, service):
    rng = np.random.default_rng(len(cost) + len(service))
    n_binding = 0
    for _ in range(25):
        item = poisson_item(
            demand_mean=np.array([10 ** rng.uniform(-1.5, 0.6)]),
            lead_time=rng.choice([0.0, 0.5, 2.0, 3.7]),
            holding_cost=rng.uniform(0.5, 3),
            fixed_order_cost=rng.choice([0, 1, 20]) * rng.uniform(0.5, 1.5),
            backorder_cost=rng.choice([0, 1, 30]) * rng.uniform(0.5, 1.5),
            service_level=rng.choice([0.5, 0.8, 0.95, 0.99, 0.999]),
        )
        found, free = solved(item, cost=cost, service=service), solved(item, cost=cost)
        tried, s, Q = cheapest_by_trying_all(cost, service, item)
        assert s < 50 and s + Q < 300
        assert found.cost[0] == pytest.approx(tried, rel=1e-10, abs=1e-10), (item, s, Q, found)
        n_binding += found.cost[0] > free.cost[0] + 1e-9
    assert n_binding > 5


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("service", SERVICES)
def test_the_service_is_given_costs_more_and_null_asks_for_nothing(cost, service):
    rng = np.random.default_rng(4)
    items = frame(POLICY, *(random_item(rng, form) for form in FORMS for _ in range(15)))
    free, found = answer(POLICY, items, cost=cost), answer(POLICY, items, cost=cost, service=service)
    asked = items["service_level"].notna().to_numpy(dtype=bool)
    np.testing.assert_array_equal(found.cost[~asked], free.cost[~asked])
    assert (found.cost >= free.cost - 1e-12 * np.abs(free.cost)).all() and (
        found.cost[asked] > free.cost[asked] * (1 + 1e-9)
    ).any()
    nothing = answer(POLICY, items.assign(service_level=None), cost=cost, service=service)
    np.testing.assert_array_equal(nothing.cost, free.cost)


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize(("a", "lead_time"), [(0.01, 0.0), (0.01, 30.0), (12_000.0, 0.0), (12_000.0, 30.0)])
def test_slow_and_fast_movers_get_just_the_service(cost, a, lead_time):
    for form in ("poisson", "normal"):
        item = poisson_item(
            demand_distribution=form,
            demand_mean=np.array([a]),
            demand_variance=np.array([a]),
            lead_time=lead_time,
            service_level=0.98,
            holding_cost=0.05,
            fixed_order_cost=40.0,
            backorder_cost=0.01,
        )
        make = (
            normal_lead_time_demand
            if form == "normal"
            else (lambda mean, variance, times: poisson_lead_time_demand(mean, times))
        )
        demand = make(a, a, [lead_time + review_days(cost)])
        for service in SERVICES:
            found = solved(item, cost=cost, service=service)
            s, Q = (int(found.decisions[name][0]) for name in POLICY.decision_names)
            assert found.cost[0] == pytest.approx(reorder_point_cost(cost, s, Q, demand, a, 0.05, 40.0, 0.01), rel=1e-9)
            if service == "cycle":
                assert demand.cdf(np.array([s]))[0] >= 0.98 - 1e-9
                assert s == 0 or demand.cdf(np.array([s - 1]))[0] < 0.98 or cost != "guide"
            else:
                short = demand.loss(np.array([s, s + Q]))
                assert short[0] - short[1] <= 0.02 * Q * (1 + 1e-6)


def test_a_probability_that_is_just_reached_counts_as_reached():
    # X is 0 or 1, evenly, each day for two days and the day of review: P(X <= 1) = 1/2 to the last digit but one
    item = poisson_item(
        demand_distribution="pmf", demand_pmf=[np.array([0.5, 0.5])], service_level=0.5, backorder_cost=0.0
    )
    assert solved(item, service="cycle").decisions["REORDER_POINT"].tolist() == [1]
    assert pyo.value(solved_model(POLICY, frame(POLICY, item), service="cycle").REORDER_POINT[0]) == pytest.approx(1)


def test_zero_variance_is_served_by_the_demand_itself():
    item = poisson_item(
        demand_distribution="normal",
        demand_mean=np.array([10.0]),
        demand_variance=np.array([0.0]),
        service_level=0.9,
        backorder_cost=0.0,
        lead_time=4.0,
    )
    assert solved(item, service="cycle", cost="guide").decisions["REORDER_POINT"].tolist() == [40]
    assert cycle_point(normal_lead_time_demand(10, 0, [4]), 0.1) == 40


@pytest.mark.parametrize("level", [95.0, 1.0, -0.1])
def test_a_level_that_nobody_asks_for_may_be_anything(level):
    assert solved(poisson_item(service_level=level)).cost[0] == solved(poisson_item()).cost[0]


def test_a_fill_rate_with_a_huge_order_quantity_is_found_in_blocks():
    item = poisson_item(
        demand_mean=np.array([100.0]), holding_cost=1e-4, fixed_order_cost=1e4, backorder_cost=0.0, service_level=0.9999
    )
    found = solved(item, service="fill_rate", cost="time_weighted")
    s, Q = (int(found.decisions[name][0]) for name in POLICY.decision_names)
    assert Q > 1e5
    near = best_points_with_fill_rate(
        "time_weighted", np.arange(Q - 2000, Q + 2000), 1e-4, poisson_lead_time_demand(100, [2]), 100, 1e-4, 1e4, 0.0
    )
    assert (
        near.cost.min() == pytest.approx(found.cost[0], rel=1e-12)
        and near.cost.argmin() == 2000
        and near.reorder_point[2000] == s
    )
