"""Sums of independent whole demands inside compiled loops.

A demand is a band: the probabilities of low, low + 1, ... without the far tails.

These loops share nothing with `theory/demand/distributions.py`, which models use: algorithm and model check each other.
"""

from __future__ import annotations

import numpy as np

from invopt.theory.compiled import compiled

# a band leaves out less than this probability on either side
TAIL = 1e-19


@compiled
def trimmed(low, pmf):
    """(low, pmf) without the ends that hold less than TAIL; never empty."""
    start, end = 0, len(pmf)
    left = right = 0.0
    while start < end - 1 and left + pmf[start] < TAIL:
        left += pmf[start]
        start += 1
    while end > start + 1 and right + pmf[end - 1] < TAIL:
        right += pmf[end - 1]
        end -= 1
    return low + start, pmf[start:end].copy()


@compiled
def convolved(left, right):
    """Probabilities of the sum of two demands; its band starts at the sum of their lows."""
    if len(left) > len(right):
        left, right = right, left
    n = len(right)
    total = np.zeros(len(left) + n - 1)
    for i in range(len(left)):
        # a slice frees the inner loop of index checks, so that it runs several levels at a time
        row = total[i : i + n]
        weight = left[i]
        for j in range(n):
            row[j] += weight * right[j]
    return total


@compiled
def convolved_power(low, pmf, n):
    """(low, pmf) of the sum of n >= 0 independent demands, by repeated squaring."""
    total_low, total = 0, np.ones(1)
    square_low, square = low, pmf
    while n > 0:
        if n & 1:
            total_low, total = trimmed(total_low + square_low, convolved(total, square))
        n >>= 1
        if n > 0:
            square_low, square = trimmed(2 * square_low, convolved(square, square))
    return total_low, total
