"""The sentence of a review, written from its columns alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from invopt.ordering import REVIEW_TYPES, OrderRule, bucket_decider
from invopt.ordering.receipt import sentences
from tests.unit.ordered_items import items

BASIS = "position 3 = 3 on hand - 0 expiring + 0 on order; reorder point 6, order quantity 7"


def reviewed(**changes) -> pd.DataFrame:
    return bucket_decider({"s_q": OrderRule("s_q", None, 0)})(items(**changes))


def sentence(**changes) -> str:
    return reviewed(**changes)["reason"][0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, f"{BASIS}: 7 wanted"),
        ({"message": "on overtime"}, f"{BASIS}: 7 wanted; on overtime"),
        (
            {"min_order_quantity": 10, "quantity_multiple": 4, "message": "on overtime"},
            f"{BASIS}: 7 wanted, raised to the minimum 10, rounded up to a multiple of 4: 12 ordered; on overtime",
        ),
        (
            {"max_order_quantity": 7, "quantity_multiple": 4},
            f"{BASIS}: 7 wanted, rounded up to a multiple of 4, "
            "cut to the largest multiple up to the maximum 7: 4 ordered",
        ),
        (
            {"min_order_quantity": 5, "max_order_quantity": 7, "quantity_multiple": 4},
            f"can't be ordered: no multiple of 4 lies between the minimum 5 and the maximum 7; {BASIS}: 7 wanted",
        ),
        (
            {"min_order_quantity": 10, "max_order_quantity": 5},
            f"can't be ordered: the minimum 10 is more than the maximum 5; {BASIS}: 7 wanted",
        ),
        (
            {"max_order_quantity": 3, "quantity_multiple": 4},
            f"can't be ordered: the maximum 3 is less than one multiple of 4; {BASIS}: 7 wanted",
        ),
        ({"max_order_quantity": 0}, f"can't be ordered: the maximum is 0; {BASIS}: 7 wanted"),
        ({"is_stale": True, "problem": "old"}, f"held: old; {BASIS}: 7 would be wanted"),
        (
            {"status": "no_solution", "message": "infeasible"},
            "held: no solution: infeasible; position 3 = 3 on hand - 0 expiring + 0 on order",
        ),
    ],
)
def test_a_sentence_tells_why_this_quantity(changes, says):
    assert sentence(**changes) == says


def test_numbers_are_told_as_people_read_them():
    text = sentence(inventory_position=-2345678.0, on_hand=0.1 + 0.2, on_order=5.0, on_order_late=4.0)
    assert text.startswith("position -2345678 = 0.3 on hand - 0 expiring + 5 on order (4 late); ")
    assert ": 2345686 wanted" in text
    text = sentence(inventory_position=np.nan, on_hand=np.nan)
    assert text.startswith("held: the inventory position is not known; position unknown = unknown on hand - 0 expiring")


def test_a_step_that_a_later_pass_adds_is_told():
    review = reviewed()[:1].assign(
        ledger=[[("policy", 7.0, None, None), ("order_day", -3.0, None, None), ("budget", -2.0, 40.0, 1.5)]],
        quantity=2.0,
    )
    assert next(sentences(review)).endswith(": 7 wanted, order day -3, budget 40 -2: 2 ordered")


def test_nothing_but_the_columns_is_read():
    reviews = reviewed(min_order_quantity=[10, 10, np.nan, 3], max_order_quantity=[np.nan, 5, np.nan, 3])
    columns = [name for name in REVIEW_TYPES if name != "reason"]
    assert list(sentences(reviews[columns])) == reviews["reason"].tolist()
