"""The demand of many items over their lead times: a record for functions of arrays, and one for compiled loops.

    X = demand over tau days,      tau one of n_lead_times equally likely lead times, one day apart

`policies/inputs/item_demand.py` makes the first from the columns of a policy's inputs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.theory.demand.codes import NO_PMF, NORMAL, PMF
from invopt.theory.demand.lead_time_demand import (
    LeadTimeDemand,
    normal_lead_time_demand,
    pmf_lead_time_demand,
    poisson_lead_time_demand,
)


class ItemDemand(NamedTuple):
    """(n,) arrays over the items.

    form : POISSON, NORMAL or PMF
    mean, variance : units/day and units^2/day
    first_lead_time, n_lead_times : days and count
    lead_time_pmfs, pmf_position : item i's probabilities of X are lead_time_pmfs[pmf_position[i]]; -1 where it has none
    """

    form: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    first_lead_time: np.ndarray
    n_lead_times: np.ndarray
    lead_time_pmfs: list[np.ndarray]
    pmf_position: np.ndarray

    def lead_time_demand(self, i: int) -> LeadTimeDemand:
        """X of item i, for functions of one item."""
        lead_times = self.first_lead_time[i] + np.arange(self.n_lead_times[i])
        if self.form[i] == PMF:
            return pmf_lead_time_demand(self.lead_time_pmfs[self.pmf_position[i]])
        if self.form[i] == NORMAL:
            return normal_lead_time_demand(self.mean[i], self.variance[i], lead_times)
        return poisson_lead_time_demand(self.mean[i], lead_times)

    def arrays_of(self, chosen: np.ndarray) -> dict[str, np.ndarray]:
        """Form, moments and lead times of the chosen items, by the names of the searches' parameters."""
        return {
            "form": self.form[chosen],
            "demand_mean": self.mean[chosen],
            "demand_variance": self.variance[chosen],
            "first_lead_time": self.first_lead_time[chosen],
            "n_lead_times": self.n_lead_times[chosen],
        }

    def pmfs_of(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The probabilities of X of the chosen pmf items, one after the other, and the offsets where each starts, with
        the end.
        """
        pmfs = [self.lead_time_pmfs[k] for k in self.pmf_position[chosen & (self.form == PMF)]]
        return np.concatenate([np.zeros(0), *pmfs]), np.cumsum([0, *map(len, pmfs)])


class DemandArrays(NamedTuple):
    """The same for compiled loops: (n,) contiguous arrays of one type each, int64 or float64.

    pmfs, pmf_offsets : item i's probabilities are pmfs[pmf_offsets[i]:pmf_offsets[i + 1]], none for most forms
    """

    form: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    first_lead_time: np.ndarray
    n_lead_times: np.ndarray
    pmfs: np.ndarray
    pmf_offsets: np.ndarray


def demand_arrays(
    form: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    first_lead_time: np.ndarray,
    n_lead_times: np.ndarray,
    pmfs: tuple[np.ndarray, np.ndarray] = NO_PMF,
    has_pmf: np.ndarray | None = None,
) -> DemandArrays:
    """The arrays of n items.

    Parameters
    ----------
    form, mean, variance, first_lead_time, n_lead_times : (n,) arrays, as in `ItemDemand`
    pmfs : what `ItemDemand.pmfs_of` gives: probabilities one after the other, and the offset of each, with the end
    has_pmf : (n,) bool array, the items that `pmfs` belong to, in their order; None: those of form PMF

    >>> ones = np.ones(3)
    >>> demand = demand_arrays([0, 2, 2], ones, ones, ones, ones, (np.array([0.5, 0.5, 1.0]), [0, 2, 3]))
    >>> demand.pmf_offsets.tolist()
    [0, 0, 2, 3]
    """
    form = np.ascontiguousarray(form, dtype=np.int64)
    values, offsets = pmfs
    lengths = np.zeros(len(form), dtype=np.int64)
    lengths[form == PMF if has_pmf is None else has_pmf] = np.diff(offsets)
    return DemandArrays(
        form,
        *(np.ascontiguousarray(array, dtype=np.float64) for array in (mean, variance, first_lead_time)),
        np.ascontiguousarray(n_lead_times, dtype=np.int64),
        np.ascontiguousarray(values, dtype=np.float64),
        np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)]),
    )
