"""The policy's rule on its items: the units that it wants of each, or why nobody knows them.

An item is blocked, in this order of causes, by

    stale_count   its stock count is too old, or its location has none
    bad_input     a line of it could not be read, or can't be used
    no_solution   nothing was decided for it
    rule_failed   its policy can't be loaded, or the order rule raises or gives what is no quantity
    no_decision   its inventory position is not known, or the decisions say nothing for this day

A blocked item is not ordered. NaN never becomes 0: 0 units are wanted only where the rule says 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from invopt import policies
from invopt.ordering.decisions import as_maps, at_period, decision_arrays
from invopt.ordering.ledger import open_ledgers, post
from invopt.ordering.review_columns import (
    BAD_INPUT,
    BLOCKED,
    NO_DECISION,
    NO_SOLUTION,
    NOTHING_WANTED,
    ORDERED,
    POLICY,
    RULE_FAILED,
    STALE_COUNT,
)
from invopt.theory.order_rules import Stock


@dataclass(frozen=True)
class OrderRule:
    """The order rule of a row of conf/policies.yaml.

    policy, policies_folder : the name of the policy that has the rule, and the user's folder where it may be
    period : whole days since the decisions were made
    """

    policy: str
    policies_folder: str | None
    period: int

    def load(self) -> policies.Policy | BaseException:
        """The policy, or why it can't be loaded: its items are blocked and tell that."""
        try:
            return policies.load(self.policy, self.policies_folder)
        except (Exception, SystemExit) as error:
            return error


def wanted_lines(policy: policies.Policy | BaseException, items: pd.DataFrame, period: int) -> pd.DataFrame:
    """The items of one policy with what it wants of each.

    Parameters
    ----------
    policy : the policy, or the error that loading it raised
    items : (n,) rows with STATE_COLUMNS
    period : whole days since the decisions were made

    Returns
    -------
    the rows of `items` and the columns wanted, quantity (units), outcome, because, detail, decided and ledger
    """
    has_solution = (
        items["status"].notna() & (items["status"] != "no_solution") & items["decisions"].notna()
    ).to_numpy()
    # NULL is not False: nobody knows such a count to be fresh
    is_stale = items["is_stale"].ne(False).to_numpy(bool, na_value=True)
    is_blocked = items["is_blocked"].ne(False).to_numpy(bool, na_value=True)
    position = items["inventory_position"].to_numpy(float, na_value=np.nan)
    wanted = np.full(len(items), np.nan)
    now: dict[str, np.ndarray] = {}
    n_periods, failure = 1, None
    can_ask = has_solution & np.isfinite(position)
    try:
        arrays = decision_arrays(items["decisions"], has_solution)
        n_periods = max((values.shape[1] for values in arrays.values() if values.ndim == 2), default=1)
        now = at_period(arrays, period)
        if isinstance(policy, BaseException):
            raise policy
        if can_ask.any():
            state = items.assign(period=float(period))[can_ask]
            wanted[can_ask] = _asked(policy, {name: values[can_ask] for name, values in arrays.items()}, state)
    except (Exception, SystemExit) as error:
        failure = f"{type(error).__name__}: {' '.join(str(error).split())}"
    causes = np.select(
        [is_stale, is_blocked, ~has_solution, np.full(len(items), failure is not None), np.isnan(wanted)],
        [STALE_COUNT, BAD_INPUT, NO_SOLUTION, RULE_FAILED, NO_DECISION],
        POLICY,
    ).astype(object)
    return _with_ledger(
        items.assign(
            wanted=wanted,
            because=causes,
            detail=_details(causes, items, position, failure, _unknown(n_periods, period)),
            decided=pd.Series(as_maps(now, has_solution), index=items.index, dtype=object),
        )
    )


def _with_ledger(lines: pd.DataFrame) -> pd.DataFrame:
    """The lines with outcome, quantity and ledger; what blocks a line takes back all that was wanted."""
    wanted, because = lines["wanted"].to_numpy(), lines["because"].to_numpy()
    is_blocked = because != POLICY
    known = np.where(np.isnan(wanted), 0.0, wanted)
    quantity = np.where(is_blocked, 0.0, known)
    ledgers = open_ledgers(POLICY, wanted)
    for cause in (BAD_INPUT, STALE_COUNT, NO_SOLUTION, RULE_FAILED, NO_DECISION):
        is_cause = because == cause
        if is_cause.any():
            ledgers = post(ledgers, cause, np.where(is_cause, known, 0.0), np.zeros(len(lines)), always=is_cause)
    outcome = np.where(is_blocked, BLOCKED, np.where(quantity > 0, ORDERED, NOTHING_WANTED)).astype(object)
    return lines.assign(quantity=quantity, outcome=outcome, ledger=pd.Series(ledgers, index=lines.index))


def _details(
    causes: np.ndarray, items: pd.DataFrame, position: np.ndarray, failure: str | None, unknown: str
) -> np.ndarray:
    """Why each item is blocked, in words; for the others the solution's remark, or None."""
    details = _texts(items["message"])
    for cause, texts, if_none in (
        (BAD_INPUT, _texts(items["problem"]), "it is not known what could not be read"),
        (STALE_COUNT, _texts(items["problem"]), "it is not known that the stock count is fresh"),
        (NO_SOLUTION, details, "the policy was not solved for it"),
        (RULE_FAILED, np.full(len(items), failure, dtype=object), None),
        (NO_DECISION, np.where(np.isfinite(position), unknown, "the inventory position is not known"), None),
    ):
        details = np.where(causes == cause, np.where(np.equal(texts, None), if_none, texts), details)
    return details


def _texts(column: pd.Series) -> np.ndarray:
    """The texts of a column; None where there is none."""
    texts = column.to_numpy(object)
    return np.where(column.isna().to_numpy() | (texts == ""), None, texts)


def _unknown(n_periods: int, period: int) -> str:
    """Why decisions give no quantity where the position is known."""
    if n_periods > 1 and period >= n_periods:
        return f"the decisions were made {period} days ago, for {n_periods} days"
    return "the decisions say nothing for this day"


def _asked(policy: policies.Policy, decisions: Mapping[str, np.ndarray], state: pd.DataFrame) -> np.ndarray:
    """The quantities that the order rule asks for; NaN where the decisions say nothing.

    Raises
    ------
    ValueError : the solutions lack one of the policy's decisions, or the rule gives another number of values than
        there are items, or one that can't be a quantity.
    """
    lacking = [name for name in policy.decision_names if name not in decisions]
    if lacking:
        raise ValueError(
            f"the solutions have no {', '.join(lacking)} but {', '.join(decisions) or 'nothing'}: policy "
            f"{policy.name} has changed since, solve it anew"
        )
    asked = np.asarray(_order(policy, {name: decisions[name] for name in policy.decision_names}, state), dtype=float)
    if asked.shape != (len(state),):
        raise ValueError(f"order gave {asked.size} values of shape {asked.shape} for {len(state)} items")
    wrong = asked[np.isinf(asked) | (asked < 0)]
    if len(wrong):
        raise ValueError(f"order gave the quantity {wrong[0]:g}")
    # -0.0 becomes 0.0
    return asked + 0.0


def _order(policy: policies.Policy, decisions: Mapping[str, np.ndarray], state: pd.DataFrame) -> object:
    """The only call of a policy's order rule."""
    stock = Stock(*(state[name].to_numpy(dtype=float, na_value=np.nan) for name in Stock._fields))
    return policy.order(decisions, stock)
