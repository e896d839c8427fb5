"""What is decided for an item, as data: the columns of a review, their Spark types and the words in them."""

from __future__ import annotations

from collections.abc import Mapping

from invopt.ordering.ledger import LEDGER_TYPE
from invopt.tables.columns import ITEM

# outcomes
ORDERED = "ordered"
NOTHING_WANTED = "nothing_wanted"
BLOCKED = "blocked"
IMPOSSIBLE = "impossible"

# causes: the rule that decided a line, which is the last one that changed its quantity
POLICY = "policy"
BAD_INPUT = "bad_input"
STALE_COUNT = "stale_count"
NO_SOLUTION = "no_solution"
RULE_FAILED = "rule_failed"
NO_DECISION = "no_decision"
MINIMUM = "minimum"
MULTIPLE = "multiple"
MAXIMUM = "maximum"
ACTED_ON = "acted_on"
IMPLAUSIBLE = "implausible"

# columns of an item's state that stand in its review as they are
STOCK_COLUMNS = ("inventory_position", "on_hand", "expiring", "on_order", "on_order_late")
KEPT_COLUMNS = ("policy_id", *ITEM, *STOCK_COLUMNS, "unit_cost")

# every column that the decider reads
STATE_COLUMNS = (
    *KEPT_COLUMNS,
    "day",
    "days_since_order",
    "min_order_quantity",
    "max_order_quantity",
    "quantity_multiple",
    "is_stale",
    "is_blocked",
    "problem",
    "status",
    "message",
    "decisions",
    "acted_on_order",
    "acted_on_units",
)

# column -> Spark SQL type, in the order of the columns; gold.order_reviews tells their units
REVIEW_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("policy_id", *ITEM), "string"),
    **dict.fromkeys((*STOCK_COLUMNS, "unit_cost"), "double"),
    "wanted": "double",
    "quantity": "double",
    "outcome": "string",
    "because": "string",
    "detail": "string",
    "decided": "map<string,double>",
    "ledger": LEDGER_TYPE,
    "reason": "string",
}
