"""From what a policy wants to what a supplier accepts: data and a reason for every item, ordered or not."""

from invopt.ordering.buckets import bucket_decider, line_decider
from invopt.ordering.passes import PASSES, Pass, bucket_keys
from invopt.ordering.plausibility import WARNINGS_TYPE, warning_text, with_warnings
from invopt.ordering.policy_rule import OrderRule
from invopt.ordering.review_columns import (
    ACTED_ON,
    BLOCKED,
    IMPLAUSIBLE,
    REVIEW_TYPES,
    RULE_FAILED,
    STATE_COLUMNS,
    STOCK_COLUMNS,
)

__all__ = [
    "ACTED_ON",
    "BLOCKED",
    "IMPLAUSIBLE",
    "PASSES",
    "REVIEW_TYPES",
    "RULE_FAILED",
    "STATE_COLUMNS",
    "STOCK_COLUMNS",
    "WARNINGS_TYPE",
    "OrderRule",
    "Pass",
    "bucket_decider",
    "bucket_keys",
    "line_decider",
    "warning_text",
    "with_warnings",
]
