"""The plots of cases that a small demo does not have: many departments, nothing spoiled, nothing ordered, no demand,
the guide's cost.
"""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest

from invopt import plots, policies
from invopt.errors import ParameterError
from invopt.workbench import curves
from invopt.workbench.curves.decision import Decision

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402  (after the backend is chosen)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def daily(n_departments: int, n_days: int = 3) -> pd.DataFrame:
    days = pd.date_range("2026-05-01", periods=n_days, tz="UTC")
    return pd.DataFrame(
        [
            {"sold_at": day, "units": float(k + 1), "department_name": f"department {k}"}
            for day in days
            for k in range(n_departments)
        ],
        columns=["sold_at", "units", "department_name"],
    ).astype({"sold_at": "datetime64[us, UTC]", "units": float})


def item(**changes) -> pd.Series:
    return pd.Series(
        {
            "label": "Bread, Old Town",
            "as_of": pd.Timestamp("2026-05-04", tz="UTC"),
            "reason": "because",
            "reorder_point": 4.0,
            "order_quantity": 9.0,
            "inventory_position": 3.0,
            "holding_cost": 0.1,
            "fixed_order_cost": 4.0,
            "backorder_cost": 2.0,
            "lead_time": 2.0,
            "lead_time_confidence": 1.0,
            "demand_distribution": "poisson",
            "demand_mean": np.array([1.0, 1.4]),
            "demand_variance": None,
            "demand_pmf": None,
        }
        | changes
    )


def explained(cost: str, **changes) -> Decision:
    return curves.decision(item(**changes), policies.load("s_q").params(cost=cost))


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_bars_of_a_day_add_up_and_departments_beyond_five_are_one():
    top, bottom = plots.daily_units(daily(8), daily(0)).axes
    assert texts(top) == ["department 7", "department 6", "department 5", "department 4", "department 3", "other"]
    assert max(bar.get_y() + bar.get_height() for bar in top.patches) == sum(range(1, 9))
    assert not bottom.patches


def test_an_item_without_demand_is_not_drawn_and_the_rest_is_measured_in_days():
    items = pd.DataFrame(
        {
            "label": ["a", "b", "c"],
            "on_hand": [10.0, 5.0, 4.0],
            "expiring": [4.0, 0.0, 0.0],
            "on_order": [2.0, 0.0, 1.0],
            "reorder_point": [1.0, 1.0, 3.0],
            "demand_per_day": [2.0, 0.0, 0.5],
            "quantity": [0.0, 0.0, 7.0],
            "lead_time": [2.0, 2.0, 2.0],
        }
    )
    axes = plots.positions(items).axes[0]
    # a: (10 - 4 + 2 - 1) / 2 = 3.5 days above its reorder point; c: (4 + 1 - 3) / 0.5 = 4
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "c  [order 7]"]
    assert [bar.get_width() for bar in axes.patches] == [3.0, 8.0, 1.0, 2.0]
    assert sum(bar.get_height() for bar in plots.cover(items).axes[0].patches) == 2


@pytest.mark.parametrize("cost", ["daily_review", "time_weighted", "guide"])
@pytest.mark.parametrize(
    "form",
    [
        {},
        {
            "demand_distribution": "normal",
            "demand_mean": np.array([80.0]),
            "demand_variance": np.array([200.0]),
            "reorder_point": 200.0,
        },
        {
            "demand_distribution": "pmf",
            "demand_pmf": np.array([np.array([0.5, 0.5]), np.array([0.2, 0.8])], dtype=object),
        },
        {"demand_distribution": "deterministic"},
    ],
)
def test_a_decision_is_drawn_for_every_form_of_demand_and_cost(form, cost):
    drawn = plots.decision(explained(cost, **form), daily(1))
    forecast, risk, along_quantity, along_reorder_point = drawn.axes
    assert "sold" in texts(forecast)
    expected = int(form.get("reorder_point", 4))
    assert any(text.startswith(f"reorder point s = {expected};") for text in texts(risk))
    # the chosen point lies on the curve of the total
    for axes, x in ((along_quantity, 9), (along_reorder_point, expected)):
        total = next(line for line in axes.get_lines() if line.get_label() == "total")
        chosen = axes.collections[0].get_offsets()[0]
        assert chosen[0] == x
        assert np.interp(x, total.get_xdata(), total.get_ydata()) == pytest.approx(chosen[1], rel=2e-3)


def test_a_decision_without_sales_so_far_is_drawn():
    assert "sold" not in texts(plots.decision(explained("daily_review"), daily(0)).axes[0])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"demand_mean": np.array([0.0])}, "Bread, Old Town has no demand"),
        ({"order_quantity": 0.0}, "Bread, Old Town has no demand"),
        ({"demand_distribution": "weibull"}, "Bread, Old Town: demand_distribution is 'weibull'"),
    ],
)
def test_what_can_not_be_explained_is_refused(changes, says):
    with pytest.raises(ParameterError, match=says):
        explained("daily_review", **changes)


def test_orders_by_supplier_and_a_day_without_orders():
    outcomes = pd.Series(["enough stock", "enough stock", "ordered"])
    orders = pd.DataFrame({"source_name": ["Dairy", "Dairy", "Grocer"], "order_value": [5.0, 10.0, 20.0]})
    left, right = plots.orders_and_reasons(orders, outcomes).axes
    assert [bar.get_width() for bar in left.patches] == [15.0, 20.0]
    assert [text.get_text() for text in left.texts] == ["2 lines", "1 line"]
    assert [bar.get_width() for bar in right.patches] == [1, 2]
    assert plots.orders_and_reasons(orders[:0], outcomes).axes[0].texts[-1].get_text() == "nothing was ordered"
