"""From what a policy wants to what a supplier accepts: data and a reason for every item, ordered or not."""

from invopt.ordering.buckets import bucket_decider, line_decider
from invopt.ordering.passes import PASSES, Pass, bucket_keys
from invopt.ordering.policy_rule import OrderRule
from invopt.ordering.review_columns import ACTED_ON, BLOCKED, REVIEW_TYPES, RULE_FAILED, STATE_COLUMNS

__all__ = [
    "ACTED_ON",
    "BLOCKED",
    "PASSES",
    "REVIEW_TYPES",
    "RULE_FAILED",
    "STATE_COLUMNS",
    "OrderRule",
    "Pass",
    "bucket_decider",
    "bucket_keys",
    "line_decider",
]
