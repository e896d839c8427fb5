"""The best (R, S) of many items at once, exactly: the smallest best S of each R that can be the best.

`periodic_review_cost.py` defines the costs. Three facts make the search short (F_R(S) is the cost of R days, X_t the demand of t days):

1. For a given R the cost is convex in S, so the best whole S is the first that the next one does not beat, and a service that rises with S
   is a lower limit of S: S(R) is the larger of the two.
2. A Poisson X_t grows with t, so with `daily_review` both rise with R, and S walks upwards through the R; each step multiplies the
   probabilities by mean / level. A Normal and a pmf are evaluated anywhere, and their S is found by doubling and halving steps.
3. Jensen: E (S - X)^+ >= (S - E X)^+ and E (X - S)^+ >= (E X - S)^+, so no (R, S) is cheaper than with constant demand, where day j of the
   cycle has exactly a (L + j). There the best S is the demand up to day k = ceil(p R / (h + p)), so
   C(R, S) >= [ K + a (h k (k-1) / 2 + p (R-k) (R-k+1) / 2) ] / R. The guide's cost has S >= a (L+R), so it is at least K/R + h a R/2.
   An R whose bound is above the best cost found is left out.

Source: Snyder & Shen (2019), section 4.3; Silver, Pyke & Thomas (2017), section 6.10.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.convolution import convolved, convolved_power, trimmed
from invopt.theory.lead_time_loss import NORMAL_BAND, losses_of, poisson_band
from invopt.theory.reorder_point import NORMAL, POISSON

NO_SERVICE, CYCLE, FILL_RATE = 0, 1, 2
# a share of a sum that no longer changes it
SPECK = 1e-18
# levels from which four terms of Stirling's series are right to 1e-16
SMALLEST_STIRLING = 32
# how much better a later R or S must be: equal costs that differ by rounding keep the earlier
NO_CHEAPER = 1 - 1e-13


class PeriodicReviews(NamedTuple):
    """(n,) arrays: days, units, money per day."""

    review_period: np.ndarray
    order_up_to_level: np.ndarray
    cost: np.ndarray


@compiled
def _poisson_at(level, mean):
    """(P(X = level), P(X > level)) for a level within `poisson_band`.

    From SMALLEST_STIRLING on the probability is its logarithm's exp, with Stirling's series for the factorial, and only the tail on the
    side away from the mean is added up, whose terms fall from the first on. Below it, weights outwards from the level on both sides,
    divided by their sum.

    Source: Loader (2000), Fast and accurate computation of binomial probabilities (the deviance, which does not cancel).
    """
    is_direct = level >= SMALLEST_STIRLING
    above = 0.0
    weight = 1.0
    x = level + 1
    if not is_direct or level >= mean:
        while weight > SPECK * (1.0 + above) or x <= mean:
            weight *= mean / x
            above += weight
            x += 1
    below = 0.0
    weight = 1.0
    x = level
    if not is_direct or level < mean:
        while x > 0 and (weight > SPECK * (1.0 + below + above) or x > mean):
            weight *= x / mean
            below += weight
            x -= 1
    if not is_direct:
        total = 1.0 + above + below
        return 1.0 / total, above / total
    surplus = level - mean
    square = 1.0 / (level * level)
    stirling = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680))) / level
    probability = math.exp(surplus - level * math.log1p(surplus / mean) - stirling) / math.sqrt(2 * math.pi * level)
    return probability, probability * above if level >= mean else 1.0 - probability * (1.0 + below)


@compiled
def _start_poisson(k, level, mean, probability, survival, wake):
    """Component k at `level`; one that is still certain to be above it waits until `wake[k]`."""
    low, high = poisson_band(mean[k], mean[k])
    wake[k] = -1
    if mean[k] == 0 or level >= high:
        probability[k], survival[k] = (1.0 if mean[k] == 0 and level == 0 else 0.0), 0.0
    elif level < low:
        probability[k], survival[k], wake[k] = 0.0, 1.0, low
    else:
        probability[k], survival[k] = _poisson_at(level, mean[k])


@compiled
def _normal_survival(x, mean, std):
    """P(X > x)."""
    gap = x - mean
    if gap >= NORMAL_BAND * std:
        return 0.0
    if -gap > NORMAL_BAND * std:
        return 1.0
    return 0.5 * math.erfc(gap / std * math.sqrt(0.5))


@compiled
def _normal_loss(x, mean, std):
    """E (X - x)^+."""
    short = mean - x
    if short >= NORMAL_BAND * std:
        return max(short, 0.0)
    if -short >= NORMAL_BAND * std:
        return 0.0
    z = -short / std
    return max(std * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi) + short * 0.5 * math.erfc(z * math.sqrt(0.5)), 0.0)


@compiled
def _table_loss(level, low, table):
    """E (X - level)^+ from a table of `losses_of`."""
    if level <= low:
        return table[0] + (low - level)
    if level - low >= len(table):
        return 0.0
    return table[level - low]


@compiled
def _loss_sum(form, level, k_from, k_to, weight, mean, std, probability, survival, lows, tables):
    """sum over k of weight[k] n_k(level); of a Poisson, whose state is at `level`, n = (mean - level) P(X > level) + mean P(X = level)."""
    total = 0.0
    for k in range(k_from, k_to):
        if form == POISSON:
            if survival[k] == 1.0:
                total += weight[k] * (mean[k] - level)
            else:
                total += weight[k] * max((mean[k] - level) * survival[k] + mean[k] * probability[k], 0.0)
        elif form == NORMAL:
            total += weight[k] * _normal_loss(level, mean[k], std[k])
        else:
            total += weight[k] * _table_loss(level, lows[k], tables[k])
    return total


@compiled
def _next_is_no_cheaper(form, level, k_from, k_to, weight, target, mean, std, probability, survival, lows, tables):
    """Whether sum weight (n(level) - n(level + 1)) <= target: what the next unit saves is no more than it costs."""
    saved = 0.0
    if form == POISSON:
        for k in range(k_from, k_to):
            saved += weight[k] * survival[k]
        return saved <= target
    if form == NORMAL:
        # n(y) - n(y+1) is the mean of P(X > x) on y..y+1, so it lies between its ends, which are cheaper
        at = after = 0.0
        for k in range(k_from, k_to):
            at += weight[k] * _normal_survival(level, mean[k], std[k])
        if at <= target:
            return True
        for k in range(k_from, k_to):
            after += weight[k] * _normal_survival(level + 1, mean[k], std[k])
        if after > target:
            return False
    return (_loss_sum(form, level, k_from, k_to, weight, mean, std, probability, survival, lows, tables)
            - _loss_sum(form, level + 1, k_from, k_to, weight, mean, std, probability, survival, lows, tables)) <= target


@compiled
def _is_enough(is_guide, service, level, R, n, active, weight, ones, saving, unserved, least, mean, std, form, probability, survival,
               lows, tables):
    """Whether `level` is S(R) or above: the next unit saves nothing more, and the service asked for is given."""
    if level < least:
        return False
    if service == CYCLE:
        chance = 0.0
        for k in range(R, R + n):
            if form == POISSON:
                chance += survival[k]
            elif form == NORMAL:
                chance += _normal_survival(level, mean[k], std[k])
            else:
                chance += (_table_loss(level, lows[k], tables[k]) - _table_loss(level + 1, lows[k], tables[k]))
        if not chance <= unserved * n:
            return False
    elif service == FILL_RATE:
        added = (_loss_sum(form, level, R, R + n, ones, mean, std, probability, survival, lows, tables)
                 - _loss_sum(form, level, 0, n, ones, mean, std, probability, survival, lows, tables))
        if not added <= unserved * n:
            return False
    if is_guide:
        return _next_is_no_cheaper(form, level, R, R + n, ones, saving * n, mean, std, probability, survival, lows, tables)
    return _next_is_no_cheaper(form, level, active, R + n, weight, saving * n * R, mean, std, probability, survival, lows, tables)


@compiled
def _bound(is_guide, R, a, h, K, p):
    """The least that (R, S) can cost per day for any S: fact 3."""
    if is_guide:
        return K / R + h * a * R / 2
    k = math.ceil(p * R / (h + p))
    return (K + a * (h * 0.5 * k * (k - 1) + p * 0.5 * (R - k) * (R - k + 1))) / R


@compiled
def _weights(R, n, weight):
    """weight[k] = in how many of the n R combinations of lead time and day of the cycle the demand is that of component k."""
    for k in range(len(weight)):
        weight[k] = max(0, min(k - 1, n - 1) - max(k - R, 0) + 1)


@compiled
def _cost(form, is_guide, R, S, n, a, first, h, K, p, active, weight, ones, mean, std, probability, survival, lows, tables):
    """C(R, S); of a Poisson, whose state must be at S."""
    middle = first + 0.5 * (n - 1)
    if is_guide:
        short = _loss_sum(form, S, R, R + n, ones, mean, std, probability, survival, lows, tables) / n
        return K / R + h * (0.5 * a * R + S - a * (middle + R)) + p / R * short
    short = _loss_sum(form, S, active, R + n, weight, mean, std, probability, survival, lows, tables) / (n * R)
    return K / R + h * max(S - a * (middle + 0.5 * (R + 1)) + short, 0.0) + p * short


@compiled
def _limits(is_guide, service, unserved_share, R, n, a, first, h, p):
    """(least S, largest saving, what may be unserved) of `_is_enough` for R."""
    least = int(math.ceil(a * (first + 0.5 * (n - 1) + R) * (1 - 1e-12))) if is_guide else 0
    saving = h / (h + p)
    if is_guide:
        saving = h * R / p if p > 0 else math.inf
    return least, saving, unserved_share * (a * R if service == FILL_RATE else 1.0)


@compiled
def _steps(level, k_from, k_to, weight, target, next_wake, mean, probability, survival):
    """How many levels up, 1 or more, the first one is that may be enough, when `level` is not; none of them is above `next_wake`.

    What a unit saves falls by sum weight P(X = level + 1) with the next level, and with each further one by less than mean / level times
    the fall before: so levels are passed that need not be looked at.
    """
    excess, drop = -target, 0.0
    for k in range(k_from, k_to):
        excess += weight[k] * survival[k]
        drop += weight[k] * probability[k] * mean[k]
    steps = 1
    drop *= (1 + 1e-9) / (level + 1)
    growth = mean[k_to - 1] / (level + 2)
    excess -= drop
    while excess > 0 and level + steps != next_wake:
        steps += 1
        drop *= growth
        excess -= drop
    return steps


@compiled
def _walk(is_guide, service, unserved_share, start, last, level, h, K, p, a, first, n, mean, best):
    """(R, S, cost) of the best Poisson (R, S) with R from `start`, when S(start) >= level; R is 0 if none costs less than `best`.

    Returns R = -1 when `level` is enough already, so that S(start) may lie below it.
    """
    form = POISSON
    lows, tables = np.zeros(1, dtype=np.int64), [np.zeros(0)]
    probability, survival, weight = np.zeros(len(mean)), np.zeros(len(mean)), np.zeros(len(mean))
    ones = np.ones(len(mean))
    wake = np.full(len(mean), -1)
    best_R, best_S = 0, 0
    next_wake = -1
    # the fill rate needs the demand of the lead time itself; the guide's cost only that of the cycle's last day
    n_known = active = 0 if service == FILL_RATE else start if is_guide else 1
    is_first = level > 0
    R = start
    while R <= last:
        _weights(R, n, weight)
        while n_known < R + n:
            _start_poisson(n_known, level, mean, probability, survival, wake)
            if wake[n_known] >= 0 and (next_wake < 0 or wake[n_known] < next_wake):
                next_wake = wake[n_known]
            n_known += 1
        least, saving, unserved = _limits(is_guide, service, unserved_share, R, n, a, first, h, p)
        if is_guide and service != FILL_RATE:
            active = R
        while not _is_enough(is_guide, service, level, R, n, active, weight, ones, saving, unserved, least, mean, mean, form,
                             probability, survival, lows, tables):
            is_first = False
            if level < wake[active] and service != FILL_RATE and not is_guide:
                # all components that are left start higher up: nothing changes on the way there
                level = next_wake - 1
            steps = _steps(level, R if is_guide else active, R + n, ones if is_guide else weight, saving * n * (1 if is_guide else R),
                           next_wake, mean, probability, survival)
            for _ in range(steps):
                level += 1
                inverse = 1.0 / level
                for k in range(active, n_known):
                    probability[k] *= mean[k] * inverse
                    survival[k] -= probability[k]
            # what no longer counts is left behind, before its numbers become too small to be quick
            while active < R and probability[active] < 1e-40 and level > mean[active] and service != FILL_RATE:
                survival[active] = probability[active] = 0.0
                active += 1
            if level == next_wake:
                next_wake = -1
                for k in range(n_known):
                    if wake[k] == level:
                        _start_poisson(k, level, mean, probability, survival, wake)
                    if wake[k] > level and (next_wake < 0 or wake[k] < next_wake):
                        next_wake = wake[k]
        if is_first and level > least:
            return -1, 0, best
        is_first = False
        cost = _cost(form, is_guide, R, level, n, a, first, h, K, p, active, weight, ones, mean, mean, probability, survival, lows, tables)
        if cost < best * NO_CHEAPER:
            best_R, best_S, best = R, level, cost
        while last > R and _bound(is_guide, last, a, h, K, p) > best:
            last -= 1
        R += 1
    return best_R, best_S, best


@compiled
def _poisson_review(is_guide, service, unserved_share, shortest, longest, h, K, p, a, first, n, likely):
    """(R, S, cost) of an item of Poisson demand; `likely` is an R that is cheap with constant demand."""
    mean = a * (first + np.arange(longest + n))
    if is_guide:
        # what a unit late may cost is spread over R, so S(R) may fall as R rises: each R is looked at alone, the likely one first
        best_R, best_S, best = 0, 0, math.inf
        for R in range(shortest - 1, longest + 1):
            R = likely if R < shortest else R
            if _bound(is_guide, R, a, h, K, p) <= best:
                least = _limits(is_guide, service, unserved_share, R, n, a, first, h, p)[0]
                found, S, cost = _walk(is_guide, service, unserved_share, R, R, least, h, K, p, a, first, n, mean, best)
                if found > 0:
                    best_R, best_S, best = found, S, cost
        return best_R, best_S, best
    # a guess of the best cost, by what deviations cost a base-stock level, leaves out the smallest R; what it can't is checked below
    guess = _bound(is_guide, likely, a, h, K, p)
    guess += h * 0.8 * (1 + 0.5 * math.log(max(p / h, 1.0))) * math.sqrt(mean[likely + n - 1]) + h
    start = shortest
    while start < likely and _bound(is_guide, start, a, h, K, p) > guess:
        start += 1
    best_R, best_S, best = 0, 0, math.inf
    stop = longest
    while True:
        # from a level that is likely to be below S(start), else from one that surely is
        k = math.ceil(p * start / (h + p))
        level = int(max(0.0, mean[k] - 1.5 * math.sqrt(mean[start])))
        found, S, cost = _walk(is_guide, service, unserved_share, start, stop, level, h, K, p, a, first, n, mean, best)
        if found < 0:
            level = int(max(0.0, mean[1] - 6 * math.sqrt(mean[1]))) if h < 0.999 * (h + p) else 0
            found, S, cost = _walk(is_guide, service, unserved_share, start, stop, level, h, K, p, a, first, n, mean, best)
        if found < 0:
            found, S, cost = _walk(is_guide, service, unserved_share, start, stop, 0, h, K, p, a, first, n, mean, best)
        if found > 0:
            best_R, best_S, best = found, S, cost
        stop = start - 1
        while stop >= shortest and _bound(is_guide, stop, a, h, K, p) > best:
            stop -= 1
        if stop < shortest:
            return best_R, best_S, best
        start = shortest


@compiled
def _anywhere_review(form, is_guide, service, unserved_share, shortest, longest, h, K, p, a, v, first, n, likely, day_low, day):
    """(R, S, cost) of an item whose demand is evaluated at any level; from the likely R upwards, then downwards."""
    size = longest + n
    mean = a * (first + np.arange(size))
    std = np.sqrt(v * (first + np.arange(size)))
    nothing, weight, ones = np.zeros(1), np.zeros(size), np.ones(size)
    lows = np.zeros(size, dtype=np.int64)
    tables = [np.zeros(0)]
    if form != NORMAL:
        low, total = convolved_power(day_low, day, int(first))
        lows[0], tables[0] = low, losses_of(total)
        for k in range(1, size):
            low, total = trimmed(low + day_low, convolved(total, day))
            lows[k] = low
            tables.append(losses_of(total))
    best_R, best_S, best = 0, 0, math.inf
    active = 1
    likely_level = -1
    for direction in (1, -1):
        level, step = likely_level, int(math.ceil(a)) * direction
        R = likely if direction == 1 else likely - 1
        while shortest <= R <= longest:
            if _bound(is_guide, R, a, h, K, p) > best:
                R += direction
                step += int(math.ceil(a)) * direction
                continue
            _weights(R, n, weight)
            least, saving, unserved = _limits(is_guide, service, unserved_share, R, n, a, first, h, p)
            # low is not enough (or -1), high is
            before = level
            guess = max(least, level + step, 0) if level >= 0 else max(least, int(mean[R] if not is_guide else least))
            low = high = guess
            jump = 1
            if _is_enough(is_guide, service, guess, R, n, active, weight, ones, saving, unserved, least, mean, std, form, nothing, nothing,
                          lows, tables):
                while low >= 0:
                    low = max(high - jump, -1)
                    if low < least or not _is_enough(is_guide, service, low, R, n, active, weight, ones, saving, unserved, least, mean,
                                                     std, form, nothing, nothing, lows, tables):
                        break
                    high = low
                    jump *= 2
            else:
                while True:
                    high = low + jump
                    if _is_enough(is_guide, service, high, R, n, active, weight, ones, saving, unserved, least, mean, std, form, nothing,
                                  nothing, lows, tables):
                        break
                    low = high
                    jump *= 2
            while high - low > 1:
                middle = (low + high) // 2
                if _is_enough(is_guide, service, middle, R, n, active, weight, ones, saving, unserved, least, mean, std, form, nothing,
                              nothing, lows, tables):
                    high = middle
                else:
                    low = middle
            level = high
            if likely_level < 0:
                likely_level = level
            step = level - before if before >= 0 else direction * int(math.ceil(a))
            cost = _cost(form, is_guide, R, level, n, a, first, h, K, p, active, weight, ones, mean, std, nothing, nothing, lows, tables)
            if cost < best * NO_CHEAPER or (cost <= best and R < best_R):
                best_R, best_S, best = R, level, cost
            R += direction
    return best_R, best_S, best


@compiled
def _decide_bucket(is_guide, service, unserved, shortest, longest, form, demand_mean, demand_variance, first_lead_time, n_lead_times,
                   days, day_lows, day_offsets, holding_cost, fixed_order_cost, backorder_cost, review_period, order_up_to_level, cost):
    """Fill the last three arrays, one item after the other."""
    for i in range(len(form)):
        h, K, p, a = holding_cost[i], fixed_order_cost[i], backorder_cost[i], demand_mean[i]
        first, n, served = first_lead_time[i], n_lead_times[i], service if unserved[i] < 1 else NO_SERVICE
        end = max(longest, shortest[i])
        likely = shortest[i]
        for R in range(shortest[i] + 1, end + 1):
            if _bound(is_guide, R, a, h, K, p) < _bound(is_guide, likely, a, h, K, p):
                likely = R
        if form[i] == POISSON:
            found = _poisson_review(is_guide, served, unserved[i], shortest[i], end, h, K, p, a, first, n, likely)
        else:
            found = _anywhere_review(form[i], is_guide, served, unserved[i], shortest[i], end, h, K, p, a, demand_variance[i], first, n,
                                     likely, day_lows[i], days[day_offsets[i]:day_offsets[i + 1]])
        review_period[i], order_up_to_level[i], cost[i] = found


def best_periodic_reviews(
    *, is_guide: bool, service: int, service_level: np.ndarray, shortest_review_period: np.ndarray, longest_review_period: int,
    form: np.ndarray, demand_mean: np.ndarray, demand_variance: np.ndarray, first_lead_time: np.ndarray, n_lead_times: np.ndarray,
    holding_cost: np.ndarray, fixed_order_cost: np.ndarray, backorder_cost: np.ndarray, day_pmfs: list[np.ndarray],
) -> PeriodicReviews:
    """Review period and order-up-to level of least cost of n items, and that cost.

    The items must be in order: positive finite demand_mean and holding_cost, costs and variances not negative.

    Parameters
    ----------
    is_guide : the cost `guide`; False: `daily_review`
    service : NO_SERVICE, CYCLE or FILL_RATE
    service_level : (n,) array, fraction below 1; NaN or 0 asks for nothing
    shortest_review_period : (n,) array of int, days, 1 or more
    longest_review_period : days; an item whose shortest is longer has that one
    form : (n,) array of int: POISSON, NORMAL or PMF
    demand_mean, demand_variance : (n,) arrays, units/day and units^2/day; the variance matters for NORMAL only             [a, v]
    first_lead_time, n_lead_times : (n,) arrays, days and count: equally likely lead times, one day apart; whole for PMF    [L]
    holding_cost : (n,) array, money/unit/day                                                                               [h]
    fixed_order_cost : (n,) array, money/order                                                                              [K]
    backorder_cost : (n,) array, money/unit/day, or money/unit for the guide's cost                                         [p]
    day_pmfs : n arrays: the probabilities of a day's demand of 0, 1, ... of a PMF item, empty for the others

    >>> one = lambda value: np.array([float(value)])
    >>> R, S, cost = best_periodic_reviews(is_guide=False, service=NO_SERVICE, service_level=one(np.nan),
    ...     shortest_review_period=np.array([1]), longest_review_period=28, form=np.array([POISSON]), demand_mean=one(2),
    ...     demand_variance=one(2), first_lead_time=one(1), n_lead_times=np.array([1]), holding_cost=one(1), fixed_order_cost=one(8),
    ...     backorder_cost=one(9), day_pmfs=[np.zeros(0)])
    >>> int(R[0]), int(S[0]), round(float(cost[0]), 6)
    (3, 10, 8.357767)
    """
    n = len(form)
    found = PeriodicReviews(np.zeros(n), np.zeros(n), np.zeros(n))
    # NaN and 0 ask for nothing: all of the demand may be unserved
    unserved = 1.0 - np.nan_to_num(np.asarray(service_level, dtype=np.float64), nan=0.0)
    floats = [np.ascontiguousarray(array, dtype=np.float64) for array in (demand_mean, demand_variance, first_lead_time)]
    costs = [np.ascontiguousarray(array, dtype=np.float64) for array in (holding_cost, fixed_order_cost, backorder_cost)]
    _decide_bucket(
        bool(is_guide), int(service), unserved, np.ascontiguousarray(shortest_review_period, dtype=np.int64), int(longest_review_period),
        np.ascontiguousarray(form, dtype=np.int64), *floats, np.ascontiguousarray(n_lead_times, dtype=np.int64),
        np.concatenate([np.zeros(0), *day_pmfs]), np.zeros(n, dtype=np.int64), np.cumsum([0, *map(len, day_pmfs)]), *costs, *found)
    return found
