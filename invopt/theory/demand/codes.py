"""The forms in which demand is given, as the small numbers that compiled loops compare.

>>> FORMS["poisson"] == POISSON, FORMS["deterministic"] == POISSON
(True, True)
"""

from __future__ import annotations

import numpy as np

POISSON, NORMAL, PMF = 0, 1, 2
# `demand_distribution` of an item -> its code; Poisson stands in for a deterministic forecast, whose error is unknown
FORMS = {"poisson": POISSON, "deterministic": POISSON, "normal": NORMAL, "pmf": PMF}
# probabilities and offsets of items of which none has a pmf
NO_PMF = (np.zeros(0), np.zeros(0, dtype=np.int64))
