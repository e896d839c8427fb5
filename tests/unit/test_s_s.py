"""The (s, S) policy: all policies tried on their stationary chains, stockpyl, extremes, and demand in steps.

`test_policy_suite.py` and `test_policy_edges.py` have what holds for every policy.
"""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from scipy import stats

from invopt.policies.s_s import POLICY
from invopt.theory.demand.codes import PMF
from invopt.theory.demand.daily import in_steps, normal_day, normal_day_pmf, poisson_day, poisson_day_pmf
from invopt.theory.s_s.cost import order_up_to_cost
from invopt.theory.s_s.search import best_order_up_to_levels
from tests.items import Solved, answer, example_item, frame, items_of
from tests.items.s_s import FORMS, random_item


def poisson_item(**changes) -> dict:
    """The published example's item, with changes: K = 5, h = 1, p = 4, L = 0, 6 units a day."""
    return example_item(POLICY, **changes)


def solved(*items: dict) -> Solved:
    return answer(POLICY, frame(POLICY, *items))


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
        found = solved(item)
        day, G = day_and_level_costs(item, 70)
        s, S = (int(found.decisions[name][0]) for name in POLICY.decision_names)
        assert stationary_cost(s, S, day, G, item["fixed_order_cost"]) == pytest.approx(found.cost[0], rel=1e-9)
        others = [(s + 2, S + 3), (0, 1), (s, s + 1)]
        for other in others:
            given = dict(zip(POLICY.decision_names, np.array([other], dtype=float).T, strict=True))
            assert POLICY.cost(items_of(POLICY, frame(POLICY, item)), given, POLICY.params())[0] == pytest.approx(
                stationary_cost(*other, day, G, item["fixed_order_cost"]), rel=1e-9
            )
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
        found = solved(poisson_item(fixed_order_cost=K, backorder_cost=p, demand_mean=np.array([mean])))
        if theirs[0] >= 0:  # theirs may wait for backorders before it orders
            assert found.cost[0] == pytest.approx(theirs[2], rel=1e-9)
            assert [found.decisions[name][0] for name in POLICY.decision_names] == list(theirs[:2])


def test_without_an_order_cost_it_is_a_base_stock_level():
    found = solved(poisson_item(fixed_order_cost=0.0, demand_mean=np.array([6.0])))
    # the newsvendor of the same numbers: Snyder & Shen (2019), Example 4.7
    assert found.decisions["ORDER_UP_TO_LEVEL"][0] == 8 and found.decisions["REORDER_POINT"][0] == 7
    assert found.cost[0] == pytest.approx(3.5701069457709376, rel=1e-9)


def test_extremes_have_sensible_answers():
    slow = solved(poisson_item(demand_mean=np.array([0.01])))
    assert slow.decisions["REORDER_POINT"][0] == 0 and slow.decisions["ORDER_UP_TO_LEVEL"][0] == 1
    certain = {"demand_distribution": "normal", "demand_mean": np.array([5.0]), "demand_variance": np.zeros(1)}
    constant = solved(poisson_item(**certain, fixed_order_cost=30.0, backorder_cost=1000.0))
    # 5 a day, none short: of n days' orders the cost is 30/n + 5 (n - 1)/2, least for n = 3 or 4
    assert constant.cost[0] == pytest.approx(15.0)
    free = solved(poisson_item(backorder_cost=0.0))
    assert free.decisions["REORDER_POINT"][0] == 0 and free.cost[0] > 0


def test_demand_that_would_take_too_long_in_whole_units_is_counted_in_steps_which_is_said():
    fast = solved(
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
    assert fast.is_solved.all()
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
    day = normal_day_pmf(mean, variance)
    x = np.arange(len(day))
    assert day.sum() == pytest.approx(1) and day.min() >= 0 and day @ x == pytest.approx(mean, rel=1e-11)
    if mean > 5 * np.sqrt(variance) > 0:
        assert day @ (x - mean) ** 2 == pytest.approx(variance + 1 / 6, rel=1e-3)
    low, compiled = normal_day(mean, variance, 1.0)
    np.testing.assert_allclose(compiled, day[low : low + len(compiled)], rtol=1e-9, atol=1e-14)


def test_a_poisson_given_by_its_probabilities_is_the_poisson():
    given = solved(poisson_item(demand_distribution="pmf", lead_time=3.0, demand_pmf=[poisson_day_pmf(6.0)]))
    assert given.cost[0] == pytest.approx(solved(poisson_item(lead_time=3.0)).cost[0], rel=1e-10)
