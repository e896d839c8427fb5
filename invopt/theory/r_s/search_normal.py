"""S(R) of a Normal demand from a level near by: the series of `normal_level.py` over the days of a cycle."""

from __future__ import annotations

from invopt.theory.compiled import compiled
from invopt.theory.demand.normal_level import FLAT, MOST_EVALUATIONS, ROUNDING, normal_terms, step_to_level


@compiled
def level_nearby(y, k_to, weight, target, mean, std):
    """(the smallest whole level of 0 or more with D <= target, at most its sum w n), or (-1, 0) when that is not
    certain.

    y : a level near it, from which the search starts
    k_to : the components are 1..k_to-1
    weight, mean, std : of each component, std above 0
    """
    y = float(y)
    for _ in range(MOST_EVALUATIONS):
        loss = at = fall = bend = remainder = 0.0
        for k in range(1, k_to):
            terms = normal_terms(y, mean[k], std[k])
            loss += weight[k] * terms[0]
            at += weight[k] * terms[1]
            fall += weight[k] * terms[2]
            bend += weight[k] * terms[3]
            remainder += weight[k] * terms[4]
        if not fall > FLAT * at:
            break
        # a step is no longer than the series is worth something
        t, is_certain = step_to_level(y, at, fall, bend, remainder, target, 2 * std[k_to - 1])
        if is_certain:
            short = loss - at * t + fall * t * t / 2 - bend * t * t * t / 6 - 0.4 / 24 * remainder * t**4
            return int(y + t), max(short - ROUNDING * (loss + at * abs(t)), 0.0)
        if t == 0:
            break
        y += t
    return -1, 0.0
