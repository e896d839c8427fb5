"""Lines that look like a slip: their words, and what is held; the numbers are found in Spark."""

from __future__ import annotations

import pandas as pd
import pytest

from invopt.ordering import OrderRule, bucket_decider, warning_text, with_warnings
from invopt.ordering.ledger import totals
from tests.unit.ordered_items import items

DAYS = ("days_of_demand", 70.0, 60.0)
SOLD = ("above_sold", 7.0, 5.0)
UNIT = ("unit_of_forecast", 12.0, 12.0)
BASIS = "position 3 = 3 on hand - 0 expiring + 0 on order; reorder point 6, order quantity 7"


def judged(warnings, *, is_held=False, is_least=False, **actions) -> pd.Series:
    """The first of the items, which orders 7."""
    reviews = bucket_decider({"s_q": OrderRule("s_q", None, 0)})(items(message="on overtime"))[:1]
    lines = reviews.assign(warnings=pd.Series([warnings]), is_held=is_held, is_least=is_least, days_of_sales=60.0)
    return with_warnings(lines, {"days_of_demand": "warn", **actions}).iloc[0]


def test_a_warning_stands_behind_all_else_that_is_worth_knowing():
    line = judged([DAYS, SOLD])
    days = "7 units are 70 days of the demand that is forecast, more than 60"
    text = f"{days}, 7 units are more than the 5 that it sells in 60 days"
    assert line["detail"] == f"on overtime; unusual: {text}"
    assert line["reason"] == f"{BASIS}: 7 wanted; on overtime; unusual: {text}"
    assert (line["quantity"], line["outcome"], line["because"]) == (7, "ordered", "policy")
    assert line["ledger"] == [("policy", 7.0, None, None)]


def test_the_least_that_can_be_ordered_says_so():
    assert judged([DAYS], is_least=True)["detail"].endswith(
        "more than 60, less can't be ordered under its minimum and multiple"
    )


def test_a_held_line_names_the_settings_that_hold_it_and_takes_everything_back():
    line = judged([DAYS, UNIT], is_held=True, unit_of_forecast="hold")
    assert line["detail"] == (
        "on overtime; 7 units are 70 days of the demand that is forecast, more than 60, its forecast is 12 times its "
        "sales: is one of them in a unit of 12?; correct it, or have it ordered by naming the item in "
        "orders.plausibility.confirmed, or once by --set orders.plausibility.unit_of_forecast=warn"
    )
    assert line["reason"] == f"held: {line['detail']}; {BASIS}: 7 would be wanted"
    assert (line["quantity"], line["wanted"]) == (0, 7)
    assert (line["outcome"], line["because"]) == ("blocked", "implausible")
    assert line["ledger"] == [("policy", 7.0, None, None), ("implausible", -7.0, None, None)]
    assert totals([line["ledger"]])[0] == 0


@pytest.mark.parametrize(
    ("warning", "says"),
    [
        (("days_of_demand", float("nan"), 60.0), "1,200 units, and no demand is forecast"),
        (("days_of_demand", 1234.5, 45.5), "1,200 units are 1,234 days of the demand that is forecast, more than 45.5"),
        (("above_sold", 1200.0, 0.0), "1,200 units are more than the 0 that it sells"),
        (("unit_of_forecast", 1 / 24, 24.0), "its sales are 24 times its forecast: is one of them in a unit of 24?"),
    ],
)
def test_a_number_is_told_as_people_read_it(warning, says):
    assert warning_text(*warning, 1200.0) == says
