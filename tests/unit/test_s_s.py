"""The (s, S) policy: published optimum, brute force over stationary chains, stockpyl, model against algorithm,
extremes, order rule.
"""

from __future__ import annotations

import importlib.util

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
from scipy import stats

from invopt.errors import ParameterError
from invopt.policies.s_s import POLICY, SSParams, build_model
from invopt.solving import highs
from invopt.solving.outcome import Status
from invopt.theory.demand.codes import PMF
from invopt.theory.demand.daily import in_steps, normal_day_pmf, poisson_day, poisson_day_pmf
from invopt.theory.s_s.cost import order_up_to_cost
from invopt.theory.s_s.search import best_order_up_to_levels
from tests.items.s_s import FORMS, random_item


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
        "fixed_order_cost": 5.0,
        "holding_cost": 1.0,
        "backorder_cost": 4.0,
        "lead_time": 0.0,
        "lead_time_confidence": 0.0,
        "demand_distribution": "poisson",
        "demand_mean": np.array([5.0, 7.0]),
        "demand_variance": None,
        "demand_pmf": None,
    }
    return {**item, **changes}


def exact(items: pd.DataFrame):
    return POLICY.solve_exact(items, np.arange(len(items) + 1), SSParams())


def solve(model: pyo.ConcreteModel) -> pyo.ConcreteModel:
    assert highs.solve(model, 60.0, {}).status is Status.OPTIMAL
    return model


def solved_model(items: pd.DataFrame) -> pyo.ConcreteModel:
    return solve(build_model(items, SSParams()))


def day_and_level_costs(item: dict, largest: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a day's demand and G(0), ..., G(largest) by plain sums."""
    L, c = item["lead_time"], item["lead_time_confidence"]
    taus = np.arange(np.ceil(max(L - c, 0)), np.floor(L + c) + 1) + 1 if c else np.array([L + 1])
    a = item["demand_mean"].mean()
    if item["demand_distribution"] == "pmf":
        day = np.zeros(max(map(len, item["demand_pmf"])))
        for pmf in item["demand_pmf"]:
            day[: len(pmf)] += np.asarray(pmf) / len(item["demand_pmf"])
    elif item["demand_distribution"] == "normal":
        day = normal_day_pmf(a, item["demand_variance"].mean())
    else:
        day = stats.poisson.pmf(np.arange(int(a + 12 * np.sqrt(a)) + 30), a)
    y = np.arange(largest + 1)[:, None]
    cost = 0
    for tau in taus:
        if item["demand_distribution"] in ("poisson", "deterministic"):
            total = stats.poisson.pmf(np.arange(int(a * tau + 12 * np.sqrt(a * tau)) + 30), a * tau)
        else:
            total = np.ones(1)
            for _ in range(int(np.ceil(tau))):
                total = np.convolve(total, day)
        gap = y - np.arange(len(total))[None, :]
        cost = cost + (np.where(gap > 0, item["holding_cost"] * gap, -item["backorder_cost"] * gap) * total).sum(
            axis=1
        ) / len(taus)
    return day, cost


def stationary_cost(s: int, S: int, day: np.ndarray, G: np.ndarray, K: float) -> float:
    """Average cost of the Markov chain of the position after ordering, s+1..S, from its stationary distribution."""
    n = S - s
    P = np.zeros((n, n))
    for i in range(n):
        for d, probability in enumerate(day):
            P[i, i - d if i - d >= 0 else n - 1] += probability
    A = np.vstack([P.T - np.eye(n), np.ones(n)])
    x = np.linalg.lstsq(A, np.concatenate([np.zeros(n), [1.0]]), rcond=None)[0]
    orders = sum(x[i] * day[i + 1 :].sum() for i in range(n))
    return float(x @ G[s + 1 : S + 1] + K * orders)


@pytest.mark.parametrize("example", POLICY.examples, ids=lambda example: example.name)
def test_published_optima_are_reached_by_model_and_by_algorithm(example):
    items = frame(*example.items)
    found = exact(items)
    model = solved_model(items)
    assert found.cost[0] == pytest.approx(example.cost, rel=1e-9)
    assert pyo.value(model.total_cost) == pytest.approx(example.cost, rel=1e-9)
    for name, values in example.decisions.items():
        assert found.decisions[name].tolist() == list(values)
        assert pyo.value(getattr(model, name)[0]) == pytest.approx(values[0], abs=1e-6)


def test_the_renewal_cost_is_that_of_the_stationary_chain():
    day, G = day_and_level_costs(poisson_item(lead_time=2.0, demand_mean=np.array([1.3])), 30)
    for s, S in ((0, 1), (2, 9), (5, 25)):
        assert order_up_to_cost(s, S, day, G[s + 1 : S + 1], 7.0) == pytest.approx(
            stationary_cost(s, S, day, G, 7.0), rel=1e-10
        )


@pytest.mark.parametrize("form", FORMS)
def test_no_policy_is_cheaper(form):
    rng = np.random.default_rng(1)
    for _ in range(6):
        item = random_item(rng, form, 1.5)
        item["fixed_order_cost"] = min(item["fixed_order_cost"], 30.0 * item["holding_cost"])
        item["lead_time"] = min(item["lead_time"], 2.0)
        found = exact(frame(item))
        day, G = day_and_level_costs(item, 70)
        s, S = (int(found.decisions[name][0]) for name in POLICY.decisions)
        assert stationary_cost(s, S, day, G, item["fixed_order_cost"]) == pytest.approx(found.cost[0], rel=1e-9)
        best = min(
            order_up_to_cost(s, S, day, G[s + 1 : S + 1], item["fixed_order_cost"])
            for s in range(0, 25)
            for S in range(s + 1, 71)
        )
        assert found.cost[0] == pytest.approx(best, rel=1e-9)


@pytest.mark.skipif(importlib.util.find_spec("stockpyl") is None, reason="stockpyl is not installed")
def test_stockpyl_finds_the_same():
    from stockpyl.ss import s_s_discrete_exact

    rng = np.random.default_rng(2)
    for _ in range(12):
        mean = rng.uniform(1, 15)
        h, p, K = 1.0, rng.uniform(2, 20), rng.uniform(1, 60)
        theirs = s_s_discrete_exact(h, p, K, True, mean)
        found = exact(frame(poisson_item(fixed_order_cost=K, backorder_cost=p, demand_mean=np.array([mean]))))
        if theirs[0] >= 0:  # theirs may wait for backorders before it orders
            assert found.cost[0] == pytest.approx(theirs[2], rel=1e-9)
            assert [found.decisions[name][0] for name in POLICY.decisions] == list(theirs[:2])


def largest_difference(rng: np.random.Generator, n_of_each: int, largest_mean: float) -> float:
    """Between model and algorithm over every form of demand; models of over 700 levels and steps are left out."""
    largest = 0.0
    for form in FORMS:
        items = frame(*(random_item(rng, form, largest_mean) for _ in range(3 * n_of_each)))
        found = exact(items)
        n_compared = 0
        for i in range(len(items)):
            if n_compared == n_of_each:
                break
            if found.message is not None and found.message[i] is not None:
                assert "counted in steps" in found.message[i]
                continue
            try:
                model = build_model(items.iloc[[i]], SSParams())
            except ParameterError as error:
                assert "method: exact" in str(error)
                continue
            if len(model.LEVELS) > 700:
                continue
            solve(model)
            n_compared += 1
            # a price that is wrong by less than 1e-7 of money counts as right in HiGHS, which shows where a day costs
            # next to nothing
            gap = max(abs(pyo.value(model.total_cost) - found.cost[i]) - 1e-8, 0) / max(found.cost[i], 1e-12)
            assert gap < 1e-9, (dict(items.iloc[i]), pyo.value(model.total_cost), found.cost[i])
            largest = max(largest, gap)
            for name in POLICY.decisions:
                value = pyo.value(getattr(model, name)[0])
                assert value == pytest.approx(round(value), rel=1e-6, abs=1e-6)
        assert n_compared == n_of_each
    return largest


def test_model_and_algorithm_find_the_same_cost():
    assert largest_difference(np.random.default_rng(3), 8, 10.0) < 1e-9


@pytest.mark.slow
def test_model_and_algorithm_find_the_same_cost_of_a_thousand_items():
    largest = largest_difference(np.random.default_rng(4), 250, 12_000.0)
    print(f"largest relative difference of 1,000 items: {largest:.2e}")
    assert largest < 1e-9


def test_a_model_of_several_items_holds_the_share_of_each():
    rng = np.random.default_rng(5)
    items = frame(*(random_item(rng, form, 3.0) for form in FORMS), poisson_item(demand_mean=np.zeros(3)))
    found = exact(items)
    model = solved_model(items)
    np.testing.assert_allclose([pyo.value(model.item_cost[i]) for i in model.ITEMS], found.cost, rtol=1e-9, atol=1e-9)
    assert pyo.value(model.total_cost) == pytest.approx(found.cost.sum(), rel=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_no_demand_orders_nothing(form):
    items = frame(
        poisson_item(
            demand_distribution=form,
            demand_mean=np.zeros(28),
            demand_variance=np.zeros(28),
            demand_pmf=[np.ones(1)] * 28,
            lead_time_confidence=1.0,
        )
    )
    found = exact(items)
    model = solved_model(items)
    assert found.cost.tolist() == [0] and pyo.value(model.total_cost) == 0
    for name in POLICY.decisions:
        assert found.decisions[name].tolist() == [0] and pyo.value(getattr(model, name)[0]) == 0
    assert POLICY.order(found.decisions, pd.DataFrame({"inventory_position": [-5.0]})).tolist() == [0]


def test_without_an_order_cost_it_is_a_base_stock_level():
    found = exact(frame(poisson_item(fixed_order_cost=0.0, demand_mean=np.array([6.0]))))
    # the newsvendor of the same numbers: Snyder & Shen (2019), Example 4.7
    assert found.decisions["ORDER_UP_TO_LEVEL"][0] == 8 and found.decisions["REORDER_POINT"][0] == 7
    assert found.cost[0] == pytest.approx(3.5701069457709376, rel=1e-9)


def test_extremes_have_sensible_answers():
    slow = exact(frame(poisson_item(demand_mean=np.array([0.01]))))
    assert slow.decisions["REORDER_POINT"][0] == 0 and slow.decisions["ORDER_UP_TO_LEVEL"][0] == 1
    constant = exact(
        frame(
            poisson_item(
                demand_distribution="normal",
                demand_mean=np.array([5.0]),
                demand_variance=np.zeros(1),
                fixed_order_cost=30.0,
                backorder_cost=1000.0,
            )
        )
    )
    # 5 a day, none short: of n days' orders the cost is 30/n + 5 (n - 1)/2, least for n = 3 or 4
    assert constant.cost[0] == pytest.approx(15.0)
    free = exact(frame(poisson_item(backorder_cost=0.0)))
    assert free.decisions["REORDER_POINT"][0] == 0 and free.cost[0] > 0
    # demand that would take too long in whole units is counted in steps, which is said
    fast = exact(
        frame(
            *(
                poisson_item(
                    demand_mean=np.array([12_000.0]),
                    demand_variance=np.array([variance]),
                    demand_distribution=form,
                    fixed_order_cost=K,
                    lead_time=7.0,
                )
                for form, variance in (("poisson", 0.0), ("normal", 2e6), ("normal", 1e8))
                for K in (100.0, 1e6)
            )
        )
    )
    assert np.isfinite(fast.cost).all() and fast.message is not None
    said = [message for message in fast.message if message is not None]
    assert said and all("counted in steps" in message for message in said)


def test_larger_steps_cost_about_the_same():
    """Demand counted in steps of 5 units, as a demand of its own whose units cost five times as much."""
    costs = []
    for unit in (1, 5):
        low, day = in_steps(*poisson_day(400.0), unit)
        numbers = {
            "demand_mean": 400.0 / unit,
            "demand_variance": 0.0,
            "first_lead_time": 3.0,
            "n_lead_times": 1,
            "holding_cost": 1.0 * unit,
            "fixed_order_cost": 900.0,
            "backorder_cost": 9.0 * unit,
        }
        levels = best_order_up_to_levels(
            form=np.array([PMF]),
            **{name: np.array([number]) for name, number in numbers.items()},
            day_pmfs=[np.concatenate([np.zeros(low), day])],
        )
        assert levels.step[0] == 1
        costs.append(levels.cost[0])
    assert costs[1] == pytest.approx(costs[0], rel=5e-3) and costs[1] > costs[0]


@pytest.mark.parametrize("variance", [0.0, 0.3, 4.0, 500.0])
@pytest.mark.parametrize("mean", [0.01, 2.5, 80.0])
def test_a_normal_on_whole_units_keeps_its_mean(mean, variance):
    from invopt.theory.demand.daily import normal_day

    day = normal_day_pmf(mean, variance)
    x = np.arange(len(day))
    assert day.sum() == pytest.approx(1) and day.min() >= 0 and day @ x == pytest.approx(mean, rel=1e-11)
    if mean > 5 * np.sqrt(variance) > 0:
        assert day @ (x - mean) ** 2 == pytest.approx(variance + 1 / 6, rel=1e-3)
    low, compiled = normal_day(mean, variance, 1.0)
    np.testing.assert_allclose(compiled, day[low : low + len(compiled)], rtol=1e-9, atol=1e-14)


def test_a_poisson_given_by_its_probabilities_is_the_poisson():
    given = frame(poisson_item(demand_distribution="pmf", lead_time=3.0, demand_pmf=[poisson_day_pmf(6.0)]))
    assert exact(given).cost[0] == pytest.approx(exact(frame(poisson_item(lead_time=3.0))).cost[0], rel=1e-10)


def test_money_times_ten_gives_ten_times_the_cost():
    rng = np.random.default_rng(6)
    items = frame(*(random_item(rng, form) for form in FORMS for _ in range(10)))
    tens = items.assign(**{name: items[name] * 10 for name in ("fixed_order_cost", "holding_cost", "backorder_cost")})
    np.testing.assert_allclose(exact(tens).cost, 10 * exact(items).cost, rtol=1e-9)


BAD = {
    "negative cost": ({"fixed_order_cost": -1.0}, "fixed_order_cost is -1.0"),
    "cost NaN": ({"backorder_cost": np.nan}, "backorder_cost is nan"),
    "free holding": ({"holding_cost": 0.0}, "holding_cost is 0.0, must be above 0"),
    "unknown distribution": ({"demand_distribution": "gamma"}, "'gamma', must be one of"),
    "no pmf": ({"demand_distribution": "pmf"}, "demand_pmf must hold"),
    "no variance": ({"demand_distribution": "normal"}, "demand_variance of a normal demand"),
    "no mean": ({"demand_mean": None}, "demand_mean must be a series"),
    "lead time NaN": ({"lead_time": np.nan}, "lead_time and lead_time_confidence must be"),
    "too much": ({"demand_mean": np.array([1e9])}, "count in larger units"),
}


def test_bad_items_get_a_message_and_leave_the_others_alone():
    mixed = [row for changes, _ in BAD.values() for row in (poisson_item(), poisson_item(**changes))]
    found = exact(frame(*mixed))
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
        build_model(frame(poisson_item(**changes)), SSParams())
    assert text in str(refused.value)


def test_a_model_too_large_to_build_points_to_the_algorithm():
    with pytest.raises(ParameterError, match="method: exact"):
        build_model(frame(poisson_item(holding_cost=1e-12)), SSParams())


def test_an_empty_bucket_has_an_empty_solution():
    found = exact(frame())
    assert found.cost.shape == (0,) and found.message is None and set(found.decisions) == set(POLICY.decisions)


def test_order_without_decision_or_position_is_unknown():
    wanted = POLICY.order(
        {"REORDER_POINT": np.array([np.nan, 1.0]), "ORDER_UP_TO_LEVEL": np.array([np.nan, 3.0])},
        pd.DataFrame({"inventory_position": [0.0, np.nan]}),
    )
    assert np.isnan(wanted).all()
