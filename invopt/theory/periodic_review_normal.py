"""S(R) of a Normal demand from one evaluation near by: Taylor's series, whose remainder is bounded, tells the level for certain or not.

    D(y) = sum_k w_k [n_k(y) - n_k(y + 1)] = sum_k w_k (integral of P(X_k > x) over y..y+1);   S(R) is the smallest y with D(y) <= target

With z_k = (y - mean_k) / std_k and the Normal's density phi, at the whole distance t from y

    D(y + t) = A - B (t + 1/2) + C (3 t^2 + 3 t + 1) / 6            up to 0.4 M |(t + 1)^4 - t^4| / 24   (between t >= 0; t <= -1 likewise)
    sum w n(y + t) = n(y) - A t + B t^2 / 2 - C t^3 / 6             up to 0.4 M t^4 / 24
    A = sum w P(X > y),  B = sum w phi(z) / std,  C = sum w z phi(z) / std^2,  M = sum w / std^3,  as |(z^2 - 1) phi(z)| < 0.4
"""

from __future__ import annotations

import math

from invopt.theory.compiled import compiled
from invopt.theory.lead_time_loss import NORMAL_BAND

# evaluations until the search by halves takes over
MOST_EVALUATIONS = 6
# of a sum, what rounding may change
ROUNDING = 1e-12
# a fall of the saving below this share of it says nothing about where the target is
FLAT = 1e-6


@compiled
def _sums(y, k_to, weight, mean, std):
    """(n(y), A, B, C, M) of the components 1..k_to-1."""
    loss = at = fall = bend = remainder = 0.0
    for k in range(1, k_to):
        inverse = 1.0 / std[k]
        z = (y - mean[k]) * inverse
        remainder += weight[k] * inverse * inverse * inverse
        if z >= NORMAL_BAND:
            continue
        if z <= -NORMAL_BAND:
            at += weight[k]
            loss += weight[k] * (mean[k] - y)
            continue
        density = math.exp(-0.5 * z * z) * (inverse / math.sqrt(2 * math.pi))
        survival = 0.5 * math.erfc(z * math.sqrt(0.5))
        at += weight[k] * survival
        fall += weight[k] * density
        bend += weight[k] * density * z * inverse
        loss += weight[k] * max(std[k] * std[k] * density + (mean[k] - y) * survival, 0.0)
    return loss, at, fall, bend, remainder


@compiled
def level_nearby(y, k_to, weight, target, mean, std):
    """(the smallest whole level of 0 or more with D <= target, at most its sum w n), or (-1, 0) when that is not certain.

    y : a level near it, from which the search starts; mean, std : of each component, std above 0
    """
    for _ in range(MOST_EVALUATIONS):
        loss, at, fall, bend, remainder = _sums(y, k_to, weight, mean, std)
        if not fall > FLAT * at:
            break
        distance = (at - target) / fall - 0.5
        distance += bend * (3 * distance * (distance + 1) + 1) / (6 * fall)
        # a step is no longer than the series is worth something
        distance = min(max(distance, -2 * std[k_to - 1]), 2 * std[k_to - 1])
        t = max(int(math.ceil(distance)), -y)
        is_certain = True
        for s in (t, t - 1):
            saved = at - fall * (s + 0.5) + bend * (3 * s * (s + 1) + 1) / 6
            error = 0.4 / 24 * remainder * abs((s + 1.0) ** 4 - float(s) ** 4) + ROUNDING * at
            if s == t:
                is_certain = saved + error <= target
            elif y + t > 0:
                is_certain = is_certain and saved - error > target
        if is_certain:
            short = loss - at * t + fall * t * t / 2 - bend * t * t * t / 6 - 0.4 / 24 * remainder * float(t) ** 4
            return y + t, max(short - ROUNDING * (loss + at * abs(t)), 0.0)
        if t == 0:
            break
        y += t
    return -1, 0.0
