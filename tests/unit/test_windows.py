"""The window model finds the best window of any levels, of several items at once, and of tens of thousands of levels
in a few steps.
"""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest

from invopt.models.window import NO_DEMAND, Levels, window_model
from invopt.policies.s_q import POLICY
from invopt.solving import highs
from invopt.solving.outcome import Status
from tests.items import answer, frame, model
from tests.items.s_q import poisson_item


def best_window(levels: Levels, all_hold_m: bool) -> tuple[float, int, int]:
    """Cost, s and Q of the cheapest window, all of them tried."""
    m = len(levels.start_cost) - 1
    return min(
        (
            (start_cost + levels.cost[start : end + 1].sum()) / (end - start + 1),
            levels.first - 1 + start,
            end - start + 1,
        )
        for start, start_cost in enumerate(levels.start_cost)
        for end in range(m if all_hold_m else start, len(levels.cost))
    )


@pytest.mark.parametrize("all_hold_m", [True, False])
def test_no_window_is_cheaper_when_all_are_tried(all_hold_m):
    rng = np.random.default_rng(1)
    for _ in range(40):
        items = []
        for _ in range(3):
            n = int(rng.integers(1, 12))
            n_starts = int(rng.integers(1, n + 1))
            items.append(Levels(int(rng.integers(1, 9)), rng.uniform(0.1, 20, n_starts), rng.uniform(-1, 5, n)))
        windows = window_model([*items, NO_DEMAND], all_hold_m=all_hold_m)
        assert highs.solve(windows, 60.0, POLICY.solver_options["highs"]).status is Status.OPTIMAL
        for i, item in enumerate(items):
            cost, s, quantity = best_window(item, all_hold_m)
            assert pyo.value(windows.item_cost[i]) == pytest.approx(cost, abs=1e-9)
            assert pyo.value(windows.REORDER_POINT[i]) == pytest.approx(s, abs=1e-6)
            assert pyo.value(windows.ORDER_QUANTITY[i]) == pytest.approx(quantity, abs=1e-6)
        assert [pyo.value(windows.component(name)[3]) for name in ("item_cost", *POLICY.decision_names)] == [0, 0, 0]


def test_a_window_of_tens_of_thousands_of_levels_is_found_in_a_few_steps():
    """HiGHS moves bounds of 0 a little to keep from going round in circles; beside probabilities of 1e-5 that is
    much and took minutes.
    """
    item = frame(
        POLICY,
        poisson_item(
            fixed_order_cost=1e6, holding_cost=0.02, backorder_cost=1.0, demand_mean=np.array([50.0]), lead_time=3.0
        ),
    )
    built = model(POLICY, item)
    assert len(built.LEVELS) > 70_000
    found = highs.solve(built, 60.0, {**POLICY.solver_options["highs"], "simplex_iteration_limit": 100})
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(answer(POLICY, item).cost[0], rel=1e-9)
