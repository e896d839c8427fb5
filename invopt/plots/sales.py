"""Units sold and units thrown away, day by day."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from invopt.plots.style import PALETTE, QUIET, dates, figure, plain


def daily_units(sales: pd.DataFrame, spoilage: pd.DataFrame) -> Figure:
    """Units sold and units spoiled of each day, by department.

    The departments beyond the five largest are one, "other".

    sales, spoilage : rows with sold_at (timestamp), units and department_name
    """
    largest = sales.groupby("department_name")["units"].sum().nlargest(len(PALETTE) - 1).index.tolist()
    drawn, (top, bottom) = figure(2, 1, (10, 6.5), sharex=True)
    _stacked(top, sales, largest)
    plain(top, "Units sold per day", "", "units per day")
    _stacked(bottom, spoilage, largest)
    plain(bottom, "Units spoiled per day: taken out of stock unsold", "", "units per day")
    dates(bottom)
    top.legend(
        *top.get_legend_handles_labels(), title="department", frameon=False, loc="upper left", bbox_to_anchor=(1, 1)
    )
    return drawn


def _stacked(axes: Axes, rows: pd.DataFrame, largest: list[str]) -> None:
    names = rows["department_name"].where(rows["department_name"].isin(largest), "other")
    by_day = (
        rows["units"]
        .groupby([rows["sold_at"].dt.tz_localize(None).dt.normalize(), names])
        .sum()
        .unstack(fill_value=0.0)
    )
    columns = [*largest, *(["other"] if "other" in by_day else [])]
    by_day = by_day.reindex(columns=columns, fill_value=0.0)
    bottom = np.zeros(len(by_day))
    for name, colour in zip(columns, (*PALETTE[: len(largest)], QUIET), strict=False):
        axes.bar(by_day.index, by_day[name], bottom=bottom, width=0.85, color=colour, label=name)
        bottom = bottom + by_day[name].to_numpy()
