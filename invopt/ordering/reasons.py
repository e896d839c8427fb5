"""The sentence that says why an item has its quantity: its stock, its decisions, and each rule that changed something.

This is the only place that writes a reason, and no code reads one back but to find RULE_FAILED in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from invopt.ordering.line_rules import LineQuantities

NOTHING_KNOWN = "the decisions say nothing for this day, or the inventory position is not known"


def reasons(
    lines: LineQuantities, wanted: np.ndarray, decisions: Mapping[str, np.ndarray], state: pd.DataFrame
) -> Iterator[str]:
    """One sentence per item; the parameters are those of `decide_lines`."""
    titles = [name.lower().replace("_", " ") for name in decisions]
    is_known = np.isfinite(wanted)
    positions = _positions(state)
    is_blocked, causes = state["is_blocked"].to_numpy(bool), state["blocked_because"].to_numpy(object)
    remarks = [f"; {remark}" if isinstance(remark, str) and remark else "" for remark in state["solution_remark"]]
    for i, position in enumerate(positions):
        if is_blocked[i]:
            yield f"held: {causes[i]}; {position}"
            continue
        if not is_known[i]:
            yield f"held: {NOTHING_KNOWN}; {position}"
            continue
        decided = ", ".join(f"{title} {values[i]:g}" for title, values in zip(titles, decisions.values(), strict=True))
        if lines.wanted[i] <= 0:
            yield f"nothing wanted: {position}; {decided}{remarks[i]}"
        else:
            yield f"{position}; {decided}: {_quantity(lines, i)}{remarks[i]}"


def _positions(state: pd.DataFrame) -> Iterator[str]:
    names = ("inventory_position", "on_hand", "expiring", "on_order", "on_order_late")
    stocks = (state[name].to_numpy(float) for name in names)
    for position, on_hand, expiring, on_order, late in zip(*stocks, strict=True):
        text = f"position {position:g} = {on_hand:g} on hand - {expiring:g} expiring + {on_order:g} on order"
        yield f"{text} ({late:g} late)" if late > 0 else text


def _quantity(lines: LineQuantities, i: int) -> str:
    """From what is wanted to what is ordered, with the rules that changed it."""
    text = f"{lines.wanted[i]:g} wanted"
    if lines.raised[i] > lines.wanted[i]:
        text += f", raised to the minimum {lines.minimum[i]:g}"
    if lines.rounded[i] > lines.raised[i]:
        text += f", rounded up to a multiple of {lines.multiple[i]:g}"
    if lines.cut[i] < lines.rounded[i]:
        text += f", cut to the maximum {lines.maximum[i]:g}"
    if lines.accepted[i] <= 0:
        return (
            f"{text}; can't be ordered: no multiple of {lines.multiple[i]:g} lies between the minimum "
            f"{lines.minimum[i]:g} and the maximum {lines.maximum[i]:g}"
        )
    return text if lines.accepted[i] == lines.wanted[i] else f"{text}: {lines.accepted[i]:g} ordered"
