"""The level from which on one unit more no longer pays, for a mixture of Normals, from one evaluation near by.

    D(y) = sum_k w_k [n_k(y) - n_k(y + 1)] = sum_k w_k (integral of P(X_k > x) over y..y+1)

The level is the smallest y with D(y) <= target. The step below either proves that it has found that level, or says
that it hasn't.

With z_k = (y - mean_k) / std_k and the standard Normal's density phi, Taylor's series at the whole distance t from y is

    D(y + t)       = A - B (t + 1/2) + C (3 t^2 + 3 t + 1) / 6      up to 0.4 M |(t + 1)^4 - t^4| / 24
    sum w n(y + t) = n(y) - A t + B t^2 / 2 - C t^3 / 6             up to 0.4 M t^4 / 24

    A = sum w P(X > y),  B = sum w phi(z) / std,  C = sum w z phi(z) / std^2,  M = sum w / std^3

for t >= 0 and for t <= -1 alike, as |(z^2 - 1) phi(z)| < 0.4.
"""

from __future__ import annotations

import math

from invopt.theory.compiled import compiled
from invopt.theory.demand.loss import NORMAL_BAND

# after so many evaluations another search takes over
MOST_EVALUATIONS = 6
# rounding may change this share of a sum
ROUNDING = 1e-12
# a saving that falls by less than this share of itself doesn't say where the target is
FLAT = 1e-6


@compiled
def normal_terms(y, mean, std):
    """(n(y), P(X > y), phi(z) / std, z phi(z) / std^2, 1 / std^3) of one Normal, std above 0."""
    inverse = 1.0 / std
    z = (y - mean) * inverse
    if z >= NORMAL_BAND:
        return 0.0, 0.0, 0.0, 0.0, inverse * inverse * inverse
    if z <= -NORMAL_BAND:
        return mean - y, 1.0, 0.0, 0.0, inverse * inverse * inverse
    density = math.exp(-0.5 * z * z) * (inverse / math.sqrt(2 * math.pi))
    survival = 0.5 * math.erfc(z * math.sqrt(0.5))
    return (
        max(std * std * density + (mean - y) * survival, 0.0),
        survival,
        density,
        density * z * inverse,
        inverse * inverse * inverse,
    )


@compiled
def step_to_level(y, at, fall, bend, remainder, target, longest):
    """(t, whether y + t is the level for certain), where t is a step towards the level, `longest` at most.

    The level is 0 or more. `at`, `fall`, `bend` and `remainder` are A, B, C and M at the whole y. B must be above
    FLAT A.
    """
    distance = (at - target) / fall - 0.5
    distance += bend * (3 * distance * (distance + 1) + 1) / (6 * fall)
    t = max(math.ceil(min(max(distance, -longest), longest)), -y)
    saved = at - fall * (t + 0.5) + bend * (3 * t * (t + 1) + 1) / 6
    error = 0.4 / 24 * remainder * abs((t + 1) ** 4 - t**4) + ROUNDING * at
    if not saved + error <= target:
        return t, False
    if y + t <= 0:
        return t, True
    s = t - 1
    saved = at - fall * (s + 0.5) + bend * (3 * s * (s + 1) + 1) / 6
    error = 0.4 / 24 * remainder * abs(t**4 - s**4) + ROUNDING * at
    return t, saved - error > target
