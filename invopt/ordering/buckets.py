"""The executors' part of step `order`: each policy's rule on its items, then the passes, then the receipt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pandas as pd

from invopt import policies
from invopt.ordering.passes import PASSES
from invopt.ordering.policy_rule import OrderRule, wanted_lines
from invopt.ordering.receipt import sentences
from invopt.ordering.review_columns import REVIEW_TYPES


def line_decider(rules: Mapping[str, OrderRule]) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """The function that Spark's mapInPandas calls with batches of items; `rules` has one for each `policy_id`.

    Spark may cut a group of lines into two batches. A pass that looks at several lines needs `bucket_decider`.
    """
    decide = bucket_decider(rules)

    def decide_batches(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            yield decide(batch)

    return decide_batches


def bucket_decider(rules: Mapping[str, OrderRule]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The function that Spark's applyInPandas calls with a bucket, which holds the passes' groups whole.

    A row has STATE_COLUMNS; it gives a row with the columns of REVIEW_TYPES, in the same order.
    """
    loaded: dict[str, policies.Policy | BaseException] = {}

    def decide_bucket(items: pd.DataFrame) -> pd.DataFrame:
        if items.empty:
            return pd.DataFrame(columns=list(REVIEW_TYPES))
        lines = []
        for policy_id, of_policy in items.reset_index(drop=True).groupby("policy_id", sort=False, dropna=False):
            if policy_id not in loaded:
                loaded[policy_id] = rules[policy_id].load()
            lines.append(wanted_lines(loaded[policy_id], of_policy, rules[policy_id].period))
        return review(pd.concat(lines).sort_index() if len(lines) > 1 else lines[0])

    return decide_bucket


def review(lines: pd.DataFrame) -> pd.DataFrame:
    """The columns of REVIEW_TYPES, from the lines that the policies want: all passes, then the reason of each."""
    for rule in PASSES:
        lines = rule.apply(lines)
    return lines.assign(reason=list(sentences(lines)))[list(REVIEW_TYPES)]
