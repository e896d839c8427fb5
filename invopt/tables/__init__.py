"""Every table by its name, declared once: columns with type, unit and meaning; key; clustering.

bronze holds what landed, every field as text; silver what it means, typed and deduplicated; gold what invopt computes
from it.
"""

from __future__ import annotations

from invopt.tables.bronze import FILES, bronze
from invopt.tables.datasets import DATASETS
from invopt.tables.gold import (
    DEMAND_FORECASTS,
    FINDINGS,
    INPUT_KEYS,
    ITEM_STATE,
    ORDER_REVIEWS,
    ORDERS,
    RUNS,
    SOLUTION_COLUMNS,
    SOLUTIONS,
    STEPS,
    UNREAD,
    policy_inputs,
)
from invopt.tables.silver import BATCHES, DELIVERIES, FOREVER, REJECTED, SPOILAGE, silver
from invopt.tables.table import BATCH, POLICY, RUN, Table

__all__ = [
    "BATCH",
    "BATCHES",
    "DELIVERIES",
    "DEMAND_FORECASTS",
    "FILES",
    "FINDINGS",
    "FOREVER",
    "INPUT_KEYS",
    "ITEM_STATE",
    "ORDERS",
    "ORDER_REVIEWS",
    "POLICY",
    "REJECTED",
    "RUN",
    "RUNS",
    "SOLUTIONS",
    "SOLUTION_COLUMNS",
    "SPOILAGE",
    "STEPS",
    "Table",
    "UNREAD",
    "bronze",
    "every_table",
    "policy_inputs",
    "silver",
]


def every_table() -> tuple[Table, ...]:
    """All tables but those of the policies' inputs, in the order of the flow."""
    return (
        FILES,
        *(bronze(dataset) for dataset in DATASETS),
        *(silver(dataset) for dataset in DATASETS),
        SPOILAGE,
        REJECTED,
        BATCHES,
        DELIVERIES,
        DEMAND_FORECASTS,
        UNREAD,
        FINDINGS,
        ITEM_STATE,
        SOLUTIONS,
        ORDER_REVIEWS,
        ORDERS,
        RUNS,
        STEPS,
    )
