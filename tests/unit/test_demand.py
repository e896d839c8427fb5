"""The distributions against scipy.stats, plain sums and quadrature, and the compiled losses against the vectorised
ones.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from invopt.errors import ParameterError
from invopt.policies.inputs.item_demand import period_means
from invopt.theory.demand.codes import NORMAL, PMF, POISSON
from invopt.theory.demand.distributions import (
    convolution_power,
    convolve,
    mean_pmf,
    mixture_pmf,
    normal_cdf,
    normal_loss,
    pmf_cdf,
    pmf_loss,
    poisson_cdf,
    poisson_loss,
    poisson_loss_table,
    poisson_pmf,
)
from invopt.theory.demand.item_demand import demand_arrays
from invopt.theory.demand.lead_time import equally_likely_lead_times
from invopt.theory.demand.lead_time_demand import (
    lead_time_pmf,
    normal_lead_time_demand,
    pmf_lead_time_demand,
    poisson_lead_time_demand,
)
from invopt.theory.demand.loss import LeadTimeBand, band_and_losses, loss_at

MEANS = (0.01, 0.3, 1.0, 7.5, 200.0, 4096.5, 1e6)


def levels_around(mean: float) -> np.ndarray:
    """Whole levels over 15 standard deviations either side, at most some hundreds of them, and a few out in the
    tails.
    """
    std = np.sqrt(mean)
    near = np.linspace(max(0.0, mean - 15 * std), mean + 15 * std + 30, 400)
    return np.unique(np.rint(np.concatenate([[0, 1], near, [mean + 40 * std + 200]])))


@pytest.mark.parametrize("mean", MEANS)
def test_poisson_probabilities_are_those_of_scipy(mean):
    x = levels_around(mean)
    # scipy's own pmf is good to about 1e-16 times its exponent's largest term
    rtol = 1e-14 * max(100.0, mean * np.log(mean + 2))
    np.testing.assert_allclose(poisson_pmf(x, mean), stats.poisson.pmf(x, mean), rtol=rtol, atol=1e-300)
    np.testing.assert_allclose(
        poisson_cdf(x, mean), stats.poisson.cdf(x, mean), rtol=0, atol=1e-15 if mean < 1e5 else 1e-9
    )


def test_poisson_probabilities_add_up_to_one_for_a_large_mean():
    x = np.arange(1_000_000 - 12_000, 1_000_000 + 12_000)
    assert poisson_pmf(x, 1e6).sum() == pytest.approx(1.0, abs=1e-13)
    assert poisson_pmf(x, 1e6) @ (x - 1e6) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("mean", MEANS)
def test_poisson_loss_is_the_sum_of_the_tail(mean):
    std = np.sqrt(mean)
    x = np.arange(int(max(0, mean - 14 * std)), int(mean + 20 * std + 60))
    # scipy's sf of a mean of 1e6 is good to 4e-11 only, as its series is cut off; our pmf is tied to scipy's and to a
    # sum of 1 above
    survival = np.cumsum(poisson_pmf(x, mean)[::-1])[::-1] - poisson_pmf(x, mean)
    tail_sums = np.cumsum(survival[::-1])[::-1]
    np.testing.assert_allclose(poisson_loss(x, mean), tail_sums, rtol=0, atol=1e-13 * max(mean, 1))


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("deviations", [-20, -3, 0, 4, 50])
def test_poisson_loss_table_has_the_losses_of_its_levels(mean, deviations):
    first, means = max(0, int(mean + deviations * np.sqrt(mean))), mean * np.array([0.0, 1.0, 1.02, 3.0])
    table = poisson_loss_table(first, 60, means)
    assert (table >= 0).all()
    np.testing.assert_allclose(
        table, poisson_loss(first + np.arange(60), means[:, None]), rtol=0, atol=1e-13 * max(mean, 1)
    )


@pytest.mark.parametrize("mean", MEANS)
def test_poisson_loss_is_never_negative_falls_and_starts_at_the_mean(mean):
    s = levels_around(mean)
    loss = poisson_loss(s, mean)
    assert loss[0] == pytest.approx(mean, rel=1e-14)
    assert (loss >= 0).all() and (np.diff(loss) <= 1e-13 * mean).all()
    assert poisson_loss(-3, mean) == pytest.approx(mean + 3)


def test_poisson_of_mean_zero_is_the_constant_zero():
    assert poisson_pmf([0, 1], 0.0).tolist() == [1, 0]
    assert poisson_cdf([-1, 0], 0.0).tolist() == [0, 1]
    assert poisson_loss([-2, 0, 5], 0.0).tolist() == [2, 0, 0]


@pytest.mark.parametrize(("mean", "std"), [(0.01, 0.2), (100, 10), (1e6, 1e3), (50, 1e-3)])
def test_normal_loss_is_the_integral_of_the_tail(mean, std):
    for z in (-6, -1.5, 0, 0.3, 2, 5):
        s = mean + z * std
        integral = std * integrate.quad(lambda t, z=z: stats.norm.sf(t), z, 40, epsabs=1e-14, limit=200)[0]
        assert float(normal_loss(s, mean, std)) == pytest.approx(integral, rel=1e-7, abs=1e-11 * std)
        # (s - mean) / std is not z any more when a small std was added to a large mean
        assert float(normal_cdf(s, mean, std)) == pytest.approx(stats.norm.cdf((s - mean) / std), abs=1e-15)


def test_normal_without_variance_is_a_constant():
    assert normal_loss([3, 7, 9], 7, 0).tolist() == [4, 0, 0]
    assert normal_cdf([6.9, 7, 7.1], 7, 0).tolist() == [0, 1, 1]


def test_normal_loss_far_out_is_zero_or_the_straight_line():
    assert normal_loss([1e9, -1e9], 5, 1e-6).tolist() == [0, 1e9 + 5]


@pytest.mark.parametrize("n", [0, 1, 2, 7, 60])
def test_convolution_power_of_a_coin_is_binomial(n):
    np.testing.assert_allclose(convolution_power([0.7, 0.3], n), stats.binom.pmf(np.arange(n + 1), n, 0.3), rtol=1e-12)


def test_long_convolutions_by_transform_are_as_good_as_probabilities_need():
    left, right = stats.binom.pmf(np.arange(3001), 3000, 0.3), stats.binom.pmf(np.arange(2001), 2000, 0.3)
    total = convolve(left, right)
    assert (total >= 0).all() and total.sum() == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(total, stats.binom.pmf(np.arange(5001), 5000, 0.3), rtol=0, atol=1e-15)


def test_pmf_functions_follow_their_definitions():
    pmf = np.array([0.1, 0.0, 0.6, 0.3])
    for s in range(-2, 6):
        assert float(pmf_loss(s, pmf)) == pytest.approx(sum(max(x - s, 0) * q for x, q in enumerate(pmf)))
        assert float(pmf_cdf(s, pmf)) == pytest.approx(sum(q for x, q in enumerate(pmf) if x <= s))


def test_a_mixture_has_the_mixture_of_the_losses():
    pmfs = [np.array([0.5, 0.5]), np.array([0.1, 0.2, 0.3, 0.4])]
    s = np.arange(5)
    expected = 0.3 * pmf_loss(s, pmfs[0]) + 0.7 * pmf_loss(s, pmfs[1])
    np.testing.assert_allclose(pmf_loss(s, mixture_pmf(pmfs, [0.3, 0.7])), expected)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: poisson_loss(1, [2, -1]), "mean"),
        (lambda: poisson_pmf(1, np.nan), "mean"),
        (lambda: normal_loss(1, 1, [0, 1, -1]), "std"),
        (lambda: convolution_power([1.0], -1), "days"),
        (lambda: convolution_power([1.0], 1.5), "days"),
    ],
)
def test_arguments_out_of_their_domain_are_refused_by_name(call, named):
    with pytest.raises(ParameterError, match=named):
        call()


@pytest.mark.parametrize(
    ("lead_time", "confidence", "expected"),
    [
        (3, 0, [3]),
        (0.5, 0, [0.5]),
        (3, 2, [1, 2, 3, 4, 5]),
        (1, 3, [0, 1, 2, 3, 4]),
        (2.5, 1, [2, 3]),
        (2.5, 0.2, [2.5]),
        (2.9, 0.2, [3]),
        (0, 0, [0]),
        (0.3 - 0.1, 0.2 + 1e-13, [0]),
    ],
)
def test_equally_likely_lead_times(lead_time, confidence, expected):
    first, number = equally_likely_lead_times([lead_time], [confidence])
    assert (first[0] + np.arange(number[0])).tolist() == pytest.approx(expected)


def losses(band: LeadTimeBand, table: np.ndarray, levels: np.ndarray) -> list[float]:
    return [loss_at(int(y), band, table) for y in levels]


def loss_of_item(
    form: int, mean: float, variance: float, first: float, number: int, *pmf
) -> tuple[LeadTimeBand, np.ndarray]:
    columns = (np.array([value]) for value in (form, mean, variance, first, number))
    pmfs = (np.concatenate([np.zeros(0), *pmf]), np.cumsum([0, *map(len, pmf)]))
    return band_and_losses(demand_arrays(*columns, pmfs), 0)


@pytest.mark.parametrize("mean", [0.0, *MEANS])
@pytest.mark.parametrize(("first", "number"), [(1.0, 1), (0.0, 4), (2.0, 5)])
def test_compiled_poisson_losses_agree_with_scipy(mean, first, number):
    demand = poisson_lead_time_demand(mean, first + np.arange(number))
    band, table = loss_of_item(POISSON, mean, 0.0, first, number)
    levels = np.concatenate([[0], levels_around(first * mean), levels_around((first + number - 1) * mean)])
    # rounding adds up over the levels of the table: millions when the lead times' means are that far apart
    atol = 1e-13 * max(demand.mean, 1) + 3e-17 * len(table) * max(demand.mean, 1)
    np.testing.assert_allclose(losses(band, table, levels), demand.loss(levels), rtol=0, atol=atol)


@pytest.mark.parametrize(("mean", "variance"), [(0.01, 0.3), (3.0, 0.0), (25.0, 16.0), (12_000.0, 9e6)])
@pytest.mark.parametrize(("first", "number"), [(2.5, 1), (0.0, 4), (30.0, 1)])
def test_compiled_normal_losses_agree_with_scipy(mean, variance, first, number):
    demand = normal_lead_time_demand(mean, variance, first + np.arange(number))
    levels = np.unique(np.rint(demand.mean + demand.std * np.linspace(-12, 12, 101)))
    compiled = loss_of_item(NORMAL, mean, variance, first, number)
    np.testing.assert_allclose(losses(*compiled, levels), demand.loss(levels), rtol=0, atol=1e-13 * max(demand.mean, 1))


def test_compiled_table_of_a_pmf_agrees_with_the_definition():
    pmf = lead_time_pmf([0.6, 0.1, 0.2, 0.1], 1, 4)
    levels = np.arange(-2, 20)
    np.testing.assert_allclose(
        losses(*loss_of_item(PMF, 0.8, 0.0, 1.0, 4, pmf), levels), pmf_loss(levels, pmf), atol=1e-14
    )
    demand = pmf_lead_time_demand(pmf)
    assert demand.mean == pytest.approx(0.8 * 2.5)
    # within a lead time of 2.5 days on average, and between lead times: Var = 2.5 v + a^2 Var(tau)
    assert demand.std**2 == pytest.approx(2.5 * (0.1 + 0.8 + 0.9 - 0.64) + 0.64 * 1.25)


def test_period_means_find_the_series_that_cant_be_used():
    column = np.empty(6, dtype=object)
    column[:] = [np.array([1.0, 2.0]), None, np.array([]), np.array([1.0, np.nan]), [4, 0], np.array([np.inf])]
    means, is_usable = period_means(column)
    assert is_usable.tolist() == [True, False, False, False, True, False]
    assert means[[0, 4]].tolist() == [1.5, 2.0]


@pytest.mark.parametrize(
    "periods", [None, [], [[]], [[0.5, 0.4]], [[1.5, -0.5]], [[1.0], [np.nan]], [[1.0], None], [[0.5], [1.5]]]
)
def test_no_average_of_what_are_no_probabilities(periods):
    assert mean_pmf(periods) is None
