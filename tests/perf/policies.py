"""Every policy without Spark: microseconds of its algorithm, milliseconds of its model, and both beside another
package's time.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from invopt.errors import ParameterError
from invopt.policies import load, names
from invopt.policies.base import Policy
from invopt.policies.inputs.items import Items
from invopt.solving import highs
from invopt.solving.outcome import Status
from tests.items import eoq_budget, newsvendor_budget
from tests.perf.alone import RunIn
from tests.perf.arrow_items import PERIODS, arrow_items, budget_items, item_policies
from tests.perf.by_model import LEVELS, items_of_levels
from tests.perf.figure import Figure
from tests.perf.peers import beside_stockpyl
from tests.perf.sizes import Sizes

N_BUDGETS = 8
ALGORITHM = "one call of the algorithm for all partitions, compiled before: the least CPU of three"
EACH = f"a call of the algorithm for each of {N_BUDGETS} partitions: of each the least CPU of three"
MODEL = (
    "build_model and HiGHS, integers to its own gap of 1e-4: median CPU of some tens, or of all partitions there are"
)
SMALL, LARGE = 15.0, 20.0  # us per item of a partition of one; ms per partition of 10,000
ALGORITHM_LIMITS = {
    "s_q": SMALL,
    "s_s": SMALL,
    "r_s": SMALL,
    "dynamic_lot_sizing": SMALL,
    "eoq_budget": LARGE,
    "newsvendor_budget": LARGE,
}
MODEL_LIMITS = {"s_q": 7.0, "r_s": 3.0, "dynamic_lot_sizing": 5.0, "eoq_budget": 3000.0}
BUDGETS = {"eoq_budget": eoq_budget.space, "newsvendor_budget": newsvendor_budget.source}
# a model that is not proved by then counts as that; and after so much CPU no further model of the kind is begun
TIME_LIMIT, ENOUGH = 20.0, 30.0


class Case(NamedTuple):
    """A kind of items: what it is called, its rows with the model's own where they are others, and the aims in us and
    ms.

    is_large : the algorithm is called for each partition by itself, measured in ms: one may take longer than all others
        together
    """

    what: str
    items: pd.DataFrame
    modelled: pd.DataFrame
    is_large: bool = False
    algorithm_limit: float | None = None
    model_limit: float | None = None


def measure(folder: Path, sizes: Sizes, run_in: RunIn) -> list[Figure]:
    """Each policy in a process of its own: what one leaves in memory must not slow the next."""
    return [figure for name in sizes.policies or names() for figure in run_in(_measure, name, sizes)]


def _measure(name: str, sizes: Sizes) -> list[Figure]:
    policy = load(name)
    highs.import_all()
    figures = []
    for case in _cases(name, sizes):
        if policy.algorithm is not None:
            figures += _by_algorithm(policy, case)
        figures += _models(policy, case, sizes.each_by_model)
    return figures + beside_stockpyl(policy, sizes.peers, sizes.batch)


def _cases(name: str, sizes: Sizes) -> list[Case]:
    """The random items that the tests use, which are all sorts, and those that a retailer has."""
    random_items = importlib.import_module(f"tests.items.{name}").random_items(np.random.default_rng(1), sizes.random)
    cases = [Case("random items", random_items, random_items)]
    limits = {"algorithm_limit": ALGORITHM_LIMITS.get(name), "model_limit": MODEL_LIMITS.get(name)}
    if name in item_policies():
        usual = arrow_items(sizes.batch, 0, name).to_pandas()
        modelled = items_of_levels(sizes.each_by_model).to_pandas() if name == "s_q" else usual
        of_which = {"s_q": f", models of {LEVELS} levels", "dynamic_lot_sizing": f", T={PERIODS}"}.get(name, "")
        cases.append(Case("usual items" + of_which, usual, modelled, **limits))
    if name in BUDGETS:
        rng, n = np.random.default_rng(2), sizes.budget_items
        for what, tables, aims in (
            (f"random items, n={n:,}", [BUDGETS[name](rng, k, n) for k in range(N_BUDGETS)], {}),
            (f"usual items, n={n:,}", [budget_items(n, k, name).to_pandas() for k in range(N_BUDGETS)], limits),
        ):
            large = pd.concat(tables, ignore_index=True)
            cases.append(Case(what, large, large, True, **aims))
    return cases


def offsets_of(policy: Policy, items: pd.DataFrame) -> np.ndarray:
    """The rows at which partitions start, with the end; the rows of a partition lie together."""
    keys = items.groupby(list(policy.partition_by), sort=False, dropna=False).ngroup().to_numpy()
    return np.concatenate([[0], np.flatnonzero(np.diff(keys)) + 1, [len(items)]])


def _by_algorithm(policy: Policy, case: Case) -> list[Figure]:
    offsets, params = offsets_of(policy, case.items), policy.params()
    if case.is_large:
        return _each_by_algorithm(policy, case, offsets)
    policy.algorithm(Items(case.items, policy.needs, offsets), params)
    seconds = least_cpu(lambda: policy.algorithm(Items(case.items, policy.needs, offsets), params))
    n = len(offsets) - 1
    figures = [
        Figure(
            f"{policy.name}, exact, {case.what}: a partition",
            seconds / n * 1e6,
            "us",
            case.algorithm_limit,
            how=ALGORITHM,
        )
    ]
    if n < len(case.items):
        figures.append(
            Figure(f"{policy.name}, exact, {case.what}: an item", seconds / len(case.items) * 1e6, "us", how=ALGORITHM)
        )
    return figures


def _each_by_algorithm(policy: Policy, case: Case, offsets: np.ndarray) -> list[Figure]:
    params, seconds, n_unproved = policy.params(), [], 0
    for rows in _partitions(case.items, offsets):
        whole = np.array([0, len(rows)])
        found = policy.algorithm(Items(rows, policy.needs, whole), params)
        n_unproved += not (found.bound is None or np.array_equal(found.bound, found.cost))
        seconds.append(
            least_cpu(lambda rows=rows, whole=whole: policy.algorithm(Items(rows, policy.needs, whole), params))
        )
    what = f"{policy.name}, exact, {case.what}"
    return [
        Figure(f"{what}: a partition, median", float(np.median(seconds)) * 1e3, "ms", case.algorithm_limit, how=EACH),
        Figure(f"{what}: a partition, slowest", max(seconds) * 1e3, "ms", how=EACH),
        Figure(
            f"{what}: an item, median", float(np.median(seconds)) / len(case.items) * len(seconds) * 1e6, "us", how=EACH
        ),
        Figure(f"{what}: left with a bound", n_unproved, "partitions", how=EACH),
    ]


def _partitions(items: pd.DataFrame, offsets: np.ndarray) -> Iterator[pd.DataFrame]:
    for first, end in zip(offsets[:-1], offsets[1:], strict=True):
        yield items.iloc[first:end].reset_index(drop=True)


def _models(policy: Policy, case: Case, most: int) -> list[Figure]:
    params, seconds, n_refused, n_failed = policy.params(), [], 0, 0
    for rows in _partitions(case.modelled, offsets_of(policy, case.modelled)):
        started = time.process_time()
        try:
            found = highs.solve(
                policy.build_model(Items(rows, policy.needs, [0, len(rows)]), params),
                TIME_LIMIT,
                policy.solver_options.get("highs", {}),
            )
        except ParameterError:
            n_refused += 1
            continue
        seconds.append(time.process_time() - started)
        n_failed += found.status is not Status.OPTIMAL
        if len(seconds) == most or sum(seconds) > ENOUGH:
            break
    what = f"{policy.name}, model, {case.what}"
    figures = []
    if seconds:
        figures.append(
            Figure(f"{what}: a partition", float(np.median(seconds)) * 1e3, "ms", case.model_limit, how=MODEL)
        )
    # told where there are any
    if n_refused:
        figures.append(Figure(f"{what}: refused as too large", n_refused, "partitions"))
    if n_failed:
        figures.append(Figure(f"{what}: without a solution", n_failed, "partitions", limit=1))
    return figures


def least_cpu(call: Callable[[], object], times: int = 3) -> float:
    """Least CPU seconds of a call, in all threads of this process; finer than what `os.times` counts in."""
    seconds = []
    for _ in range(times):
        started = time.process_time()
        call()
        seconds.append(time.process_time() - started)
    return min(seconds)
