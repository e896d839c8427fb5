"""Random items of each policy, for the laws that every policy obeys and for the benchmarks.

`tests/items/<policy>.py` has two names:

    PARAMS                          the parameter sets worth testing, a tuple of dicts; the first is the default
    random_items(rng, n_partitions) a DataFrame with the three keys and the policy's input columns, slow and fast
    movers, every form of
                                    demand; as many partitions (by the policy's `partition_by`) as asked for, their rows
                                    together
"""

from __future__ import annotations

import pandas as pd


def same_partition(items: pd.DataFrame) -> pd.DataFrame:
    """The items with keys, as one partition that the engine takes."""
    n = len(items)
    keys = {"location_id": ["1"] * n, "product_id": [str(i) for i in range(n)], "source_id": ["1"] * n}
    return items.assign(**keys, partition_key="1", is_audited=False)
