"""The executors' part of step `order`: each policy's order rule on its items, then the supplier's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from invopt import policies
from invopt.ordering.decided_lines import decide_lines
from invopt.tables.columns import ITEM
from invopt.theory.order_rules import Stock

# columns of an item's state that stand beside its quantity and reason
ITEM_COLUMNS = (*ITEM, "inventory_position", "on_hand", "expiring", "on_order")
RULE_FAILED = "the order rule failed: "


@dataclass(frozen=True)
class OrderRule:
    """The order rule of a row of conf/policies.yaml.

    policy, policies_folder : the name of the policy that has the rule, and the user's folder where it may be
    period : whole days since the decisions were made
    """

    policy: str
    policies_folder: str | None
    period: int


def line_decider(rules: Mapping[str, OrderRule]) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """The function that Spark calls with batches of items of these policies; `rules` has one for each `policy_id`."""

    def decide_batches(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        loaded: dict[str, policies.Policy | BaseException] = {}
        for batch in batches:
            for policy_id, items in batch.groupby("policy_id", sort=False):
                if policy_id not in loaded:
                    loaded[policy_id] = _loaded(rules[policy_id])
                yield decide_items(loaded[policy_id], items.reset_index(drop=True), rules[policy_id].period)

    return decide_batches


def _loaded(rule: OrderRule) -> policies.Policy | BaseException:
    """The policy, or why it can't be loaded: the items' reasons tell that, as they tell of a rule that fails."""
    try:
        return policies.load(rule.policy, rule.policies_folder)
    except (Exception, SystemExit) as error:
        return error


def decide_items(policy: policies.Policy | BaseException, items: pd.DataFrame, period: int) -> pd.DataFrame:
    """Applies a policy's order rule and the supplier's rules to its items.

    An item without a solution is not ordered, and its reason says so. If the rule fails, none of these items is
    ordered: one policy's defect does not stop the others' orders.
    """
    has_solution = (items["status"] != "no_solution").to_numpy() & items["decisions"].notna().to_numpy()
    is_stale = items["is_stale"].to_numpy(bool)
    state = items.assign(
        period=float(period),
        is_blocked=is_stale | ~has_solution,
        blocked_because=np.where(is_stale, items["problem"], "no solution: " + items["message"].fillna("")),
        # an audit is for who runs the solver, not for who reads why a quantity was ordered
        solution_remark=items["message"].where(has_solution).str.replace(r"(^|; )audit: .*", "", regex=True),
    )
    wanted, current = np.full(len(items), np.nan), {}
    try:
        if isinstance(policy, BaseException):
            raise policy
        decisions = {name: _values(items["decisions"], name, has_solution) for name in policy.decision_names}
        if has_solution.any():
            wanted[has_solution] = _wanted(policy, decisions, state, has_solution)
        current = {name: _at_period(values, period) for name, values in decisions.items()}
    except (Exception, SystemExit) as error:
        has_failed = has_solution & ~is_stale
        state["is_blocked"] |= has_failed
        state.loc[has_failed, "blocked_because"] = f"{RULE_FAILED}{type(error).__name__}: {error}"
    lines = decide_lines(wanted, current, state)
    return pd.concat([items[["policy_id", *ITEM_COLUMNS, "unit_cost"]], lines], axis=1)


def _wanted(
    policy: policies.Policy, decisions: Mapping[str, np.ndarray], state: pd.DataFrame, has_solution: np.ndarray
) -> np.ndarray:
    """The quantities that the order rule asks for; NaN where the decisions say nothing.

    Raises
    ------
    ValueError : the rule gives another number of values than there are items, or one that can't be a quantity.
    """
    n = int(has_solution.sum())
    asked = np.asarray(
        policy.order({name: values[has_solution] for name, values in decisions.items()}, _stock(state[has_solution])),
        dtype=float,
    )
    if asked.shape != (n,):
        raise ValueError(f"order gave {asked.size} values of shape {asked.shape} for {n} items")
    wrong = asked[np.isinf(asked) | (asked < 0)]
    if len(wrong):
        raise ValueError(f"order gave the quantity {wrong[0]:g}")
    return asked


def _stock(state: pd.DataFrame) -> Stock:
    """The state of these items as order rules take it."""
    return Stock(*(state[name].to_numpy(dtype=float, na_value=np.nan) for name in Stock._fields))


def _values(decisions: pd.Series, name: str, has_solution: np.ndarray) -> np.ndarray:
    """A decision of all items: (n,) where it has one value, (n, n_periods) where it has one per period; NaN where
    there is none.
    """
    # Arrow gives a map as a list of pairs, or a dict
    series = [dict(pairs)[name] for pairs, is_solved in zip(decisions, has_solution, strict=True) if is_solved]
    lengths = np.fromiter(map(len, series), dtype=int, count=len(series))
    longest = int(lengths.max(initial=1))
    values = np.full((len(decisions), longest), np.nan)
    if series:
        filled = np.zeros_like(values, dtype=bool)
        filled[has_solution] = np.arange(longest) < lengths[:, None]
        values[filled] = np.concatenate(series)
    return values[:, 0] if longest == 1 else values


def _at_period(values: np.ndarray, period: int) -> np.ndarray:
    """The value that holds now: the only one, or that of the period; NaN beyond the last."""
    if values.ndim == 1:
        return values
    return values[:, period] if period < values.shape[1] else np.full(len(values), np.nan)
