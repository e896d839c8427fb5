"""The SELECT that gives a policy its columns, derived from what it needs."""

from __future__ import annotations

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
    if policy.select is not None:
        return policy.select
    columns = [*ITEM, *map(_cast, policy.needs)]
    return "SELECT\n    " + ",\n    ".join(columns) + "\nFROM item_state"


def _cast(column: Column) -> str:
    """A number of the item becomes a series of one value where the policy needs a series; NULL stays NULL."""
    if column.type == "array<double>" and _STATE.get(column.name) == "double":
        series = f"CASE WHEN {column.name} IS NOT NULL THEN array({column.name}) END"
        return f"CAST({series} AS array<double>) AS {column.name}"
    return f"CAST({column.name} AS {column.type}) AS {column.name}"
