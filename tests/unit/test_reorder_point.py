"""The compiled search against trying every (s, Q), its ties, and its extremes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from invopt.theory.demand.codes import FORMS, NORMAL, PMF, POISSON
from invopt.theory.demand.lead_time_demand import (
    LeadTimeDemand,
    lead_time_pmf,
    normal_lead_time_demand,
    poisson_lead_time_demand,
)
from invopt.theory.s_q.cost import COSTS, reorder_point_cost
from invopt.theory.s_q.search import best_reorder_points

FORM_OF = {"poisson": POISSON, "normal": NORMAL, "pmf": PMF}


def best(
    cost: str, form: str, a: float, v: float, day_pmf, first: float, number: int, h: float, K: float, p: float
) -> tuple[float, ...]:
    def one(value: float) -> np.ndarray:
        return np.array([value], dtype=float)

    pmf = lead_time_pmf(day_pmf, int(first), number) if form == "pmf" else np.zeros(0)
    found = best_reorder_points(
        is_guide=cost == "guide",
        form=np.array([FORMS[form]]),
        demand_mean=one(a),
        demand_variance=one(v),
        first_lead_time=one(first),
        n_lead_times=np.array([number]),
        holding_cost=one(h),
        fixed_order_cost=one(K),
        backorder_cost=one(p),
        lead_time_pmfs=(pmf, np.array([0, len(pmf)])),
    )
    return tuple(float(value[0]) for value in found)


def shortages_by_definition(
    form: str, a: float, v: float, day_pmf, lead_times: list[float], levels: np.ndarray
) -> tuple[np.ndarray, float]:
    """E(X - y)^+ and E X from scipy.stats and plain sums: nothing of invopt."""
    shorts, means = [], []
    for tau in lead_times:
        if form == "normal":
            std = np.sqrt(v * tau)
            z = (levels - a * tau) / std if std else np.zeros(len(levels))
            short = (
                std * stats.norm.pdf(z) + (a * tau - levels) * stats.norm.sf(z)
                if std
                else np.maximum(a * tau - levels, 0)
            )
            mean = a * tau
        else:
            if form == "pmf":
                pmf = np.ones(1)
                for _ in range(int(tau)):
                    pmf = np.convolve(pmf, day_pmf)
            else:
                pmf = stats.poisson.pmf(np.arange(int(a * tau + 40 * np.sqrt(a * tau) + 60)), a * tau)
            x = np.arange(len(pmf))
            short = (np.maximum(x[None, :] - levels[:, None], 0) * pmf).sum(axis=1)
            mean = x @ pmf
        shorts.append(short)
        means.append(mean)
    return np.mean(shorts, axis=0), float(np.mean(means))


def cheapest_by_trying_all(cost: str, a: float, h: float, K: float, p: float, short: np.ndarray, mean: float) -> float:
    """The least C(s, Q) over all s + Q <= the last level; fails if the best is near that edge."""
    last = len(short) - 1
    levels = np.arange(last + 1)
    best_cost, best_top = np.inf, 0
    if cost == "guide":
        G = h * (levels - 0.5 - mean)
        A = a * (K + p * short)
    else:
        G = h * (levels - mean + short) + p * short
        A = np.full(last + 1, a * K)
    total = np.cumsum(G)
    for s in range(last):
        Q = np.arange(1, last - s + 1)
        costs = (A[s] + total[s + 1 :] - total[s]) / Q
        k = costs.argmin()
        if costs[k] < best_cost:
            best_cost, best_top = costs[k], s + Q[k]
    assert best_top < 0.8 * last, "the range that was tried is too small to prove anything"
    return best_cost


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("form", ["poisson", "deterministic", "normal", "pmf"])
@pytest.mark.parametrize("number", [1, 3])
def test_no_policy_is_cheaper_when_all_are_tried(cost, form, number):
    rng = np.random.default_rng(len(cost) * 100 + len(form) * 10 + number)
    levels = np.arange(400)
    for trial in range(12):
        day_pmf = rng.dirichlet(np.full(rng.integers(2, 6), 0.6)) if form == "pmf" else np.zeros(0)
        a = (
            float(day_pmf @ np.arange(len(day_pmf)))
            if form == "pmf"
            else float(rng.choice([0.03, 0.4, 2.0, 6.0]) * rng.uniform(0.5, 1.5))
        )
        v = float(rng.choice([0, 0.2, 1, 5]) * a)
        first = float(rng.integers(0, 5)) if form == "pmf" or number > 1 else float(rng.choice([0, 0.5, 2, 3.7]))
        h, K, p = (
            rng.uniform(0.5, 3),
            rng.choice([0, 1, 20]) * rng.uniform(0.5, 1.5),
            rng.choice([0, 1, 30]) * rng.uniform(0.5, 1.5),
        )
        s, Q, found = best(cost, form, a, v, day_pmf, first, number, h, K, p)
        short, mean = shortages_by_definition(form, a, v, day_pmf, [first + j for j in range(number)], levels)
        expected = cheapest_by_trying_all(cost, a, h, K, p, short, mean)
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-10), (trial, s, Q)
        assert s >= 0 and Q >= 1 and s == int(s) and Q == int(Q)


def scipy_cost(cost: str, demand: LeadTimeDemand, s: float, Q: float, a: float, h: float, K: float, p: float) -> float:
    return reorder_point_cost(cost, int(s), int(Q), demand, a, h, K, p)


@settings(max_examples=150, deadline=None)
@given(
    cost=st.sampled_from(COSTS),
    form=st.sampled_from(["poisson", "normal"]),
    a=st.floats(-2, 3.5).map(lambda e: 10**e),
    first=st.floats(0, 30),
    number=st.integers(1, 6),
    h=st.floats(0.01, 10),
    K=st.floats(0, 300),
    p=st.floats(0, 500),
    ratio=st.floats(0, 30),
)
def test_no_neighbour_is_cheaper_and_the_cost_is_the_stated_one(cost, form, a, first, number, h, K, p, ratio):
    lead_times = first + np.arange(number)
    if form == "poisson":
        demand = poisson_lead_time_demand(a, lead_times)
    else:
        demand = normal_lead_time_demand(a, ratio * a, lead_times)
    s, Q, found = best(cost, form, a, ratio * a, None, first, number, h, K, p)
    scale = abs(found) + h * demand.mean + p * demand.std
    assert found == pytest.approx(scipy_cost(cost, demand, s, Q, a, h, K, p), rel=1e-10, abs=1e-11 * scale)
    for ds, dq in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1), (5, 0), (-5, 5)):
        if s + ds >= 0 and Q + dq >= 1:
            assert scipy_cost(cost, demand, s + ds, Q + dq, a, h, K, p) >= found - 1e-11 * scale


def test_the_guides_two_valleys_are_both_seen():
    """Below all demand its cost is concave in s: the best is at s = 0 for cheap backorders, near the mean plus
    safety for dear ones.
    """
    cheap = best("guide", "normal", 10, 1, None, 20, 1, 1, 5, 0.3)
    dear = best("guide", "normal", 10, 1, None, 20, 1, 1, 5, 30)
    assert cheap[0] == 0 and 195 < dear[0] < 220
    demand = normal_lead_time_demand(10, 1, [20])
    for found, p in ((cheap, 0.3), (dear, 30)):
        tried = [scipy_cost("guide", demand, s, Q, 10, 1, 5, p) for s in range(0, 230) for Q in range(1, 60)]
        assert found[2] <= min(tried) + 1e-9


@pytest.mark.parametrize("cost", ["daily_review", "time_weighted"])
def test_ties_go_to_the_smallest_quantity_then_the_smallest_point(cost):
    # X is 0 or 4, evenly: with h = p every level from 0 to 4 costs the same, and a free order leaves them all best
    pmf = np.array([0.5, 0, 0, 0, 0.5])
    assert best(cost, "pmf", 2, 0, pmf, 1, 1, 1, 0, 1) == (0, 1, 2)
    # h = 1, p = 3: G(y) = 6 - y up to y = 4 and y - 2 above it; with A = aK = 1 windows of 1, 2 and 3 levels all cost 3
    assert best(cost, "pmf", 2, 0, pmf, 1, 1, 1, 0.5, 3) == (3, 1, 3)
    # A = 4: the levels 3, 4, 5 cost (4 + 3 + 2 + 3) / 3 = 4, and so do four or five levels with the next ones, which
    # cost 4 each
    assert best(cost, "pmf", 2, 0, pmf, 1, 1, 1, 2, 3) == (2, 3, 4)


def test_ties_of_the_guides_quantity_go_to_the_smallest():
    # 2A/h = 2 = Q (Q + 1) at Q = 1: Q = 1 and Q = 2 both cost A + h/2 = A/2 + h = 1.5
    assert best("guide", "poisson", 1, 0, None, 0, 1, 1, 1, 1) == (0, 1, 1.5)


def test_an_order_that_costs_nothing_is_of_one_unit():
    for cost in COSTS[:2]:
        assert best(cost, "poisson", 3, 0, None, 2, 1, 1, 0, 9)[1] == 1


def test_backorders_that_cost_nothing_need_no_reorder_point():
    for cost in COSTS:
        assert best(cost, "poisson", 3, 0, None, 2, 1, 1, 10, 0)[0] == 0


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize(("a", "lead_time"), [(0.01, 0), (0.01, 30), (12_000, 0), (12_000, 30), (33_333, 30)])
def test_slow_and_fast_movers(cost, a, lead_time):
    for form, demand in (
        ("poisson", poisson_lead_time_demand(a, [lead_time])),
        ("normal", normal_lead_time_demand(a, a, [lead_time])),
    ):
        s, Q, found = best(cost, form, a, a, None, lead_time, 1, 0.05, 40, 2)
        assert found == pytest.approx(scipy_cost(cost, demand, s, Q, a, 0.05, 40, 2), rel=1e-9)
        for other in (s + 1, max(s - 1, 0)):
            assert scipy_cost(cost, demand, other, Q, a, 0.05, 40, 2) >= found * (1 - 1e-9)
        # demand of many units: s is the lead-time demand and some standard deviations, the exact costs start a part of
        # Q below it
        assert abs(s - a * lead_time) <= Q + 6 * np.sqrt(a * lead_time) + 6


def test_a_long_straight_run_is_the_same_as_level_by_level():
    """Q is thousands of times what demand varies by, so nearly all of the window is taken in straight runs."""
    s, Q, found = best("time_weighted", "poisson", 100, 0, None, 1, 1, 0.001, 10_000, 0.02)
    demand = poisson_lead_time_demand(100, [1])
    assert Q > 40_000
    assert found == pytest.approx(scipy_cost("time_weighted", demand, s, Q, 100, 0.001, 10_000, 0.02), rel=1e-12)
    for other_s, other_Q in ((s, Q + 1), (s, Q - 1), (s + 1, Q - 1), (max(s - 1, 0), Q + 1)):
        assert scipy_cost("time_weighted", demand, other_s, other_Q, 100, 0.001, 10_000, 0.02) >= found * (1 - 1e-13)


@pytest.mark.parametrize("cost", COSTS)
def test_a_quantity_without_end_is_no_number(cost):
    assert np.isnan(best(cost, "poisson", 1, 0, None, 1, 1, 1e-30, 100, 1)[2])
