"""The demand forecasts that the demo chain delivers as files: near the truth, not equal to it.

A forecast of day t for item i is mu_i(t) x bias_i x noise_it. mu is the true mean of that weekday; the bias of the item
(8 %) stays; the noise (5 %) is new in each forecast. A pmf forecast lists the points 0..M of a Poisson with extra
zeros, its law in `chain.py`. The point M also has the probability of all points beyond it, so that they add up to 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from invopt.world.assortment import Assortment
from invopt.world.chain import DETERMINISTIC, NORMAL, PMF, POISSON, Chain
from invopt.world.history import mean_demand_on

HORIZON = 42
BIAS, NOISE = 0.08, 0.05
# the pmf stops where the Poisson's tail is below this
PMF_TAIL = 0.002
# the number in the files for a variance that is not known
UNKNOWN = -1.0
DISTRIBUTIONS = ("", "Poisson", "Normal")


@dataclass(frozen=True)
class ForecastRows:
    """One entry per row of the file.

    store, product : positions in the chunk of stores and in the chain
    day : days from the first forecast day
    demand : units
    distribution : position in `DISTRIBUTIONS`
    variance : units^2, -1 unknown
    probability : of the demand

    The rows of an item are together; within each form the items are in the order of store and product.
    """

    store: np.ndarray
    product: np.ndarray
    day: np.ndarray
    demand: np.ndarray
    distribution: np.ndarray
    variance: np.ndarray
    probability: np.ndarray


def draw_bias(assortment: Assortment, rng: np.random.Generator) -> np.ndarray:
    """(n_stores, n_products) factor by which an item's forecasts are wrong."""
    return rng.lognormal(0.0, BIAS, assortment.demand_mean.shape)


def forecast_rows(
    chain: Chain, assortment: Assortment, bias: np.ndarray, *, first_weekday: int, rng: np.random.Generator
) -> ForecastRows:
    """The rows of the forecasts made on one day for `HORIZON` days from it."""
    n_stores, n_products = bias.shape
    week = np.stack([mean_demand_on(chain, assortment, (first_weekday + day) % 7) for day in range(7)], axis=-1)
    mean = (
        week[..., np.arange(HORIZON) % 7] * bias[..., None] * rng.lognormal(0.0, NOISE, (n_stores, n_products, HORIZON))
    )
    is_pmf = chain.products.forecast_form == PMF
    parts = [
        _single_columns(chain, np.flatnonzero(~is_pmf), mean),
        *(_pmf_columns(chain, product, mean) for product in np.flatnonzero(is_pmf)),
    ]
    store, product, day, demand, law, variance, probability = (
        np.concatenate([np.ravel(array) for array in column]) for column in zip(*parts, strict=True)
    )
    return ForecastRows(
        store.astype(np.int32),
        product.astype(np.int32),
        day.astype(np.int32),
        demand,
        law.astype(np.int32),
        variance,
        probability,
    )


def _single_columns(chain: Chain, products: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, ...]:
    """The columns of `ForecastRows` for products with one row per day, each (n_stores, n_products, HORIZON)."""
    form = chain.products.forecast_form[products]
    means = np.maximum(mean[:, products].round(3), 0.001)
    by_form = np.zeros(4)
    by_form[[POISSON, NORMAL, DETERMINISTIC]] = [DISTRIBUTIONS.index(name) for name in ("Poisson", "Normal", "")]
    variance = (means * chain.products.dispersion[products][None, :, None]).round(3)
    return (
        np.broadcast_to(np.arange(len(mean))[:, None, None], means.shape),
        np.broadcast_to(products[None, :, None], means.shape),
        np.broadcast_to(np.arange(HORIZON), means.shape),
        means,
        np.broadcast_to(by_form[form][None, :, None], means.shape),
        np.where((form == DETERMINISTIC)[None, :, None], UNKNOWN, variance),
        np.ones(means.shape),
    )


def _pmf_columns(chain: Chain, product: int, mean: np.ndarray) -> tuple[np.ndarray, ...]:
    """The columns of `ForecastRows` for a product with a row per point, each (n_stores, HORIZON, n_points)."""
    points = pmf(mean[:, product], chain.products.zero_share[product])
    shape = points.shape
    return (
        np.broadcast_to(np.arange(len(mean))[:, None, None], shape),
        np.full(shape, product),
        np.broadcast_to(np.arange(HORIZON)[None, :, None], shape),
        np.broadcast_to(np.arange(shape[-1], dtype=float), shape),
        np.zeros(shape),
        np.full(shape, UNKNOWN),
        points,
    )


def pmf(mean: np.ndarray, zero_share: float) -> np.ndarray:
    """Probabilities of the points 0..M, rounded to 6 digits and adding up to 1.

    M is common to all means and covers the largest.

        P(0) = q + (1-q) e^-m,   P(k) = (1-q) e^-m m^k / k!,   m = mean / (1-q)

    Parameters
    ----------
    mean : array of any shape, units/day, > 0
    zero_share : fraction of days without any demand [q]

    Returns
    -------
    (..., M+1) array

    >>> pmf(np.array([0.1]), 0.0).tolist()
    [[0.904837, 0.090484, 0.004679]]
    """
    rate = np.asarray(mean)[..., None] / (1 - zero_share)
    largest = rate.max()
    columns, covered = [], 0.0
    while covered < 1 - PMF_TAIL:
        k = len(columns)
        # by logarithms: e^-m of a mean above 745 is no number above 0
        columns.append(np.exp(k * np.log(rate) - rate - math.lgamma(k + 1)))
        covered += math.exp(k * math.log(largest) - largest - math.lgamma(k + 1))
    points = np.concatenate(columns, axis=-1) * (1 - zero_share)
    points[..., 0] += zero_share
    points[..., -1] = np.maximum(1 - points[..., :-1].sum(axis=-1), 0.0)
    points = points.round(6)
    # the remainder of rounding goes to zero demand, or to the likeliest where zero demand is too unlikely for it
    remainder = 1 - points.sum(axis=-1)
    place = np.where(points[..., 0] + remainder >= 0, 0, points.argmax(axis=-1))[..., None]
    np.put_along_axis(points, place, np.take_along_axis(points, place, -1) + remainder[..., None], -1)
    return points.round(6)
