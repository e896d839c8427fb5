"""The sentence that says why an item has its quantity, written last and from the columns of its review alone.

This is the only place that writes a reason, and no code reads one back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from invopt.ordering.ledger import Row
from invopt.ordering.line_rules import ROUNDING
from invopt.ordering.review_columns import (
    BLOCKED,
    IMPOSSIBLE,
    MAXIMUM,
    MINIMUM,
    MULTIPLE,
    NO_SOLUTION,
    NOTHING_WANTED,
    POLICY,
    RULE_FAILED,
    STOCK_COLUMNS,
)

# what stands before the detail of a blocked line
_CAUSES = {NO_SOLUTION: "no solution: ", RULE_FAILED: "the order rule failed: "}


def sentences(reviews: pd.DataFrame) -> Iterator[str]:
    """One sentence per row with the columns of REVIEW_TYPES."""
    columns = ("outcome", "because", "detail", "decided", "ledger", "wanted", "quantity")
    values = (reviews[name].to_numpy(object) for name in columns)
    titles: dict[str, str] = {}
    for position, outcome, because, detail, decided, ledger, wanted, quantity in zip(
        _positions(reviews), *values, strict=True
    ):
        basis = position
        if decided:
            basis = f"{position}; {_decisions(decided, titles)}"
        remark = f"; {detail}" if detail else ""
        if outcome == BLOCKED:
            known = "" if wanted != wanted else f": {_number(wanted)} would be wanted"
            yield f"held: {_CAUSES.get(because, '')}{detail}; {basis}{known}"
        elif outcome == IMPOSSIBLE:
            yield f"can't be ordered: {_contradiction(ledger)}; {basis}: {_number(wanted)} wanted{remark}"
        elif outcome == NOTHING_WANTED:
            yield f"nothing wanted: {basis}{remark}"
        else:
            yield f"{basis}: {_steps(ledger, quantity)}{remark}"


def _positions(reviews: pd.DataFrame) -> Iterator[str]:
    stocks = (reviews[name].to_numpy(float, na_value=np.nan).tolist() for name in STOCK_COLUMNS)
    for position, on_hand, expiring, on_order, late in zip(*stocks, strict=True):
        text = (
            f"position {_number(position)} = {_number(on_hand)} on hand - {_number(expiring)} expiring + "
            f"{_number(on_order)} on order"
        )
        yield f"{text} ({_number(late)} late)" if late > 0 else text


def _decisions(decided: Mapping[str, float], titles: dict[str, str]) -> str:
    for name in decided:
        if name not in titles:
            titles[name] = name.lower().replace("_", " ")
    return ", ".join([f"{titles[name]} {_number(value)}" for name, value in decided.items()])


def _steps(ledger: Sequence[Row], quantity: float) -> str:
    """From what is wanted to what is ordered, with the steps that changed it."""
    units, texts = 0.0, []
    for step, change, limit, _ in ledger:
        units += change
        if step == POLICY:
            texts.append(f"{_number(units)} wanted")
        elif abs(change) > ROUNDING * max(1.0, units):
            texts.append(_step(step, change, limit, units))
    if len(texts) > 1:
        texts[-1] += f": {_number(quantity)} ordered"
    return ", ".join(texts)


def _step(step: str, change: float, limit: float | None, units: float) -> str:
    if step == MINIMUM:
        return f"raised to the minimum {_number(limit)}"
    if step == MULTIPLE:
        return f"rounded up to a multiple of {_number(limit)}" if limit > 1 else "rounded up to whole units"
    if step == MAXIMUM:
        is_reached = abs(units - limit) <= ROUNDING * max(1.0, limit)
        return f"cut to the {'' if is_reached else 'largest multiple up to the '}maximum {_number(limit)}"
    name = step.replace("_", " ")
    return f"{name} {change:+g}" if limit is None else f"{name} {_number(limit)} {change:+g}"


def _contradiction(ledger: Sequence[Row]) -> str:
    """Which limits of an impossible line leave no quantity between them."""
    limits = {step: limit for step, _, limit, _ in ledger}
    most, least, multiple = limits[MAXIMUM], limits.get(MINIMUM, 0.0), limits.get(MULTIPLE, 1.0)
    for limit, value in (("minimum", least), ("multiple", multiple)):
        if value == float("inf"):
            return f"the {limit} is infinite: correct it in store_product_supplier"
    if most < least:
        return f"the minimum {_number(least)} is more than the maximum {_number(most)}"
    if most == 0:
        return "the maximum is 0"
    if least > 0:
        steps = f"multiple of {_number(multiple)}" if multiple > 1 else "whole number of units"
        return f"no {steps} lies between the minimum {_number(least)} and the maximum {_number(most)}"
    return (
        f"the maximum {_number(most)} is less than one {f'multiple of {_number(multiple)}' if multiple > 1 else 'unit'}"
    )


def _number(value: float) -> str:
    """Six digits, and all of them before the point.

    >>> _number(7.0), _number(0.1 + 0.2), _number(1234567.0), _number(float("nan"))
    ('7', '0.3', '1234567', 'unknown')
    """
    if value != value:
        return "unknown"
    return f"{value:g}" if -1e6 < value < 1e6 else f"{value:.0f}"
