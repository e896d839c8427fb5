"""The tables that a policy reads beside `item_state`: for its SELECT, and whole for its model on the executors."""

from __future__ import annotations

import pandas as pd
from pyspark.sql import DataFrame

from invopt.errors import ConfigError, InputError
from invopt.pipelines.context import Context
from invopt.pipelines.item_views import SILVER, pinned
from invopt.policies.base import Policy

STATE = "item_state"
# rows of a view that goes whole to every executor
LARGEST_VIEW = 1_000_000


def policy_views(context: Context, policy: Policy) -> dict[str, DataFrame]:
    """View name -> rows, of the versions that the run's manifest pins; without `item_state`.

    Raises
    ------
    ConfigError : the policy names a view that there is not; lists those there are.
    TableError : the run has no manifest yet.
    """
    names = [name for name in policy.views if name != STATE]
    unknown = [name for name in names if name not in SILVER]
    if unknown:
        raise ConfigError(
            f"policy {policy.name!r} can't be used",
            [f"views: {name} is no view; there are: {STATE}, {', '.join(sorted(SILVER))}" for name in unknown],
        )
    return pinned(context, names) if names else {}


def collected_views(context: Context, policy: Policy) -> dict[str, pd.DataFrame]:
    """The same as frames, for the executors.

    Raises
    ------
    InputError : a view has too many rows.
    """
    frames = {}
    for name, rows in policy_views(context, policy).items():
        frame = rows.limit(LARGEST_VIEW + 1).toPandas()
        if len(frame) > LARGEST_VIEW:
            raise InputError(
                f"policy {policy.name!r} can't be solved",
                [
                    f"its view {name} has more than {LARGEST_VIEW:,} rows: it goes whole to every executor; take what "
                    "is needed of it into the policy's SELECT instead"
                ],
            )
        frames[name] = frame
    return frames
