"""The policies with their random items and parameter sets, as the tests that hold for every policy take them."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pandas as pd

from invopt import policies
from invopt.policies.base import Policy

NAMES = policies.names()
KINDS = {name: import_module(f"tests.items.{name}") for name in NAMES}
POLICIES = {name: policies.load(name) for name in NAMES}
CASES = [(name, n) for name in NAMES for n in range(len(KINDS[name].PARAMS))]
BAD = [(name, bad) for name in NAMES for bad in getattr(KINDS[name], "BAD", {})]
# partitions of each parameter set, half of them solved by their models too
N_COMPARED = 6
# largest relative difference of a solver's optimum
AGREEMENT = 1e-6


def case_of(name: str, n: int) -> tuple[Policy, pd.DataFrame, dict, int]:
    """Policy, random items, parameters, and how many partitions are solved by their models too."""
    kind = KINDS[name]
    n_compared = getattr(kind, "N_COMPARED", N_COMPARED)
    return POLICIES[name], kind.random_items(np.random.default_rng(n + 1), 2 * n_compared), kind.PARAMS[n], n_compared


def agreement_of(name: str) -> float:
    """The largest relative difference of the model's optimum."""
    return getattr(KINDS[name], "AGREEMENT", AGREEMENT)


def can_be_modelled(name: str, n: int) -> bool:
    """Whether models can decide under the n-th parameters."""
    return POLICIES[name].params(**KINDS[name].PARAMS[n]).algorithm_alone_because() is None


def is_model_refused(message: str | None) -> bool:
    """The model of a large item would be too large, and says so."""
    return "method: algorithm" in (message or "")
