"""Published instances and what invopt finds for them: `make published` writes the table to docs/published_instances.md.

`tests/published/<kind>.py` has one function, `rows(data)`, which is given the folder of the shared instances and gives
a `Row` for each.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One instance: its name, policy, source, the published optimum, what was found by which method, and the proved
    bound if not optimal.

    published : None where nothing was published; the note then says what ours is compared with
    bound : a lower bound of the optimum that was proved, or None when `ours` is the optimum
    """

    instance: str
    policy: str
    method: str
    source: str
    published: float | None
    ours: float
    bound: float | None = None
    seconds: float | None = None
    note: str = ""
