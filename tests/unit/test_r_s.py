"""The (R, S) policy: published optimum, brute force, model against exact algorithm, services, extremes, bad inputs,
order rule.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
from scipy import stats

from invopt.errors import ParameterError
from invopt.policies.r_s import POLICY, RSParams, build_model
from invopt.solving import highs
from invopt.solving.outcome import Status
from tests.items.r_s import FORMS, PARAMS, random_item


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


def poisson_item(**changes) -> dict:
    item = {
        "fixed_order_cost": 8.0,
        "holding_cost": 1.0,
        "backorder_cost": 9.0,
        "lead_time": 1.0,
        "lead_time_confidence": 0.0,
        "shipping_interval": None,
        "service_level": None,
        "demand_distribution": "poisson",
        "demand_mean": np.array([1.0, 3.0]),
        "demand_variance": None,
        "demand_pmf": None,
    }
    return {**item, **changes}


def exact(items: pd.DataFrame, **params):
    return POLICY.solve_exact(items, np.arange(len(items) + 1), RSParams(**params))


def solved_model(items: pd.DataFrame, **params) -> pyo.ConcreteModel:
    model = build_model(items, RSParams(**params))
    assert highs.solve(model, 60.0, {}).status is Status.OPTIMAL
    return model


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


def best_by_brute_force(item: dict, params: RSParams, largest: int) -> tuple[float, int, int]:
    """Every R and S up to `largest`, cost and service as they are defined."""
    h, K, p = item["holding_cost"], item["fixed_order_cost"], item["backorder_cost"]
    S = np.arange(largest + 1)
    shortest = int(max(1, np.ceil(item["shipping_interval"] or 1)))
    after = {j: losses_by_definition(item, j, S) for j in range(0, max(shortest, params.longest_review_period) + 1)}
    asked = item["service_level"]
    best = (np.inf, 0, 0)
    for R in range(shortest, max(shortest, params.longest_review_period) + 1):
        short, chance, mean = after[R]
        a = (mean - after[0][2]) / R
        if params.cost == "guide":
            cost = K / R + h * (a * R / 2 + S - mean) + p / R * short
            cost = np.where(mean * (1 - 1e-12) <= S, cost, np.inf)
        else:
            cost = K / R + sum(h * (S - after[j][2] + after[j][0]) + p * after[j][0] for j in range(1, R + 1)) / R
        if params.service != "none" and asked is not None:
            service = chance if params.service == "cycle" else 1 - (short - after[0][0]) / (a * R)
            cost = np.where(service >= asked - 1e-13, cost, np.inf)
        best = min(best, (cost.min(), R, int(cost.argmin())))
    return best


@pytest.mark.parametrize("example", POLICY.examples, ids=lambda example: example.name)
def test_published_optima_are_reached_by_model_and_by_algorithm(example):
    items = frame(*example.items)
    found = exact(items, **example.params)
    model = solved_model(items, **example.params)
    assert found.cost[0] == pytest.approx(example.cost, rel=1e-6)
    assert pyo.value(model.total_cost) == pytest.approx(example.cost, rel=1e-6)
    for name, values in example.decisions.items():
        assert found.decisions[name].tolist() == list(values)
        assert pyo.value(getattr(model, name)[0]) == pytest.approx(values[0], abs=1e-6)


@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_no_pair_is_cheaper(params):
    rng = np.random.default_rng(1)
    params = {"longest_review_period": 9, **params}
    rows = [random_item(rng, form, 3.0) for form in FORMS for _ in range(4)]
    found = exact(frame(*rows), **params)
    for i, row in enumerate(rows):
        best = best_by_brute_force(row, RSParams(**params), 250)
        assert found.cost[i] == pytest.approx(best[0], rel=1e-9, abs=1e-9), (i, row, best)


def largest_difference(rng: np.random.Generator, n_of_each: int, largest_mean: float) -> float:
    """Between model and algorithm over every form and parameter set: relative, or of the cost of holding a day's
    demand if that is more.
    """
    largest = 0.0
    for params in PARAMS:
        for form in FORMS:
            items = frame(*(random_item(rng, form, largest_mean) for _ in range(2 * n_of_each)))
            found = exact(items, **params)
            assert found.message is None
            n_compared = 0
            for i in range(len(items)):
                one = items.iloc[[i]]
                if n_compared == n_of_each:
                    break
                try:
                    model = solved_model(one, **params)
                except ParameterError as error:  # a fast mover with more pairs than a model should have
                    assert "method: exact" in str(error)
                    continue
                n_compared += 1
                held = one["holding_cost"].iloc[0] * np.mean(one["demand_mean"].iloc[0])
                gap = abs(pyo.value(model.total_cost) - found.cost[i]) / max(abs(found.cost[i]), 1e-3 * held)
                assert gap < 1e-9, (params, dict(one.iloc[0]), found.cost[i], pyo.value(model.total_cost))
                largest = max(largest, gap)
                for name in POLICY.decisions:
                    value = pyo.value(getattr(model, name)[0])
                    assert value == pytest.approx(round(value), rel=1e-9)
            assert n_compared == n_of_each
    return largest


def test_model_and_algorithm_find_the_same_cost():
    assert largest_difference(np.random.default_rng(2), 2, 50.0) < 1e-9


@pytest.mark.slow
def test_model_and_algorithm_find_the_same_cost_of_a_thousand_items():
    largest = largest_difference(np.random.default_rng(3), 42, 12_000.0)
    print(f"largest relative difference of {42 * len(PARAMS) * len(FORMS)} items: {largest:.2e}")
    assert largest < 1e-9


def test_a_model_of_several_items_holds_the_share_of_each():
    rng = np.random.default_rng(4)
    items = frame(*(random_item(rng, form, 5.0) for form in FORMS), poisson_item(demand_mean=np.zeros(3)))
    found = exact(items)
    model = solved_model(items)
    np.testing.assert_allclose([pyo.value(model.item_cost[i]) for i in model.ITEMS], found.cost, rtol=1e-9, atol=1e-9)
    assert pyo.value(model.total_cost) == pytest.approx(found.cost.sum(), rel=1e-9)


@pytest.mark.parametrize("params", PARAMS[:4], ids=str)
@pytest.mark.parametrize("form", FORMS)
def test_no_demand_orders_nothing(params, form):
    items = frame(
        poisson_item(
            demand_distribution=form,
            demand_mean=np.zeros(28),
            demand_variance=np.zeros(28),
            demand_pmf=[np.ones(1)] * 28,
            lead_time_confidence=1.0,
            service_level=0.9,
        )
    )
    found = exact(items, **params)
    model = solved_model(items, **params)
    assert found.cost.tolist() == [0] and pyo.value(model.total_cost) == 0
    for name in POLICY.decisions:
        assert found.decisions[name].tolist() == [0] and pyo.value(getattr(model, name)[0]) == 0
    state = pd.DataFrame({"inventory_position": [-5.0], "days_since_order": [np.nan]})
    assert POLICY.order(found.decisions, state).tolist() == [0]


def test_extremes_have_sensible_answers():
    slow = exact(frame(poisson_item(demand_mean=np.array([0.01]), fixed_order_cost=0.0)))
    assert slow.decisions["ORDER_UP_TO_LEVEL"][0] == 0 and slow.decisions["REVIEW_PERIOD"][0] == 1
    fast = exact(frame(poisson_item(demand_mean=np.array([12_000.0]))))
    assert fast.decisions["REVIEW_PERIOD"][0] == 1 and 24_000 < fast.decisions["ORDER_UP_TO_LEVEL"][0] < 24_600
    constant = exact(frame(poisson_item(demand_distribution="normal", demand_variance=np.zeros(2), lead_time=0.0)))
    # constant demand of 2 a day: the bound of the docstring is the cost; R = 3 holds 4, 2, 0 units
    assert constant.decisions["REVIEW_PERIOD"][0] == 3 and constant.cost[0] == pytest.approx((8 + 4 + 2) / 3)
    free = exact(frame(poisson_item(backorder_cost=0.0)))
    assert free.decisions["ORDER_UP_TO_LEVEL"][0] == 0 and free.decisions["REVIEW_PERIOD"][0] == 28


def test_shipping_interval_and_longest_review_period_bound_the_review_period():
    rows = [poisson_item(shipping_interval=interval) for interval in (None, 0.0, 5.2, 40.0)]
    assert exact(frame(*rows)).decisions["REVIEW_PERIOD"].tolist() == [3, 3, 6, 40]
    assert exact(frame(*rows), longest_review_period=2).decisions["REVIEW_PERIOD"].tolist() == [2, 2, 6, 40]


@pytest.mark.parametrize("service", ["cycle", "fill_rate"])
def test_more_service_costs_more_and_none_asked_for_costs_nothing(service):
    levels = [None, 0.0, 0.5, 0.9, 0.99, 0.9999]
    found = exact(frame(*(poisson_item(service_level=level) for level in levels)), service=service)
    assert (np.diff(found.cost) >= -1e-12).all() and found.cost[-1] > 1.2 * found.cost[0]
    assert found.cost[0] == exact(frame(poisson_item())).cost[0]


def test_money_times_ten_gives_ten_times_the_cost():
    rng = np.random.default_rng(5)
    items = frame(*(random_item(rng, form) for form in FORMS for _ in range(10)))
    tens = items.assign(**{name: items[name] * 10 for name in ("fixed_order_cost", "holding_cost", "backorder_cost")})
    for params in PARAMS:
        np.testing.assert_allclose(exact(tens, **params).cost, 10 * exact(items, **params).cost, rtol=1e-9, atol=1e-9)


BAD = {
    "negative cost": ({"fixed_order_cost": -1.0}, "fixed_order_cost is -1.0"),
    "cost NaN": ({"backorder_cost": np.nan}, "backorder_cost is nan"),
    "free holding": ({"holding_cost": 0.0}, "holding_cost is 0.0, must be above 0"),
    "certain service": ({"service_level": 1.0}, "service_level is 1.0"),
    "negative interval": ({"shipping_interval": -1.0}, "shipping_interval is -1.0"),
    "endless interval": ({"shipping_interval": np.inf}, "shipping_interval is inf"),
    "unknown distribution": ({"demand_distribution": "gamma"}, "'gamma', must be one of"),
    "no pmf": ({"demand_distribution": "pmf"}, "demand_pmf must hold"),
    "no variance": ({"demand_distribution": "normal"}, "demand_variance of a normal demand"),
    "no mean": ({"demand_mean": None}, "demand_mean must be a series"),
    "lead time NaN": ({"lead_time": np.nan}, "lead_time and lead_time_confidence must be"),
    "too much": ({"demand_mean": np.array([2e7])}, "count in larger units"),
    "too wide a pmf": (
        {"demand_distribution": "pmf", "demand_pmf": [np.full(10_000, 1e-4)], "demand_mean": np.array([4999.5])},
        "give such a demand as normal",
    ),
}


def test_bad_items_get_a_message_and_leave_the_others_alone():
    mixed = [row for changes, _ in BAD.values() for row in (poisson_item(), poisson_item(**changes))]
    found = exact(frame(*mixed), service="cycle")
    for k, (name, (_, text)) in enumerate(BAD.items()):
        assert text in (found.message[2 * k + 1] or ""), (name, found.message[2 * k + 1])
        assert np.isnan(found.cost[2 * k + 1]) and all(
            np.isnan(values[2 * k + 1]) for values in found.decisions.values()
        ), name
    assert len(set(found.cost[::2])) == 1 and all(said is None for said in found.message[::2])


@pytest.mark.parametrize("bad", BAD)
def test_the_model_of_a_bad_item_says_what_is_wrong(bad):
    changes, text = BAD[bad]
    with pytest.raises(ParameterError) as refused:
        build_model(frame(poisson_item(**changes)), RSParams(service="cycle"))
    assert text in str(refused.value)


def test_an_empty_bucket_has_an_empty_solution():
    found = exact(frame())
    assert found.cost.shape == (0,) and found.message is None and set(found.decisions) == set(POLICY.decisions)


def test_order_waits_for_the_review_and_is_never_negative():
    decisions = {
        "REVIEW_PERIOD": np.array([3.0, 3, 3, 3, np.nan, 3]),
        "ORDER_UP_TO_LEVEL": np.array([10.0, 10, 10, 10, np.nan, 10]),
    }
    state = pd.DataFrame(
        {"inventory_position": [4.0, 4, 4, 12, 4, np.nan], "days_since_order": [2, 3, np.nan, 3, 3, 3]}
    )
    wanted = POLICY.order(decisions, state)
    assert wanted[:4].tolist() == [0, 6, 6, 0] and np.isnan(wanted[4:]).all()


def test_the_average_cost_of_ordering_by_the_rule_is_the_cost():
    rng = np.random.default_rng(6)
    found = exact(frame(poisson_item()))
    R, S = int(found.decisions["REVIEW_PERIOD"][0]), found.decisions["ORDER_UP_TO_LEVEL"][0]
    n_paths, n_days, lead_time = 4000, 200 * R, 1
    position = np.full(n_paths, S)
    stock, pipeline, total = position.copy(), np.zeros((lead_time + 1, n_paths)), 0.0
    for day in range(n_days):
        ordered = POLICY.order(
            {"REVIEW_PERIOD": np.full(n_paths, R), "ORDER_UP_TO_LEVEL": np.full(n_paths, S)},
            pd.DataFrame({"inventory_position": position, "days_since_order": np.full(n_paths, day % R or R)}),
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


def test_a_cost_that_it_does_not_have_is_refused():
    with pytest.raises(ValueError, match="daily_review"):
        RSParams(cost="sigmoid")
