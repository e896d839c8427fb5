"""Demand over an uncertain lead time: the mixture over the equally likely lead times, for every form of demand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from invopt.theory.demand.distributions import (
    convolution_power,
    convolve,
    mixture_pmf,
    normal_cdf,
    normal_loss,
    pmf_cdf,
    pmf_loss,
    poisson_cdf,
    poisson_loss,
    poisson_pmf,
)


class LeadTimeDemand(NamedTuple):
    """One item's demand X over lead times tau that are equally likely.

    form : "poisson", "normal" or "pmf"
    means, stds : (number of lead times,) arrays, units: of X for each tau; a pmf has one mean and one std, of X itself
    pmf : probabilities of X = 0, 1, 2, ...; empty for the other forms
    """

    form: str
    means: np.ndarray
    stds: np.ndarray
    pmf: np.ndarray

    @property
    def mean(self) -> float:
        """E X, units."""
        return float(self.means.mean())

    @property
    def std(self) -> float:
        """Standard deviation of X, units: within the lead times and between them."""
        return float(np.sqrt((self.stds**2).mean() + self.means.var()))

    def loss(self, s: np.ndarray) -> np.ndarray:
        """n(s) = E(X - s)^+ for an (m,) array of whole s, units."""
        if self.form == "pmf":
            return pmf_loss(s, self.pmf)
        s = np.asarray(s, float)[None, :]
        if self.form == "normal":
            return normal_loss(s, self.means[:, None], self.stds[:, None]).mean(axis=0)
        return poisson_loss(s, self.means[:, None]).mean(axis=0)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """P(X <= x) for an (m,) array of whole x.

        >>> poisson_lead_time_demand(1.5, [2]).cdf(np.array([3])).round(6)
        array([0.647232])
        """
        if self.form == "pmf":
            return pmf_cdf(x, self.pmf)
        x = np.asarray(x, float)[None, :]
        if self.form == "normal":
            return normal_cdf(x, self.means[:, None], self.stds[:, None]).mean(axis=0)
        return poisson_cdf(x, self.means[:, None]).mean(axis=0)

    def probability(self, x: np.ndarray) -> np.ndarray:
        """P(X = x) for an (m,) array of whole x >= 0.

        A Normal counts at x within half a unit of it; x = 0 takes all that is below.

        >>> poisson_lead_time_demand(1.5, [2]).probability(np.array([0, 3])).round(6)
        array([0.049787, 0.224042])
        """
        x = np.asarray(x, float)
        if self.form == "pmf":
            inside = np.minimum(x.astype(np.int64), len(self.pmf) - 1)
            return np.where(x < len(self.pmf), self.pmf[inside], 0.0)
        if self.form == "normal":
            upper = normal_cdf(x[None, :] + 0.5, self.means[:, None], self.stds[:, None])
            lower = normal_cdf(x[None, :] - 0.5, self.means[:, None], self.stds[:, None])
            return np.where(x > 0, upper - lower, upper).mean(axis=0)
        return poisson_pmf(x[None, :], self.means[:, None]).mean(axis=0)


def poisson_lead_time_demand(demand_mean: float, lead_times: Sequence[float]) -> LeadTimeDemand:
    """Poisson of mean a tau; demand_mean in units/day, lead_times in days.

    >>> float(poisson_lead_time_demand(1.5, [2]).loss(np.array([3]))[0]).__round__(6)
    0.672125
    """
    means = demand_mean * np.asarray(lead_times, float)
    return LeadTimeDemand("poisson", means, np.sqrt(means), np.zeros(0))


def normal_lead_time_demand(demand_mean: float, demand_variance: float, lead_times: Sequence[float]) -> LeadTimeDemand:
    """Normal of mean a tau and variance v tau.

    demand_mean in units/day, demand_variance in units^2/day, lead_times in days.

    >>> normal_lead_time_demand(25, 25, [3, 5]).std.__round__(6)
    26.925824
    """
    lead_times = np.asarray(lead_times, float)
    return LeadTimeDemand("normal", demand_mean * lead_times, np.sqrt(demand_variance * lead_times), np.zeros(0))


def lead_time_pmf(pmf: np.ndarray, first_lead_time: int, n_lead_times: int) -> np.ndarray:
    """Probabilities of X = 0, 1, ... when a day's demand has probabilities `pmf`.

    tau is first_lead_time, first_lead_time + 1, ..., n_lead_times whole numbers of days.

    >>> lead_time_pmf([0.5, 0.5], 0, 3)
    array([0.58333333, 0.33333333, 0.08333333])
    """
    powers = [convolution_power(pmf, int(first_lead_time))]
    for _ in range(int(n_lead_times) - 1):
        powers.append(convolve(powers[-1], pmf))
    return powers[0] if len(powers) == 1 else mixture_pmf(powers)


def pmf_lead_time_demand(total_pmf: np.ndarray) -> LeadTimeDemand:
    """X given by its own probabilities, such as those of `lead_time_pmf`.

    >>> pmf_lead_time_demand(lead_time_pmf([0.5, 0.5], 4, 1)).mean
    2.0
    """
    total_pmf = np.asarray(total_pmf, float)
    x = np.arange(len(total_pmf))
    mean = total_pmf @ x
    return LeadTimeDemand("pmf", np.array([mean]), np.sqrt([total_pmf @ (x - mean) ** 2]), total_pmf)
