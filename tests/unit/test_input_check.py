"""What the engine refuses before a policy sees it: NULL, no number, out of range, at any depth and in any wrapping."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from invopt.solving import input_check
from invopt.tables.columns import Column

GOOD = {"double": 1.0, "array<double>": np.array([1.0]), "array<array<double>>": [np.array([1.0])], "string": "x"}
HUGE = 10**400
SQUARE = np.ones((2, 2))


def told(type_: str, *values: object, **kinds: object) -> list[str | None]:
    """The problems of rows that hold these values, with a good one before and after."""
    column = Column("c", type_, "units", "", **kinds)
    cells = [GOOD[type_], *values, GOOD[type_]]
    keys = {"location_id": "1", "product_id": [str(i) for i in range(len(cells))], "source_id": "9"}
    frame = pd.DataFrame({**keys, "c": pd.Series(cells, dtype=object)})
    texts = input_check.problems(frame, [column])
    if texts is None:
        return [None] * len(values)
    assert texts[0] is None and texts[-1] is None
    return [None if text is None else text.partition("column c ")[2] for text in texts[1:-1]]


NO_NUMBER = [
    ("double", None, "is NULL, but a finite value is needed"),
    ("double", np.nan, "is nan, but a finite value is needed"),
    ("double", pd.NA, "is NULL, but a finite value is needed"),
    ("double", "abc", "is abc, but a finite value is needed"),
    ("double", HUGE, f"is {str(HUGE)[:60]}, but a finite value is needed"),
    ("double", [1.0], "is [1.0], must be double"),
    ("array<double>", None, "is NULL, but a finite value is needed"),
    ("array<double>", [], "is empty, but a finite value is needed"),
    ("array<double>", [1.0, None], "at [1] is NULL, but a finite value is needed"),
    ("array<double>", [1.0, pd.NA], "at [1] is NULL, but a finite value is needed"),
    ("array<double>", [1.0, "abc"], "at [1] is abc, but a finite value is needed"),
    ("array<double>", np.array([1.0, np.nan]), "at [1] is nan, but a finite value is needed"),
    ("array<double>", [HUGE], f"at [0] is {str(HUGE)[:60]}, but a finite value is needed"),
    ("array<double>", "abc", "is abc, but a finite value is needed"),
    ("array<double>", 5.0, "is 5.0, must be array<double>"),
    ("array<double>", [[1.0]], "is [[1.0]], must be array<double>"),
    ("array<double>", SQUARE, "is [[1. 1.] [1. 1.]], must be array<double>"),
    ("array<array<double>>", [], "is empty, but a finite value is needed"),
    ("array<array<double>>", [[1.0], None], "at [1] is NULL, but a finite value is needed"),
    ("array<array<double>>", [[1.0], []], "at [1] is empty, but a finite value is needed"),
    ("array<array<double>>", [[1.0], [2.0, None]], "at [1][1] is NULL, but a finite value is needed"),
    ("array<array<double>>", [[1.0], ["abc"]], "at [1][0] is abc, but a finite value is needed"),
    ("array<array<double>>", [1.0, 2.0], "is [1.0, 2.0], must be array<array<double>>"),
    ("array<array<double>>", 5.0, "is 5.0, must be array<array<double>>"),
    ("string", None, "is NULL, but a value is needed"),
]


@pytest.mark.parametrize(("type_", "value", "text"), NO_NUMBER)
def test_what_is_no_number_is_told(type_, value, text):
    assert told(type_, value, is_nullable=False) == [text]


def test_rows_that_can_t_be_read_leave_the_others_their_own_problems():
    """A value that stops numpy from reading the whole column at once changes no other row's finding."""
    values = [5.0, [1.0, -2.0], ["abc"], np.array([1.0, 2.0]), [[1.0]], None]
    assert told("array<double>", *values, is_nullable=False, minimum=0) == [
        "is 5.0, must be array<double>",
        "at [1] is -2.0, must be 0 or more units",
        "at [0] is abc, but a finite value is needed",
        None,
        "is [[1.0]], must be array<double>",
        "is NULL, but a finite value is needed",
    ]
    assert told("double", "abc", -2, 3, Decimal("-1.5"), is_nullable=False, minimum=0) == [
        "is abc, but a finite value is needed",
        "is -2, must be 0 or more units",
        None,
        "is -1.5, must be 0 or more units",
    ]


@pytest.mark.parametrize("value", [-3, -3.0, np.int64(-3), np.float32(-3), Decimal("-3"), "-3"])
@pytest.mark.parametrize("is_nullable", [True, False])
def test_a_range_holds_in_every_wrapping(value, is_nullable):
    text = f"is {value}, must be 0 or more units"
    assert told("double", value, is_nullable=is_nullable, minimum=0) == [text]
    assert told("array<double>", [1.0, value], is_nullable=is_nullable, minimum=0) == [f"at [1] {text}"]
    assert told("array<array<double>>", [[0], [1, value]], is_nullable=is_nullable, minimum=0) == [f"at [1][1] {text}"]


def test_the_ends_of_a_range_belong_to_it_unless_said():
    assert told("double", 0.0, 1.0, 1.0 + 1e-9, minimum=0, maximum=1)[:2] == [None, None]
    assert "0 or more and at most 1" in told("double", 1.0 + 1e-9, minimum=0, maximum=1)[0]
    assert told("double", 0.0, minimum=0, is_above_minimum=True) == ["is 0.0, must be above 0 units"]


def test_null_is_allowed_where_it_is_said_and_a_range_holds_where_there_is_a_number():
    for value in (None, np.nan, pd.NA):
        assert told("double", value, minimum=0) == [None] and told("array<double>", value, minimum=0) == [None]
    assert told("array<double>", [], minimum=0) == [None]
    assert told("double", np.inf, minimum=0) == ["is inf, but a finite value is needed"]
    assert told("double", "abc", minimum=0) == ["is abc, but a finite value is needed"]
    # without a range the policy's reader tells what is wrong
    assert told("double", np.inf) == [None]


def test_good_values_of_every_kind_pass():
    fine = (1, 2.5, np.int64(3), np.float32(1.5), Decimal("2.5"), True)
    assert told("double", *fine, is_nullable=False, minimum=0) == [None] * len(fine)
    assert told("array<double>", [1, 2.0], (3.0,), np.array([1]), list(fine), is_nullable=False) == [None] * 4
    assert told("array<array<double>>", SQUARE, [[1], [2, 3]], is_nullable=False, minimum=0) == [None] * 2


def test_all_problems_of_a_row_are_told_after_its_item():
    columns = [Column("a", "double", "", "", False), Column("b", "bigint", "days", "", False, minimum=1)]
    frame = pd.DataFrame(
        {"location_id": ["1", "1"], "product_id": ["p", "q"], "source_id": ["9", "9"], "a": [1, np.nan], "b": [1, 0]}
    )
    texts = input_check.problems(frame, columns)
    assert texts.tolist() == [
        None,
        "item 1/q/9: column a is nan, but a finite value is needed; column b is 0, must be 1 or more days",
    ]


def test_a_long_series_costs_one_pass():
    series = np.ones(1_000_000)
    series[-1] = -1.0
    assert told("array<double>", series, minimum=0) == ["at [999999] is -1.0, must be 0 or more units"]
