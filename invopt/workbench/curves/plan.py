"""The inputs of a plan of orders over the coming days."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from invopt.errors import ParameterError
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.lot_sizing import PLAN_COLUMNS, LotSizingInputs, lot_sizing_inputs


def read_plan(items: pd.DataFrame) -> LotSizingInputs:
    """The inputs of the plans of some items with a label.

    Raises
    ------
    ParameterError : an item's inputs can't be used.
    """
    read = Items(items, PLAN_COLUMNS)
    inputs = lot_sizing_inputs(read)
    for label, problem in zip(items["label"], read.problems, strict=True):
        if problem is not None:
            raise ParameterError(f"{label}: {problem}")
    return inputs


def days_from(as_of: pd.Timestamp, n_days: int) -> list[pd.Timestamp]:
    """The days of a plan, from that of as_of on.

    >>> [str(day.date()) for day in days_from(pd.Timestamp("2026-05-31 06:00", tz="UTC"), 2)]
    ['2026-05-31', '2026-06-01']
    """
    first = pd.Timestamp(as_of).tz_localize(None).normalize()
    return [first + timedelta(days=k) for k in range(n_days)]
