"""Cost curves around the decisions of the policies: rows of inputs and decisions in, frames for `invopt.plots` out.

Each function explains one decision: the numbers tried, their cost and its parts, the points to mark, and a sentence.
"""

from invopt.workbench.curves.decision import decision
from invopt.workbench.curves.lot_sizes import lot_sizes
from invopt.workbench.curves.order_quantity import order_quantity
from invopt.workbench.curves.order_quantity_with_expiry import order_quantity_with_expiry
from invopt.workbench.curves.order_up_to_level import order_up_to_level
from invopt.workbench.curves.purchase_budget import purchase_budget
from invopt.workbench.curves.review_period import review_period
from invopt.workbench.curves.shipping_capacity import shipping_capacity
from invopt.workbench.curves.storage_budget import storage_budget

__all__ = [
    "decision",
    "lot_sizes",
    "order_quantity",
    "order_quantity_with_expiry",
    "order_up_to_level",
    "purchase_budget",
    "review_period",
    "shipping_capacity",
    "storage_budget",
]
