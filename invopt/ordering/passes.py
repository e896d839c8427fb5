"""The order step as a list of passes: each turns what was wanted so far into what its rule allows.

A pass gets the lines of a bucket and gives the same lines, in the same order, with another quantity, outcome, because
and ledger where its rule changes them. Lines that share the pass's keys lie in one bucket, of which it may hold many
groups. A new rule is a new entry; its position in the list is the order in which the rules hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from invopt.ordering.line_rules import supplier_rules


class Pass(NamedTuple):
    """One pass: its name, the columns whose lines it must see together, and its function over a bucket of lines."""

    name: str
    keys: tuple[str, ...]
    apply: Callable[[pd.DataFrame], pd.DataFrame]


PASSES: tuple[Pass, ...] = (Pass("supplier_rules", ("location_id", "source_id"), supplier_rules),)
