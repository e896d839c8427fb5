"""Service levels of (s, Q): every pair tried, model against exact algorithm, what binds, what can't be asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
from scipy import stats

from invopt.errors import ParameterError
from invopt.policies.s_q import POLICY, SQParams
from invopt.solving import highs
from invopt.solving.outcome import Status
from invopt.theory.demand.lead_time_demand import normal_lead_time_demand, poisson_lead_time_demand
from invopt.theory.s_q.cost import COSTS, reorder_point_cost, review_days
from invopt.theory.s_q.search_service_points import best_points_with_fill_rate, cycle_point
from tests.items.s_q import FORMS, frame, poisson_item, random_item, random_items

SERVICES = ("cycle", "fill_rate")


def exact(items: pd.DataFrame, **params):
    return POLICY.solve_exact(items, np.arange(len(items) + 1), SQParams(**params))


def solved_model(items: pd.DataFrame, **params) -> pyo.ConcreteModel:
    model = POLICY.build_model(items, SQParams(**params))
    assert highs.solve(model, 60.0, {}).status is Status.OPTIMAL
    return model


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
        found, free = exact(frame(item), cost=cost, service=service), exact(frame(item), cost=cost)
        tried, s, Q = cheapest_by_trying_all(cost, service, item)
        assert s < 50 and s + Q < 300
        assert found.cost[0] == pytest.approx(tried, rel=1e-10, abs=1e-10), (item, s, Q, found)
        n_binding += found.cost[0] > free.cost[0] + 1e-9
    assert n_binding > 5


def largest_difference(rng: np.random.Generator, n_items: int, largest_mean: float) -> float:
    """Between model and algorithm, of n_items for each service and cost; models of windows of thousands of levels
    are left out.
    """
    largest = 0.0
    for service in SERVICES:
        for cost in COSTS:
            items = frame(*(random_item(rng, FORMS[k % 4], largest_mean) for k in range(n_items)))
            found = exact(items, cost=cost, service=service)
            assert found.message is None
            for i in np.flatnonzero(found.decisions["ORDER_QUANTITY"] <= 1500):
                one = items.iloc[[i]]
                model = POLICY.build_model(one, SQParams(cost=cost, service=service))
                if hasattr(model, "LEVELS") and len(model.LEVELS) > 3000:
                    continue
                assert highs.solve(model, 60.0, {}).status is Status.OPTIMAL
                held = (
                    one["holding_cost"].iloc[0]
                    * float(np.mean(one["demand_mean"].iloc[0]))
                    * (1 + one["lead_time"].iloc[0])
                )
                gap = abs(pyo.value(model.total_cost) - found.cost[i]) / max(abs(found.cost[i]), 1e-3 * held)
                largest = max(largest, gap)
                for name in POLICY.decisions:
                    value = pyo.value(getattr(model, name)[0])
                    assert value == pytest.approx(round(value), rel=1e-6, abs=1e-5)
    return largest


def test_model_and_algorithm_find_the_same_cost():
    assert largest_difference(np.random.default_rng(1), 12, 20.0) < 1e-9


@pytest.mark.slow
def test_model_and_algorithm_find_the_same_cost_of_a_thousand_items():
    largest = largest_difference(np.random.default_rng(2), 170, 1_000.0)
    print(f"largest relative difference of up to 1,020 items: {largest:.2e}")
    assert largest < 1e-9


@pytest.mark.parametrize("service", SERVICES)
def test_a_model_of_several_items_holds_the_share_of_each(service):
    items = random_items(np.random.default_rng(3), 12)
    found = exact(items, service=service)
    model = solved_model(items, service=service)
    np.testing.assert_allclose([pyo.value(model.item_cost[i]) for i in model.ITEMS], found.cost, rtol=1e-9, atol=1e-9)
    assert found.cost[9] == 0 and pyo.value(model.ORDER_QUANTITY[9]) == 0


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("service", SERVICES)
def test_the_service_is_given_costs_more_and_null_asks_for_nothing(cost, service):
    rng = np.random.default_rng(4)
    items = frame(*(random_item(rng, form) for form in FORMS for _ in range(15)))
    free, found = exact(items, cost=cost), exact(items, cost=cost, service=service)
    asked = items["service_level"].notna().to_numpy(dtype=bool)
    np.testing.assert_array_equal(found.cost[~asked], free.cost[~asked])
    assert (found.cost >= free.cost - 1e-12 * np.abs(free.cost)).all() and (
        found.cost[asked] > free.cost[asked] * (1 + 1e-9)
    ).any()
    nothing = exact(items.assign(service_level=None), cost=cost, service=service)
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
            found = exact(frame(item), cost=cost, service=service)
            s, Q = (int(found.decisions[name][0]) for name in POLICY.decisions)
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
    assert exact(frame(item), service="cycle").decisions["REORDER_POINT"].tolist() == [1]
    assert pyo.value(solved_model(frame(item), service="cycle").REORDER_POINT[0]) == pytest.approx(1)


def test_zero_variance_is_served_by_the_demand_itself():
    item = poisson_item(
        demand_distribution="normal",
        demand_mean=np.array([10.0]),
        demand_variance=np.array([0.0]),
        service_level=0.9,
        backorder_cost=0.0,
        lead_time=4.0,
    )
    assert exact(frame(item), service="cycle", cost="guide").decisions["REORDER_POINT"].tolist() == [40]
    assert cycle_point(normal_lead_time_demand(10, 0, [4]), 0.1) == 40


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("level", "text"),
    [
        (95.0, "service_level is 95.0, must be a fraction: 0.95 for 95 percent"),
        (1.0, "which no finite stock gives"),
        (-0.1, "service_level is -0.1, must be 0 or more and below 1"),
        (1e5, "must be 0 or more and below 1"),
    ],
)
def test_what_can_not_be_asked_for_gets_a_message(service, level, text):
    items = frame(poisson_item(service_level=level), poisson_item(service_level=0.9))
    found = exact(items, service=service)
    assert (
        text in found.message[0] and found.message[1] is None and np.isnan(found.cost[0]) and np.isfinite(found.cost[1])
    )
    with pytest.raises(ParameterError) as refused:
        POLICY.build_model(items, SQParams(service=service))
    assert text in str(refused.value)
    assert exact(items).message is None


def test_a_normal_that_varies_over_millions_of_units_gets_a_message():
    item = poisson_item(
        demand_distribution="normal", demand_mean=np.array([1e6]), demand_variance=np.array([1e11]), service_level=0.9
    )
    assert "count in larger units" in exact(frame(item), service="fill_rate").message[0]


def test_a_fill_rate_with_a_huge_order_quantity_is_found_in_blocks():
    item = poisson_item(
        demand_mean=np.array([100.0]), holding_cost=1e-4, fixed_order_cost=1e4, backorder_cost=0.0, service_level=0.9999
    )
    found = exact(frame(item), service="fill_rate", cost="time_weighted")
    s, Q = (int(found.decisions[name][0]) for name in POLICY.decisions)
    assert Q > 1e5
    near = best_points_with_fill_rate(
        "time_weighted", np.arange(Q - 2000, Q + 2000), 1e-4, poisson_lead_time_demand(100, [2]), 100, 1e-4, 1e4, 0.0
    )
    assert (
        near.cost.min() == pytest.approx(found.cost[0], rel=1e-12)
        and near.cost.argmin() == 2000
        and near.reorder_point[2000] == s
    )
