"""Plots for notebooks: frames in, a matplotlib figure out.

`invopt.workbench.curves` computes the cost curves that the plots of decisions draw. matplotlib is in the extra `dev`,
not in the core.
"""

from invopt.plots.decision import decision
from invopt.plots.lot_sizes import lot_sizes
from invopt.plots.order_quantity import order_quantity
from invopt.plots.order_quantity_with_expiry import order_quantity_with_expiry
from invopt.plots.order_up_to_level import order_up_to_level
from invopt.plots.orders import orders_and_reasons
from invopt.plots.purchase_budget import purchase_budget
from invopt.plots.review_period import review_period
from invopt.plots.sales import daily_units
from invopt.plots.shipping_capacity import shipping_capacity
from invopt.plots.stock import cover, positions
from invopt.plots.storage_budget import storage_budget

__all__ = [
    "cover",
    "daily_units",
    "decision",
    "lot_sizes",
    "order_quantity",
    "order_quantity_with_expiry",
    "order_up_to_level",
    "orders_and_reasons",
    "positions",
    "purchase_budget",
    "review_period",
    "shipping_capacity",
    "storage_budget",
]
