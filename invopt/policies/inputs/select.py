"""The SELECT that gives a policy its columns, derived from what it needs."""

from __future__ import annotations

from collections.abc import Iterable

from invopt.policies.base import Policy
from invopt.tables import ITEM_STATE
from invopt.tables.columns import ITEM, Column

_STATE = {column.name: column.type for column in ITEM_STATE.columns}


def select_of(policy: Policy) -> str:
    """The policy's own SELECT, or the keys and `needs` from `item_state`, each as the type that was declared.

    >>> from invopt import policies
    >>> print(select_of(policies.load("s_q")).splitlines()[4])
        CAST(fixed_order_cost AS double) AS fixed_order_cost,
    """
    return item_state_select(policy.needs) if policy.select is None else policy.select


def item_state_select(needs: Iterable[Column], **expressions: str) -> str:
    """The keys and `needs` from `item_state`; `expressions` stand for the columns that are not there.

    >>> print(item_state_select([Column("setup_volume", "double", "volume/order", "...")], setup_volume="NULL"))
    SELECT
        location_id,
        product_id,
        source_id,
        CAST(NULL AS double) AS setup_volume
    FROM item_state
    """
    columns = [*ITEM, *(_cast(column, expressions.get(column.name, column.name)) for column in needs)]
    return "SELECT\n    " + ",\n    ".join(columns) + "\nFROM item_state"


def _cast(column: Column, expression: str) -> str:
    """A number of the item becomes a series of one value where the policy needs a series; NULL stays NULL."""
    if column.type == "array<double>" and _STATE.get(expression) == "double":
        expression = f"CASE WHEN {expression} IS NOT NULL THEN array({expression}) END"
    return f"CAST({expression} AS {column.type}) AS {column.name}"
