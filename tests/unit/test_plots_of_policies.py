"""Each policy's curve passes through the cost that the policy itself reports, for every form of demand and parameter,
and odd items are drawn too.
"""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest

from invopt import plots, policies
from invopt.errors import ParameterError
from invopt.policies.base import Params
from invopt.policies.inputs.items import Items
from invopt.workbench import curves

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402  (after the backend is chosen)

BREAD = {
    "label": "Bread, Old Town",
    "as_of": pd.Timestamp("2026-05-04", tz="UTC"),
    "lead_time": 2.0,
    "lead_time_confidence": 1.0,
    "fixed_order_cost": 4.0,
    "holding_cost": 0.1,
    "backorder_cost": 2.0,
    "unit_cost": 3.0,
    "disposal_cost": np.nan,
    "shelf_life": 6.0,
    "service_level": 0.9,
    "shipping_interval": 3.0,
    "lost_sale_cost": np.nan,
    "list_price": 5.0,
    "purchase_budget": np.nan,
    "storage_cost_budget": np.nan,
    "price_break_quantity": None,
    "price_break_cost": None,
    "inventory_position": 3.0,
    "unit_volume": np.nan,
    "setup_volume": np.nan,
    "max_shipping_volume": np.nan,
    "demand_distribution": "poisson",
    "demand_mean": np.array([1.0, 1.4]),
    "demand_variance": None,
    "demand_pmf": None,
}
FORMS = [
    {},
    {"demand_distribution": "normal", "demand_variance": np.array([2.0, 2.0])},
    {"demand_distribution": "pmf", "demand_pmf": np.array([np.array([0.5, 0.5]), np.array([0.2, 0.8])], dtype=object)},
]
BREAKS = {"price_break_quantity": np.array([10.0, 40.0]), "price_break_cost": np.array([2.9, 2.7])}
LOTS = {
    "fixed_order_cost": np.array([4.0]),
    "holding_cost": np.array([0.1]),
    "unit_cost": np.array([3.0]),
    "demand_mean": np.tile([1.0, 3.0, 2.0], 9),
}


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def solved(name: str, rows: list[dict], **params) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows as one partition with the policy's decisions as the notebook joins them, and the cost of each."""
    policy = policies.load(name)
    items = pd.DataFrame([BREAD | row for row in rows])
    for column in ("demand_variance", "demand_pmf", "price_break_quantity", "price_break_cost"):
        items[column] = items[column].astype(object).where(items[column].notna(), None)
    answer = policy.algorithm(Items(items, policy.needs, [0, len(items)]), policy.params(**params))
    for decision, values in answer.decisions.items():
        items[decision.lower()] = values if values.ndim == 1 else values[:, 0]
        if decision == "ORDER_QUANTITY" and values.ndim == 2:
            items["order_quantities"] = list(values)
    bound = answer.cost if answer.bound is None else answer.bound
    return items.assign(cost=answer.cost, bound=bound.sum()), answer.cost


def params_of(name: str, **params) -> Params:
    return policies.load(name).params(**params)


def chosen(axes) -> tuple[float, float]:
    """The point whose label says that it is the decision."""
    return next(
        tuple(points.get_offsets()[0]) for points in axes.collections if str(points.get_label()).startswith("chosen")
    )


def line(axes, label: str):
    return next(line for line in axes.get_lines() if str(line.get_label()).startswith(label))


def check(axes, x: float, cost: float, label: str = "total") -> None:
    """The choice is at x, costs what the policy says, lies on the curve, and is nowhere undercut by it."""
    at = chosen(axes)
    assert at == (x, pytest.approx(cost, rel=1e-6))
    curve = line(axes, label)
    assert np.interp(x, curve.get_xdata(), curve.get_ydata()) == pytest.approx(cost, rel=1e-6)
    assert np.min(curve.get_ydata()) >= cost * (1 - 1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cost", ["daily_review", "time_weighted", "guide"])
def test_order_quantity(form, cost):
    items, costs = solved("s_q", [form], cost=cost)
    axes = plots.order_quantity(curves.order_quantity(items.iloc[0], params_of("s_q", cost=cost))).axes[0]
    check(axes, items["order_quantity"][0], costs[0])


@pytest.mark.parametrize("form", FORMS)
def test_order_up_to_level(form):
    items, costs = solved("s_s", [form])
    above, below = plots.order_up_to_level(curves.order_up_to_level(items.iloc[0])).axes
    check(above, items["order_up_to_level"][0], costs[0])
    assert tuple(below.collections[0].get_offsets()[0]) == (items["order_up_to_level"][0], items["reorder_point"][0])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("params", "changes"),
    [
        ({}, {}),
        ({"service": "cycle"}, {}),
        ({"service": "fill_rate"}, {}),
        ({"cost": "guide"}, {}),
        ({}, {"shipping_interval": np.nan}),
        ({}, {"shipping_interval": 40.0}),
    ],
)
def test_review_period(form, params, changes):
    items, costs = solved("r_s", [form | changes], **params)
    axes = plots.review_period(curves.review_period(items.iloc[0], params_of("r_s", **params))).axes[0]
    at = chosen(axes)
    assert at == (items["review_period"][0], pytest.approx(costs[0], rel=1e-6))


def test_each_part_of_a_review_periods_cost_is_paid_by_its_own_price():
    items, _ = solved("r_s", [{}])
    prices = {"ordering": "fixed_order_cost", "holding": "holding_cost", "shortage": "backorder_cost"}
    # a level is asked for, so that it is the same at any price
    params = params_of("r_s", service="cycle")
    items = items.assign(service_level=0.999)
    once = curves.review_period(items.iloc[0], params).tried
    np.testing.assert_allclose(once["ordering"] * once["review_period"], BREAD["fixed_order_cost"])
    for part, price in prices.items():
        again = curves.review_period(items.assign(**{price: 1.01 * BREAD[price]}).iloc[0], params).tried
        np.testing.assert_array_equal(again["order_up_to_level"], once["order_up_to_level"])
        for other in prices:
            np.testing.assert_allclose(again[other], once[other] * (1.01 if other == part else 1))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("review", ["continuous", "daily"])
@pytest.mark.parametrize("expired", ["disposal", "disposal_and_purchase"])
@pytest.mark.parametrize("shelf_life", [3.0, np.nan])
def test_order_quantity_with_expiry(form, review, expired, shelf_life):
    params = {"review": review, "expired_unit_costs": expired}
    items, costs = solved("s_q_perishable", [form | {"shelf_life": shelf_life, "disposal_cost": 0.5}], **params)
    curve = curves.order_quantity_with_expiry(items.iloc[0], params_of("s_q_perishable", **params))
    above, below = plots.order_quantity_with_expiry(curve).axes
    check(above, items["order_quantity"][0], costs[0], "expires" if shelf_life == 3 else "does not")
    thrown = below.get_lines()[0].get_ydata()
    assert (np.diff(thrown) >= -1e-9).all() and (shelf_life == 3 or not thrown.any())


@pytest.mark.parametrize("budget", [np.nan, 1000.0, 20.0])
@pytest.mark.parametrize("params", [{}, {"salvage_fraction": 0.5, "protection_days": 3}, {"cost": "guide"}])
def test_purchase_budget(budget, params):
    rows = [
        form | {"label": f"Item {k}, Old Town", "purchase_budget": budget, "disposal_cost": 0.4}
        for k, form in enumerate(FORMS)
    ]
    items, costs = solved("newsvendor_budget", rows, **params)
    drawn = plots.purchase_budget(curves.purchase_budget(items, params_of("newsvendor_budget", **params)))
    at = chosen(drawn.axes[0])
    k = int(drawn.axes[0].get_title(loc="left").split(",")[0][-1])
    assert at == (items["base_stock_level"][k], pytest.approx(costs[k], rel=1e-6))
    says = drawn.get_suptitle()
    assert ("no limit" if np.isnan(budget) else "does not bind" if budget == 1000 else "without it") in says
    used = sum(bar.get_width() for bar in drawn.axes[1].containers[1])
    assert used == pytest.approx((items["unit_cost"] * items["base_stock_level"]).sum())


@pytest.mark.parametrize("budget", [np.nan, 1.5])
@pytest.mark.parametrize(
    ("discount", "holding"),
    [
        ("none", "per_unit"),
        ("all_units", "per_unit"),
        ("all_units", "with_price"),
        ("incremental", "per_unit"),
        ("incremental", "with_price"),
    ],
)
def test_storage_budget(budget, discount, holding):
    rows = [
        {"label": f"Item {k}, Old Town", "storage_cost_budget": budget, **more}
        for k, more in enumerate([BREAKS, {}, BREAKS])
    ]
    params = {"discount": discount, "holding": holding}
    items, costs = solved("eoq_budget", rows, **params)
    drawn = plots.storage_budget(curves.storage_budget(items, params_of("eoq_budget", **params)))
    at = chosen(drawn.axes[0])
    k = int(drawn.axes[0].get_title(loc="left").split(",")[0][-1])
    assert at == (items["order_quantity"][k], pytest.approx(costs[k], rel=1e-9))
    best = next(
        points.get_offsets()[0][1]
        for points in drawn.axes[0].collections
        if str(points.get_label()).startswith("best alone")
    )
    assert best == pytest.approx(at[1], rel=1e-9) if np.isnan(budget) else best <= at[1]


def test_many_products_share_a_budget():
    items, _ = solved("eoq_budget", [{"label": f"Item {k}, Old Town", "storage_cost_budget": 3.0} for k in range(30)])
    bars = plots.storage_budget(curves.storage_budget(items, params_of("eoq_budget"))).axes[1]
    names = [text.get_text() for text in bars.get_yticklabels()]
    assert len(names) == 12 and names[0] == "19 others"


def test_lot_sizes():
    items, costs = solved("dynamic_lot_sizing", [LOTS])
    top, right, below, _ = plots.lot_sizes(curves.lot_sizes(items.iloc[0])).axes
    quantity = items["order_quantities"][0]
    assert [bar.get_height() for bar in below.containers[0]] == quantity.tolist()
    # the policy's plan is the cheapest of three; with the purchases it has the cost that the policy reports
    widths = np.array([[bar.get_width() for bar in bars] for bars in right.containers[:2]]).sum(axis=0)
    assert widths.argmin() == 1 and widths[1] + 3.0 * quantity.sum() / 27 == pytest.approx(costs[0])
    assert line(top, "stock").get_ydata()[-1] == 0


@pytest.mark.parametrize("changes", [{"inventory_position": 500.0}, {"holding_cost": np.array([-1.0])}])
def test_without_a_plan_there_is_nothing_to_draw(changes):
    items = pd.DataFrame([BREAD | LOTS | changes]).assign(order_quantities=[np.zeros(27)])
    with pytest.raises(ParameterError, match="Bread, Old Town"):
        curves.lot_sizes(items.iloc[0])


@pytest.mark.parametrize(
    ("capacity", "says"), [(np.nan, "no limit"), (500.0, "changes nothing"), (9.0, "more than a shipment holds")]
)
def test_shipping_capacity(capacity, says):
    rows = [LOTS | {"label": f"Item {k}, Old Town", "max_shipping_volume": capacity} for k in range(8)]
    rows = rows[:2] if capacity == 9.0 else rows
    items, _ = solved("capacitated_lot_sizing", rows)
    drawn = plots.shipping_capacity(curves.shipping_capacity(items))
    axes = drawn.axes[0]
    assert says in drawn.get_suptitle()
    shipped = sum(bar.get_height() for bars in axes.containers[:-1] for bar in bars)
    assert shipped == pytest.approx(sum(plan.sum() for plan in items["order_quantities"]))
    assert len(axes.get_legend().get_texts()) == (4 if capacity == 9.0 else 7 + (capacity > 0))


def test_an_item_without_demand_is_refused():
    items, _ = solved("s_q", [{}])
    with pytest.raises(ParameterError, match="Bread, Old Town has no demand"):
        curves.order_quantity(items.assign(demand_mean=[np.zeros(2)]).iloc[0], params_of("s_q"))
