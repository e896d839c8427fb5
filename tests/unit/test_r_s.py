"""The (R, S) policy: all pairs tried, extremes, limits of the review period, services, and its order rule simulated.

`test_policy_suite.py` and `test_policy_edges.py` have what holds for every policy.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from invopt.policies.r_s import POLICY, RSParams
from invopt.theory.order_rules import Stock
from tests.items import Solved, answer, example_item, frame, items_of
from tests.items.r_s import FORMS, PARAMS, random_item


def poisson_item(**changes) -> dict:
    """K = 8, h = 1, p = 9, L = 1, 2 units a day, with changes."""
    item = {"fixed_order_cost": 8.0, "backorder_cost": 9.0, "lead_time": 1.0, "demand_mean": np.array([1.0, 3.0])}
    return example_item(POLICY, **item | changes)


def solved(*items: dict, **params) -> Solved:
    return answer(POLICY, frame(POLICY, *items), **params)


def losses_by_definition(item: dict, days: int, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """E(X - S)^+, P(X <= S) and E X of the demand over the lead time + days, from scipy.stats and plain sums."""
    L, c = item["lead_time"], item["lead_time_confidence"]
    taus = np.arange(np.ceil(max(L - c, 0)), np.floor(L + c) + 1) if c else np.array([L])
    parts = []
    for tau in taus + days:
        if item["demand_distribution"] == "normal":
            mean, std = item["demand_mean"].mean() * tau, np.sqrt(item["demand_variance"].mean() * tau)
            if std == 0:
                parts.append((np.maximum(mean - levels, 0), (levels >= mean).astype(float), mean))
            else:
                z = (levels - mean) / std
                parts.append((std * stats.norm.pdf(z) + (mean - levels) * stats.norm.sf(z), stats.norm.cdf(z), mean))
            continue
        if item["demand_distribution"] == "pmf":
            day = np.zeros(max(map(len, item["demand_pmf"])))
            for pmf in item["demand_pmf"]:
                day[: len(pmf)] += np.asarray(pmf) / len(item["demand_pmf"])
            pmf = np.ones(1)
            for _ in range(int(np.ceil(tau))):
                pmf = np.convolve(pmf, day)
        else:
            mean = item["demand_mean"].mean() * tau
            pmf = stats.poisson.pmf(np.arange(int(mean + 15 * np.sqrt(mean) + 40)), mean)
        x = np.arange(len(pmf))
        short = (np.maximum(x[None, :] - levels[:, None], 0) * pmf).sum(axis=1)
        parts.append((short, np.array([pmf[: level + 1].sum() for level in levels]), x @ pmf))
    return tuple(np.mean([part[k] for part in parts], axis=0) for k in range(3))


def costs_by_definition(item: dict, params: RSParams, largest: int) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """R -> C(R, S) and whether the service is given, for S up to `largest`; NaN where the guide's formula has none."""
    h, K, p = item["holding_cost"], item["fixed_order_cost"], item["backorder_cost"]
    S = np.arange(largest + 1)
    shortest = int(max(1, np.ceil(item["shipping_interval"] or 1)))
    longest = max(shortest, params.longest_review_period)
    after = {j: losses_by_definition(item, j, S) for j in range(longest + 1)}
    costs = {}
    for R in range(shortest, longest + 1):
        short, chance, mean = after[R]
        a = (mean - after[0][2]) / R
        if params.cost == "guide":
            cost = K / R + h * (a * R / 2 + S - mean) + p / R * short
            cost = np.where(mean * (1 - 1e-12) <= S, cost, np.nan)
        else:
            cost = K / R + sum(h * (S - after[j][2] + after[j][0]) + p * after[j][0] for j in range(1, R + 1)) / R
        is_served = np.ones(len(S), dtype=bool)
        if params.service != "none" and item["service_level"] is not None:
            service = chance if params.service == "cycle" else 1 - (short - after[0][0]) / (a * R)
            is_served = service >= item["service_level"] - 1e-13
        costs[R] = cost, is_served
    return costs


@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_no_pair_is_cheaper(params):
    rng = np.random.default_rng(1)
    params = {"longest_review_period": 9, **params}
    rows = [random_item(rng, form, 3.0) for form in FORMS for _ in range(4)]
    found = solved(*rows, **params)
    for i, row in enumerate(rows):
        costs = costs_by_definition(row, RSParams(**params), 250)
        best = min(np.nanmin(np.where(is_served, cost, np.nan)) for cost, is_served in costs.values())
        assert found.cost[i] == pytest.approx(best, rel=1e-9, abs=1e-9), (i, row, best)


@pytest.mark.parametrize("cost", ["daily_review", "guide"])
def test_any_pair_costs_what_its_definition_says(cost):
    rng, params = np.random.default_rng(2), RSParams(cost=cost, longest_review_period=9)
    for form in FORMS:
        item = random_item(rng, form, 3.0)
        costs = costs_by_definition(item, params, 250)
        R, S = np.array(list(costs)), rng.integers(0, 100, len(costs))
        read = items_of(POLICY, frame(POLICY, *[item] * len(R)))
        priced = POLICY.cost(read, {"REVIEW_PERIOD": R, "ORDER_UP_TO_LEVEL": S}, params)
        expected = [costs[period][0][level] for period, level in zip(R, S, strict=True)]
        np.testing.assert_allclose(priced, expected, rtol=1e-9, atol=1e-9)


def test_extremes_have_sensible_answers():
    slow = solved(poisson_item(demand_mean=np.array([0.01]), fixed_order_cost=0.0))
    assert slow.decisions["ORDER_UP_TO_LEVEL"][0] == 0 and slow.decisions["REVIEW_PERIOD"][0] == 1
    fast = solved(poisson_item(demand_mean=np.array([12_000.0])))
    assert fast.decisions["REVIEW_PERIOD"][0] == 1 and 24_000 < fast.decisions["ORDER_UP_TO_LEVEL"][0] < 24_600
    constant = solved(poisson_item(demand_distribution="normal", demand_variance=np.zeros(2), lead_time=0.0))
    # constant demand of 2 a day: the bound of the docstring is the cost; R = 3 holds 4, 2, 0 units
    assert constant.decisions["REVIEW_PERIOD"][0] == 3 and constant.cost[0] == pytest.approx((8 + 4 + 2) / 3)
    free = solved(poisson_item(backorder_cost=0.0))
    assert free.decisions["ORDER_UP_TO_LEVEL"][0] == 0 and free.decisions["REVIEW_PERIOD"][0] == 28


def test_shipping_interval_and_longest_review_period_bound_the_review_period():
    rows = [poisson_item(shipping_interval=interval) for interval in (None, 0.0, 5.2, 40.0)]
    assert solved(*rows).decisions["REVIEW_PERIOD"].tolist() == [3, 3, 6, 40]
    assert solved(*rows, longest_review_period=2).decisions["REVIEW_PERIOD"].tolist() == [2, 2, 6, 40]


@pytest.mark.parametrize("service", ["cycle", "fill_rate"])
def test_more_service_costs_more_and_none_asked_for_costs_nothing(service):
    levels = [None, 0.0, 0.5, 0.9, 0.99, 0.9999]
    found = solved(*(poisson_item(service_level=level) for level in levels), service=service)
    assert (np.diff(found.cost) >= -1e-12).all() and found.cost[-1] > 1.2 * found.cost[0]
    assert found.cost[0] == solved(poisson_item()).cost[0]


def test_the_average_cost_of_ordering_by_the_rule_is_the_cost():
    rng = np.random.default_rng(6)
    found = solved(poisson_item())
    R, S = int(found.decisions["REVIEW_PERIOD"][0]), found.decisions["ORDER_UP_TO_LEVEL"][0]
    n_paths, n_days, lead_time = 4000, 200 * R, 1
    position = np.full(n_paths, S)
    stock, pipeline, total = position.copy(), np.zeros((lead_time + 1, n_paths)), 0.0
    for day in range(n_days):
        ordered = POLICY.order(
            {"REVIEW_PERIOD": np.full(n_paths, R), "ORDER_UP_TO_LEVEL": np.full(n_paths, S)},
            Stock.of(position, days_since_order=day % R or R),
        )
        # an order of this morning arrives before the demand of the day `lead_time` later
        pipeline[(day + lead_time) % (lead_time + 1)] = ordered
        arrived = pipeline[day % (lead_time + 1)].copy()
        sold = rng.poisson(2.0, n_paths)
        stock = stock + arrived - sold
        position = position + ordered - sold
        if day >= 20 * R:
            total += (np.maximum(stock, 0) * 1.0 + np.maximum(-stock, 0) * 9.0).mean() + 8.0 * (day % R == 0)
    assert total / (n_days - 20 * R) == pytest.approx(found.cost[0], rel=5e-3)


def test_a_backorder_cost_that_no_stock_is_enough_for_is_refused():
    found = solved(poisson_item(backorder_cost=1e20), poisson_item(backorder_cost=1e12))
    assert "backorder_cost is 1e+20, 1e+15 times holding_cost or more" in found.message[0]
    assert found.status[1] == "optimal" and np.isfinite(found.cost[1])
