"""Order lines that look like a slip: the words of their warnings, and the lines that are held until somebody confirms.

    days_of_demand    quantity > max_days_of_demand x mean demand per day of the forecast; any quantity where that is 0
    above_sold        quantity > all units that were sold in the days looked at; where those are fewer than
                      max_days_of_demand, > the units sold in so many days at their pace
    unit_of_forecast   mean demand per day of the forecast is a unit factor above or below the units sold per day
    unit_of_stock     a stock count is a unit factor below the count before it - the units sold between them, and no
                      count since is half of the count before it or more

`sql/gold/implausible_orders.sql` finds them. The stock and what is on order are not counted in: a policy that lifts a
position from 50 to 80 days of demand orders 30, and a slip in its inputs shows in what it orders. A line of the least
quantity that its minimum and multiple allow is told too, and held by no check of its quantity: the terms chose it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from invopt.ordering.ledger import post
from invopt.ordering.receipt import sentences
from invopt.ordering.review_columns import BLOCKED, IMPLAUSIBLE

WARNINGS_TYPE = "array<struct<warning:string,value:double,limit:double>>"
DAYS_OF_DEMAND, ABOVE_SOLD, UNIT_OF_STOCK = "days_of_demand", "above_sold", "unit_of_stock"
SETTINGS = "orders.plausibility"


def with_warnings(lines: pd.DataFrame, actions: Mapping[str, str]) -> pd.DataFrame:
    """The lines with their warnings in `detail` and in the reason; those that are held are blocked and order nothing.

    Parameters
    ----------
    lines : (n,) ordered lines with the columns of a review, `warnings` (lists of (warning, value, limit)), `is_held`,
        `is_least`: no smaller quantity can be ordered, and `days_of_sales`: the days that it is compared with
    actions : check -> warn or hold
    """
    before, is_held = lines["quantity"].to_numpy(float), lines["is_held"].to_numpy(bool)
    after = np.where(is_held, 0.0, before)
    rows = zip(
        *(lines[name].to_numpy(object) for name in ("detail", "warnings", "is_least", "days_of_sales")), strict=True
    )
    details = [
        _detail(quantity, is_line_held, actions, *row)
        for quantity, is_line_held, row in zip(before.tolist(), is_held.tolist(), rows, strict=True)
    ]
    judged = lines.assign(
        quantity=after,
        outcome=np.where(is_held, BLOCKED, lines["outcome"].to_numpy(object)),
        because=np.where(is_held, IMPLAUSIBLE, lines["because"].to_numpy(object)),
        detail=pd.Series(details, index=lines.index, dtype=object),
        ledger=pd.Series(post(lines["ledger"].to_numpy(object), IMPLAUSIBLE, before, after), index=lines.index),
    )
    return judged.assign(reason=list(sentences(judged)))


def warning_text(
    warning: str, value: float | None, limit: float, quantity: float, days_of_sales: float | None = None
) -> str:
    """A warning in words, with the number and what it is compared with.

    >>> warning_text("days_of_demand", 250.0, 60.0, 500.0)
    '500 units are 250 days of the demand that is forecast, more than 60'
    >>> warning_text("days_of_demand", None, 60.0, 500.0)
    '500 units, and no demand is forecast'
    >>> warning_text("above_sold", 500.0, 120.0, 500.0, 84.0)
    '500 units are more than the 120 that it sells in 84 days'
    >>> warning_text("unit_of_forecast", 12.3, 12.0, 500.0)
    'its forecast is 12.3 times its sales: is one of them in a unit of 12?'
    >>> warning_text("unit_of_stock", 11.8, 12.0, 500.0)
    'its stock count is 11.8 times less than the count before it and the sales leave: is it in a unit of 12?'
    >>> warning_text("unit_of_forecast", 0.08, 12.0, 500.0)
    'its sales are 12.5 times its forecast: is one of them in a unit of 12?'
    """
    if warning == DAYS_OF_DEMAND:
        if value is None or value != value:
            return f"{quantity:,.10g} units, and no demand is forecast"
        return f"{quantity:,.10g} units are {value:,.0f} days of the demand that is forecast, more than {limit:g}"
    if warning == ABOVE_SOLD:
        days = "" if days_of_sales is None or days_of_sales != days_of_sales else f" in {days_of_sales:g} days"
        return f"{quantity:,.10g} units are more than the {round(limit, 1):,.10g} that it sells{days}"
    if warning == UNIT_OF_STOCK:
        what = f"its stock count is {value:.3g} times less than the count before it and the sales leave"
        return f"{what}: is it in a unit of {limit:g}?"
    what = (
        f"its forecast is {value:.3g} times its sales"
        if value >= 1
        else (f"its sales are {1 / value:.3g} times its forecast")
    )
    return f"{what}: is one of them in a unit of {limit:g}?"


def cure(warnings: Sequence[str]) -> str:
    """How somebody who has looked at a held line has it ordered."""
    settings = " and ".join(f"{SETTINGS}.{name}=warn" for name in warnings)
    return f"correct it, or have it ordered by naming the item in {SETTINGS}.confirmed, or once by --set {settings}"


def _detail(
    quantity: float,
    is_held: bool,
    actions: Mapping[str, str],
    detail: str | None,
    warnings: Sequence[tuple[str, float | None, float]],
    is_least: bool,
    days_of_sales: float | None,
) -> str:
    texts = [warning_text(*one, quantity, days_of_sales) for one in warnings]
    if is_least:
        texts.append("less can't be ordered under its minimum and multiple")
    told = ", ".join(texts)
    if is_held:
        told = f"{told}; {cure([name for name, *_ in warnings if actions[name] == 'hold'])}"
    else:
        told = f"unusual: {told}"
    return f"{detail}; {told}" if isinstance(detail, str) and detail else told
