"""EOQ under a storage budget: the cost along the order quantity when large orders are cheaper to buy, and what the
average stock of each product costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from invopt.theory.eoq.cost import order_cost
from invopt.workbench.curves.curve import Curve, whole_numbers
from invopt.workbench.curves.shared_budget import SharedBudget, comparison
from invopt.workbench.curves.wording import products_at

if TYPE_CHECKING:
    from invopt.policies.eoq_budget import EOQBudgetParams


def storage_budget(items: pd.DataFrame, params: EOQBudgetParams) -> SharedBudget:
    """The curve of the product that the budget touches most, along `order_quantity`, and each product's use of it.

    The column `line` of the curve is the position of the price that is paid; its points are "chosen" and "best alone".

    items : rows of gold.inputs_eoq_budget of one partition, with label and order_quantity (units); those without
        demand are left out
    params : the policy's parameters
    """
    items = items[items["demand_mean"].map(np.sum) > 0]
    quantity, h = (items[name].to_numpy(dtype=float) for name in ("order_quantity", "holding_cost"))
    tried, lines = zip(*(_costs(item, params) for _, item in items.iterrows()), strict=True)
    alone = pd.DataFrame([costs.loc[costs["total"].idxmin()] for costs in tried])
    best, least = alone["order_quantity"].to_numpy(), alone["total"].to_numpy()
    pairs = list(zip(quantity, tried, strict=True))
    chosen = np.array([costs["total"].iloc[np.searchsorted(costs["order_quantity"], q)] for q, costs in pairs])
    # a product with price breaks shows more; of these, the one that pays most for the budget, or is ordered where a
    # price begins
    has_breaks = np.array([len(of_product) > 0 for of_product in lines])
    at_break = np.array(
        [
            bool(np.isin(q, np.ceil(of_product.loc[of_product["line"] > 0, "first_quantity"])))
            for q, of_product in zip(quantity, lines, strict=True)
        ]
    )
    i = int(np.lexsort((chosen, at_break, np.round(chosen - least, 9), has_breaks))[-1])
    points = pd.DataFrame(
        {"order_quantity": [quantity[i], best[i]], "total": [chosen[i], least[i]]}, index=["chosen", "best alone"]
    )
    product = items["label"].str.split(", ").str[0].tolist()
    uses = pd.DataFrame({"product": product, "used": h * quantity / 2, "wanted": h * best / 2})
    budget = float(items["storage_cost_budget"].fillna(np.inf).iloc[0])
    decision = (
        f"orders of {quantity[i]:g}"
        + (f" instead of {best[i]:g}" if best[i] != quantity[i] else "")
        + (", where a lower price begins" if at_break[i] else "")
    )
    has_no_purchases = params.cost == "ordering" and params.discount == "none"
    cost_unit = "money per day" if has_no_purchases else "money per day, with what is bought"
    return SharedBudget(
        products_at(items["label"]),
        Curve(items["label"].iloc[i], tried[i], points, cost_unit=cost_unit),
        uses,
        budget,
        f"{comparison(uses, budget, 'storage cost a day')}. {product[i]}: {decision}.",
        lines[i],
    )


def _costs(item: pd.Series, params: EOQBudgetParams) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cost of a day at each quantity tried, and what it would be if one price held for all quantities."""
    mean, K, h = float(np.mean(item["demand_mean"])), float(item["fixed_order_cost"]), float(item["holding_cost"])
    has_discount = params.discount != "none"
    breaks = item["price_break_quantity"]
    has_breaks = has_discount and breaks is not None and len(breaks) > 0
    starts = np.array([0.0, *(breaks if has_breaks else ())])
    first_price = float(item["unit_cost"]) if has_discount else 0.0
    prices = np.array([first_price, *(item["price_break_cost"] if has_breaks else ())])
    quantity = int(item["order_quantity"])
    eoq = np.sqrt(2 * K * mean / h)
    last = max(2.0 * quantity, 1.6 * eoq, 1.3 * starts[-1]) + 3
    near = np.ceil(starts[1:]).astype(np.int64)
    first = max(1, min(quantity, eoq, 2 * starts[1] if has_breaks else np.inf) // 4)
    quantities = np.unique([*whole_numbers(first, last, 2000), quantity, *near, *np.maximum(near - 1, 1)])
    numbers = (quantities, starts, prices, mean, K, h)
    settings = {
        "has_holding": params.cost == "ordering_and_holding",
        "is_incremental": params.discount == "incremental",
        "holds_with_price": params.holding == "with_price" and has_discount,
    }
    paid = pd.DataFrame(
        {
            "order_quantity": quantities,
            "line": np.searchsorted(starts[1:], quantities, side="right"),
            "total": order_cost(*numbers, **settings),
        }
    )
    lines = [
        pd.DataFrame(
            {
                "line": k,
                "price": prices[k],
                "first_quantity": starts[k],
                "order_quantity": quantities,
                "total": order_cost(*numbers, **settings, only=k),
            }
        )
        for k in range(len(prices))
    ]
    return paid, pd.concat(lines) if has_breaks else lines[0][:0]
