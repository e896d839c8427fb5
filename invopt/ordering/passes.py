"""The order step as a list of passes: each turns what was wanted so far into what its rule allows.

A pass gets the lines of a bucket and gives the same lines, in the same order, with another quantity, outcome, because
and ledger where its rule changes them. Lines that share the pass's keys lie in one bucket, of which it may hold many
groups. A new rule is a new entry; its position in the list is the order in which the rules hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from invopt.ordering.acted_on import hold_acted_on
from invopt.ordering.line_rules import supplier_rules


class Pass(NamedTuple):
    """One pass: its name, the columns whose lines it must see together, and its function over a bucket of lines.

    A pass without keys looks at single lines.
    """

    name: str
    keys: tuple[str, ...]
    apply: Callable[[pd.DataFrame], pd.DataFrame]


PASSES: tuple[Pass, ...] = (
    Pass("supplier_rules", ("location_id", "source_id"), supplier_rules),
    Pass("hold_acted_on", (), hold_acted_on),
)


def bucket_keys() -> tuple[str, ...]:
    """The columns by which lines are put into buckets, so that each pass finds its groups whole.

    Lines with the same values of a subset of a pass's keys lie together, and so do its groups.

    >>> bucket_keys()
    ('location_id', 'source_id')
    """
    keyed = [one.keys for one in PASSES if one.keys]
    common = tuple(key for key in keyed[0] if all(key in keys for keys in keyed))
    if not common:
        raise ValueError(f"the passes {', '.join(one.name for one in PASSES)} have no key in common")
    return common
