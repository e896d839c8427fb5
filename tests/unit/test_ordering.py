"""A line is what the supplier accepts, and every item says why it has its quantity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invopt import ordering

NONE = np.nan


def decide_line(
    wanted,
    least=NONE,
    most=NONE,
    multiple=NONE,
    is_blocked=False,
    blocked_because=None,
    position=3.0,
    solution_remark=None,
):
    state = pd.DataFrame(
        {
            "inventory_position": [position],
            "on_hand": [position + 1],
            "expiring": [1.0],
            "on_order": [0.0],
            "on_order_late": [0.0],
            "min_order_quantity": [least],
            "max_order_quantity": [most],
            "quantity_multiple": [multiple],
            "is_blocked": [is_blocked],
            "blocked_because": [blocked_because],
            "solution_remark": [solution_remark],
        }
    )
    return ordering.decide_lines(np.array([wanted], float), {"REORDER_POINT": np.array([6.0])}, state).iloc[0]


@pytest.mark.parametrize(
    ("given", "quantity", "says"),
    [
        ({"wanted": 7}, 7, "position 3 = 4 on hand - 1 expiring + 0 on order; reorder point 6: 7 wanted"),
        ({"wanted": 0}, 0, "nothing wanted: position 3"),
        ({"wanted": 0, "least": 10}, 0, "nothing wanted"),
        ({"wanted": 7, "least": 10}, 10, "raised to the minimum 10"),
        ({"wanted": 7, "multiple": 4}, 8, "rounded up to a multiple of 4"),
        ({"wanted": 7, "least": 10, "multiple": 4}, 12, "raised to the minimum 10, rounded up to a multiple of 4"),
        ({"wanted": 7, "most": 5}, 5, "cut to the maximum 5"),
        ({"wanted": 7, "most": 7, "multiple": 4}, 4, "rounded up to a multiple of 4, cut to the maximum 7"),
        ({"wanted": 8, "multiple": 4}, 8, ": 8 wanted"),
        (
            {"wanted": 7, "least": 10, "solution_remark": "on overtime"},
            10,
            "raised to the minimum 10: 10 ordered; on overtime",
        ),
        ({"wanted": 0, "solution_remark": "on overtime"}, 0, "reorder point 6; on overtime"),
        ({"wanted": 0.3, "multiple": 0.1}, 1, ": 0.3 wanted"),
        (
            {"wanted": 7, "least": 5, "most": 7, "multiple": 4},
            0,
            "no multiple of 4 lies between the minimum 5 and the maximum 7",
        ),
        ({"wanted": 7, "least": 10, "most": 5}, 0, "can't be ordered"),
        ({"wanted": 7, "most": 0}, 0, "can't be ordered"),
        (
            {"wanted": 7, "is_blocked": True, "blocked_because": "the count is old"},
            0,
            "held: the count is old; position 3",
        ),
        ({"wanted": NONE, "is_blocked": True, "blocked_because": "no solution: x"}, 0, "held: no solution: x"),
    ],
)
def test_rules_of_a_line(given, quantity, says):
    row = decide_line(**given)
    assert row["quantity"] == quantity and says in row["reason"], row["reason"]


def test_a_quantity_that_is_a_multiple_but_for_rounding_stays():
    assert decide_line(0.1 * 3 * 10, multiple=3)["quantity"] == 3


limits = st.one_of(st.just(NONE), st.integers(0, 60).map(float))


@settings(max_examples=300, deadline=None)
@given(wanted=st.integers(0, 80).map(float), least=limits, most=limits, multiple=limits, is_blocked=st.booleans())
def test_what_is_ordered_keeps_every_limit_and_is_the_nearest_that_does(wanted, least, most, multiple, is_blocked):
    row = decide_line(wanted, least, most, multiple, is_blocked, "because")
    step = 1.0 if np.isnan(multiple) or multiple < 1 else multiple
    low, high = (0.0 if np.isnan(least) else least), (np.inf if np.isnan(most) else most)
    allowed = [n * step for n in range(1, 300) if low <= n * step <= high]
    if wanted == 0 or is_blocked or not allowed:
        assert row["quantity"] == 0
        return
    # enough, when it can be; no more than needed, when it is
    enough = [quantity for quantity in allowed if quantity >= wanted]
    assert row["quantity"] == (min(enough) if enough else max(allowed)), row["reason"]
    assert str(f"{wanted:g} wanted") in row["reason"]


def test_late_orders_and_what_no_decision_covers_are_told():
    state = pd.DataFrame(
        {
            "inventory_position": [7.0, 7.0],
            "on_hand": [2.0, 2.0],
            "expiring": 0.0,
            "on_order": [5.0, 5.0],
            "on_order_late": [4.0, 0.0],
            "min_order_quantity": NONE,
            "max_order_quantity": NONE,
            "quantity_multiple": NONE,
            "is_blocked": False,
            "blocked_because": None,
            "solution_remark": None,
        }
    )
    found = ordering.decide_lines(np.array([1.0, np.nan]), {"ORDER_UP_TO_LEVEL": np.array([8.0, np.nan])}, state)
    assert "+ 5 on order (4 late); order up to level 8: 1 wanted" in found["reason"][0]
    assert found["reason"][1].startswith("held: the decisions say nothing for this day") and found[
        "quantity"
    ].tolist() == [1.0, 0.0]
