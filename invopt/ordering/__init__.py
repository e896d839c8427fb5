"""From what a policy wants to what a supplier accepts, with a reason for every item, ordered or not."""

from invopt.ordering.decided_lines import STATE_COLUMNS, decide_lines
from invopt.ordering.order_rules import ITEM_COLUMNS, RULE_FAILED, OrderRule, decide_items, line_decider

__all__ = [
    "ITEM_COLUMNS",
    "RULE_FAILED",
    "STATE_COLUMNS",
    "OrderRule",
    "decide_items",
    "decide_lines",
    "line_decider",
]
