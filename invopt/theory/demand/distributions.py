"""Distributions of demand: probability, cumulative probability and loss, for arrays of arguments.

    n(s) = E(X - s)^+      the loss function: units short when s are there
    E(s - X)^+ = s - E X + n(s)

X is Poisson, Normal, or given by its probabilities on 0, 1, 2, ... (a pmf). A mixture's probability and loss are the
averages of those of its parts, so a caller averages the values of these functions.

Every function is accurate to about 1e-13 of the scale of X: its mean, or its standard deviation when that is larger.
Values are never negative and never NaN, for means from 0 to 1e6 and beyond. Far in the tail, where the loss is below
that scale, relative accuracy is not kept.

Source: Snyder & Shen (2019), Fundamentals of Supply Chain Theory, appendix C (loss functions).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special
from scipy.signal import fftconvolve

from invopt.errors import ParameterError

# product of two lengths up to which the direct convolution is quicker; it also keeps relative accuracy in the tails
DIRECT_CONVOLUTION = 4_000_000
# probabilities of a pmf may miss 1 by this
PMF_TOLERANCE = 1e-6
# ln x! - (x + 1/2) ln x + x - ln(2 pi) / 2 of x = 1..15, at which its series is not yet exact; entry 0 is never read
STIRLING_ERROR = np.array(
    [0.0] + [math.lgamma(x + 1) - (x + 0.5) * math.log(x) + x - 0.5 * math.log(2 * math.pi) for x in range(1, 16)]
)
# from this mean on, scipy's P(X > x) is wrong outside 4.5 standard deviations: its series ends after 2000 terms
LARGE_MEAN = 1e5


def _refuse(name: str, wrong: np.ndarray, why: str) -> None:
    if np.any(wrong):
        raise ParameterError(f"{name} {why}; first at index {int(np.flatnonzero(wrong)[0])}")


def poisson_pmf(x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """P(X = x) = exp(-mean) mean^x / x! for integers x, of any shapes that broadcast.

    Raises
    ------
    ParameterError : a mean is negative or NaN.

    >>> float(poisson_pmf(0, 0.5)).__round__(6)
    0.606531
    """
    x, mean = np.broadcast_arrays(np.asarray(x, float), np.asarray(mean, float))
    _refuse("mean", ~(mean >= 0), "must be 0 or more")
    # Loader's deviance form: the plain exponent -mean + x ln mean - ln x! loses 9 digits at a mean of 1e6
    at = np.maximum(x, 1.0)
    deviance = special.rel_entr(at, mean) - at + mean
    ratio = (at - mean) / (at + mean)
    near = np.abs(ratio) < 0.1
    # x ln(x/m) - x + m = (x-m)^2/(x+m) + 2x (r^3/3 + r^5/5 + ... + r^19/19), r = (x-m)/(x+m), when the two are close
    square = ratio * ratio
    series = np.full_like(ratio, 1 / 19)
    for k in range(17, 1, -2):
        series *= square
        series += 1 / k
    deviance = np.where(near, ratio * (at - mean + 2 * at * square * series), deviance)
    inverse = 1 / at
    square = inverse * inverse
    stirling_series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))
    stirling_error = np.where(at > 15, stirling_series, STIRLING_ERROR[np.minimum(at, 15).astype(np.int64)])
    positive = np.exp(-deviance - stirling_error) / np.sqrt(2 * np.pi * at)
    return np.where(x < 0, 0.0, np.where(x == 0, np.exp(-mean), positive))


def poisson_cdf(x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """P(X <= x), of any shapes that broadcast.

    Raises
    ------
    ParameterError : a mean is negative or NaN.

    >>> float(poisson_cdf(3, 3.0)).__round__(6)
    0.647232
    """
    x, mean = np.broadcast_arrays(np.asarray(x, float), np.asarray(mean, float))
    _refuse("mean", ~(mean >= 0), "must be 0 or more")
    at = np.maximum(x, 0.0)
    # the lower tail keeps its relative accuracy where scipy's own function is right
    cumulative = np.where(mean > LARGE_MEAN, 1.0 - _poisson_survival(at, mean), special.pdtr(at, mean))
    return np.where(x < 0, 0.0, cumulative)


def _poisson_survival(x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """P(X > x) for x >= 0.

    Far from a large mean it is two terms of Temme's expansion, whose error is of the order (x + 1)^-2.

    Source: Temme (1979), The asymptotic expansion of the incomplete gamma functions, SIAM J. Math. Anal. 10(4).
    """
    # np.array turns a single number into an array, so that values can be assigned to it
    survival = np.array(special.pdtrc(x, mean))
    a = np.array(x + 1.0)
    excess = np.array(mean / a - 1.0)
    is_far = (mean > LARGE_MEAN) & (np.abs(excess) * np.sqrt(a) > 4.4)
    if not is_far.any():
        return survival
    a, excess = a[is_far], excess[is_far]
    half_square = excess - np.log1p(excess)
    eta = np.sign(excess) * np.sqrt(2 * half_square)
    first = 1 / excess - 1 / eta
    second = 1 / eta**3 - 1 / excess**3 - 1 / excess**2 - 1 / (12 * excess)
    correction = np.exp(-a * half_square) / np.sqrt(2 * np.pi * a) * (first + second / a)
    survival[is_far] = np.clip(0.5 * special.erfc(-eta * np.sqrt(a / 2)) - correction, 0.0, 1.0)
    return survival


def poisson_loss(s: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """n(s) = E(X - s)^+ = (mean - s) P(X > s) + mean P(X = s) for integers s, of any shapes that broadcast.

    Raises
    ------
    ParameterError : a mean is negative or NaN.

    >>> float(poisson_loss(3, 3.0)).__round__(6)
    0.672125
    """
    s, mean = np.broadcast_arrays(np.asarray(s, float), np.asarray(mean, float))
    _refuse("mean", ~(mean >= 0), "must be 0 or more")
    at = np.maximum(s, 0.0)
    loss = (mean - at) * _poisson_survival(at, mean) + mean * poisson_pmf(at, mean)
    # below zero n(s) = mean - s; rounding may take the difference of two small numbers below zero
    return np.where(s < 0, mean - s, np.maximum(loss, 0.0))


def poisson_loss_table(first: int, number: int, mean: np.ndarray) -> np.ndarray:
    """n(s) of `poisson_loss` at the levels s = first..first+number-1, first >= 0, for (k,) means: a (k, number) array.

    From the last level down each level needs only a probability, which is quicker than a tail:

        P(X > s) = P(X > s+1) + P(X = s+1),     n(s) = n(s+1) + P(X > s)

    Raises
    ------
    ParameterError : a mean is negative or NaN.

    >>> poisson_loss_table(2, 2, np.array([3.0])).round(6).tolist()
    [[1.248935, 0.672125]]
    """
    levels = np.arange(first + number - 1, first - 1, -1.0)
    mean = np.asarray(mean, float)[:, None]
    probability = poisson_pmf(levels, mean)
    last = np.full_like(mean, levels[0])
    survival, loss = np.empty_like(probability), np.empty_like(probability)
    survival[:, :1] = _poisson_survival(last, mean)
    survival[:, 1:] = probability[:, :-1]
    np.cumsum(survival, axis=1, out=survival)
    loss[:, :1] = np.maximum((mean - last) * survival[:, :1] + mean * probability[:, :1], 0.0)
    loss[:, 1:] = survival[:, 1:]
    return np.cumsum(loss, axis=1)[:, ::-1]


def normal_cdf(x: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """P(X <= x) of a Normal; std = 0 is the constant `mean`. Any shapes that broadcast.

    Raises
    ------
    ParameterError : a std is negative or NaN.

    >>> float(normal_cdf(110, 100, 10)).__round__(6)
    0.841345
    """
    x, mean, std = np.broadcast_arrays(np.asarray(x, float), np.asarray(mean, float), np.asarray(std, float))
    _refuse("std", ~(std >= 0), "must be 0 or more")
    z = (x - mean) / np.where(std > 0, std, 1.0)
    return np.where(std > 0, special.ndtr(z), (x >= mean).astype(float))


def normal_loss(s: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """n(s) = std (phi(z) - z P(Z > z)), z = (s - mean)/std; std = 0 is the constant `mean`. Any shapes that broadcast.

    Raises
    ------
    ParameterError : a std is negative or NaN.

    >>> float(normal_loss(100, 100, 10)).__round__(6)
    3.989423
    """
    s, mean, std = np.broadcast_arrays(np.asarray(s, float), np.asarray(mean, float), np.asarray(std, float))
    _refuse("std", ~(std >= 0), "must be 0 or more")
    # beyond 40 standard deviations phi is 0 and the product below is exact; the clip keeps z^2 finite for a tiny std
    z = np.clip((s - mean) / np.where(std > 0, std, 1.0), -40.0, 40.0)
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    loss = std * density + (mean - s) * special.ndtr(-z)
    return np.maximum(np.where(std > 0, loss, mean - s), 0.0)


def pmf_cdf(x: np.ndarray, pmf: np.ndarray) -> np.ndarray:
    """P(X <= x) for integers x of any shape; pmf is (m,), the probabilities of 0..m-1.

    >>> pmf_cdf([-1, 0, 1, 9], [0.25, 0.5, 0.25])
    array([0.  , 0.25, 0.75, 1.  ])
    """
    pmf = np.asarray(pmf, float)
    x = np.asarray(x, dtype=np.int64)
    cumulative = np.concatenate([[0.0], np.cumsum(pmf)])
    return cumulative[np.clip(x + 1, 0, len(pmf))]


def pmf_loss(s: np.ndarray, pmf: np.ndarray) -> np.ndarray:
    """n(s) = sum_{x >= s} P(X > x) for integers s of any shape; pmf is (m,), the probabilities of 0..m-1.

    >>> pmf_loss([-1, 0, 1, 9], [0.25, 0.5, 0.25])
    array([2.  , 1.  , 0.25, 0.  ])
    """
    pmf = np.asarray(pmf, float)
    s = np.asarray(s, dtype=np.int64)
    # the sum starts at the far end, so that small tails are added before large ones
    survival = np.concatenate([np.cumsum(pmf[:0:-1])[::-1], [0.0]])
    loss = np.cumsum(survival[::-1])[::-1]
    return np.where(s < 0, loss[0] - s, loss[np.clip(s, 0, len(pmf) - 1)])


def convolve(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Probabilities of the sum of two independent demands.

    >>> convolve([0.5, 0.5], [0.5, 0.5])
    array([0.25, 0.5 , 0.25])
    """
    left, right = np.asarray(left, float), np.asarray(right, float)
    if len(left) * len(right) <= DIRECT_CONVOLUTION:
        return np.convolve(left, right)
    # the transform rounds: its tails hold specks of 1e-17 of either sign
    total = np.maximum(fftconvolve(left, right), 0.0)
    return total / total.sum()


def convolution_power(pmf: np.ndarray, n: int) -> np.ndarray:
    """Probabilities of the demand of n days, each with probabilities `pmf` of 0..m-1; n = 0 is the constant 0.

    Raises
    ------
    ParameterError : n is negative or no whole number.

    >>> convolution_power([0.5, 0.5], 3)
    array([0.125, 0.375, 0.375, 0.125])
    """
    if n < 0 or n != int(n):
        raise ParameterError(f"n must be a whole number of days, 0 or more, not {n}")
    total, square, left = np.ones(1), np.asarray(pmf, float), int(n)
    while left:
        if left & 1:
            total = convolve(total, square)
        left >>= 1
        if left:
            square = convolve(square, square)
    return total


def mixture_pmf(pmfs: Sequence[np.ndarray], weights: np.ndarray | None = None) -> np.ndarray:
    """Probabilities of a demand that follows pmfs[k] with probability weights[k]; None is equal weights.

    The pmfs may differ in length.

    >>> mixture_pmf([[1.0], [0.5, 0.5]])
    array([0.75, 0.25])
    """
    weights = np.full(len(pmfs), 1 / len(pmfs)) if weights is None else np.asarray(weights, float)
    mixed = np.zeros(max(len(pmf) for pmf in pmfs))
    for pmf, weight in zip(pmfs, weights, strict=True):
        mixed[: len(pmf)] += weight * np.asarray(pmf, float)
    return mixed


def mean_pmf(periods: Sequence[np.ndarray] | None) -> np.ndarray | None:
    """The average of the periods' probabilities of 0, 1, 2, ..., which may differ in length.

    None when there is no period, or when a period's probabilities are not 0 or more or don't add up to 1.

    >>> mean_pmf([[1.0], [0.5, 0.5]])
    array([0.75, 0.25])
    """
    if periods is None or not hasattr(periods, "__len__") or len(periods) == 0:
        return None
    if any(period is None or len(period) == 0 for period in periods):
        return None
    lengths = [len(period) for period in periods]
    values = np.concatenate(list(periods)).astype(float, copy=False)
    if not values.min() >= 0:
        return None
    starts = np.cumsum(lengths) - lengths
    totals = np.add.reduceat(values, starts)
    if not np.abs(totals - 1).max() <= PMF_TOLERANCE:
        return None
    values = values / np.repeat(totals, lengths) / len(lengths)
    return np.bincount(np.arange(len(values)) - np.repeat(starts, lengths), weights=values)
