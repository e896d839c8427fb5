"""The laws that every policy obeys, checked on its own examples: `invopt policies --check`, and a test for each policy
found.

A law is a function (subject) -> sentences, one for each way in which it is broken; none when it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from pydantic import ValidationError

from invopt import policies
from invopt.config import SolverRow
from invopt.errors import ConfigError, PolicyLawError
from invopt.policies.base import Example, Policy
from invopt.solving import SolveRequest, Status, Termination, highs, solve_bucket, solve_partition, supervised
from invopt.solving.audit import AUDIT_OPTIONS
from invopt.solving.outcome import relative_difference
from invopt.tables import ITEM_STATE
from invopt.tables.columns import ITEM

# what two methods, or one method asked twice, may differ by
AGREEMENT = 1e-9
# the longest law of the shipped policies takes some seconds
SECONDS_PER_LAW = 120.0
# a solver's tolerances on a problem with integers
MODEL_AGREEMENT = 1e-6
TO_THE_OPTIMUM = SolverRow(name="highs", options=AUDIT_OPTIONS)
NAME = r"[a-z][a-z0-9_]*"


@dataclass(frozen=True)
class Subject:
    """A policy with one of its examples, and the methods it has."""

    policy: Policy
    example: Example
    folder: str | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        return ("model",) if self.policy.solve_exact is None else ("model", "exact")

    @cached_property
    def items(self) -> pd.DataFrame:
        return example_items(self.policy, self.example)

    def request(self, method: str) -> SolveRequest:
        return SolveRequest.of_policy(
            self.policy.name, self.folder, params=self.example.params, method=method, solver=TO_THE_OPTIMUM
        )

    def solve(self, items: pd.DataFrame, method: str) -> pd.DataFrame:
        return solve_partition(items, self.request(method))


def example_items(policy: Policy, example: Example) -> pd.DataFrame:
    """The rows of an example as the engine gets them: one partition, with made-up keys.

    Raises
    ------
    KeyError : an item of the example lacks one of the policy's input columns.
    """
    n = len(example.items)
    keys = {"location_id": ["1"] * n, "product_id": [str(i + 1) for i in range(n)], "source_id": ["1"] * n}
    columns = {
        column.name: pd.Series(
            [item[column.name] for item in example.items], dtype=float if column.type == "double" else object
        )
        for column in policy.input_columns
    }
    return pd.DataFrame({**keys, **columns, "partition_key": ["example"] * n, "is_audited": [False] * n})


def broken_laws(policy: Policy, folder: str | None = None) -> list[str]:
    """All that is wrong with a policy, as `example, law: what`; what a law raises is one of its findings."""
    found = _declaration_problems(policy)
    if not policy.examples:
        return [*found, "it has no examples: give at least one published or hand-computed instance in Policy.examples"]
    for example in policy.examples:
        lacking = sorted(
            {column.name for column in policy.input_columns for item in example.items if column.name not in item}
        )
        if lacking:
            found.append(f"{example.name}: an item lacks the input columns {', '.join(lacking)}")
            continue
        subject = Subject(policy, example, folder)
        # in a child with a clock: an algorithm that never ends, or crashes, is one more finding
        for law, texts in zip(
            LAWS,
            supervised.run(lambda k, subject=subject: _broken(LAWS[k], subject), len(LAWS), SECONDS_PER_LAW),
            strict=True,
        ):
            if isinstance(texts, supervised.Lost):
                texts = [f"{texts.reason}: does its code end, and does it end by itself?"]
            found += [f"{example.name}, {law.__name__.replace('_', ' ')}: {text}" for text in texts]
    return found


def _broken(law: Callable[[Subject], Iterator[str]], subject: Subject) -> list[str]:
    try:
        return list(law(subject))
    except Exception as error:  # the suite must get to its end whatever a policy's code does
        return [f"{type(error).__name__}: {error}"]


def _declaration_problems(policy: Policy) -> list[str]:
    """What can be told of the record alone; whether its SELECT runs only Spark can tell."""
    found = []
    if not re.fullmatch(r"[a-z][a-z0-9_]*", policy.name):
        found.append(
            f"its name {policy.name!r} must be small letters, digits and underscores, or conf/policies.yaml can't "
            "name it"
        )
    columns = {column.name for column in policy.input_columns}
    known = {column.name for column in ITEM_STATE.columns}
    found += [
        f"partition_by: {name} is no column of gold.item_state"
        for name in policy.partition_by
        if name not in known | columns
    ]
    found += [
        f"inputs: the SELECT does not name the column {name}"
        for name in sorted(columns | set(ITEM))
        if not re.search(rf"\b{name}\b", policy.inputs) and "*" not in policy.inputs
    ]
    try:
        policy.params()
    except ValidationError as error:
        found += [f"params.{problem['loc'][0]}: must have a default" for problem in error.errors()]
    try:
        highs.check_options(policy.highs_options)
    except ConfigError as error:
        found += [f"highs_options: {problem}" for problem in error.problems]
    return found


# ------------------------------------------------------------------------------------------------------------------ the
# laws


def the_example_is_reached(subject: Subject) -> Iterator[str]:
    """By each method: the published cost, and the published decisions where there are any."""
    for method in subject.methods:
        solved = subject.solve(subject.items, method)
        first = solved.iloc[0]
        if first["status"] == Status.NO_SOLUTION:
            yield f"{method}: {first['termination']}: {first['message']}"
            continue
        bound = first["bound"] if first["status"] == Status.FEASIBLE else first["objective"]
        tolerance = subject.example.rel_tolerance * max(1.0, abs(subject.example.cost))
        if not bound - tolerance <= subject.example.cost <= first["objective"] + tolerance:
            yield f"{method}: cost {first['objective']:.9g} (bound {bound:.9g}), published {subject.example.cost:.9g}"
        for name, published in subject.example.decisions.items():
            for i, (value, wanted) in enumerate(zip(solved["decisions"], published, strict=True)):
                if not np.allclose(value[name], np.atleast_1d(wanted), rtol=subject.example.rel_tolerance, atol=1e-5):
                    yield f"{method}: {name} of item {i} is {list(value[name])}, published {wanted}"


def both_methods_agree(subject: Subject) -> Iterator[str]:
    """The algorithm's cost is the model's; where one proves only a bound, the other lies above it."""
    if len(subject.methods) < 2:
        return
    model, exact = (subject.solve(subject.items, method).iloc[0] for method in subject.methods)
    for one, other in ((model, exact), (exact, model)):
        excess = one["bound"] - other["objective"]
        if excess > MODEL_AGREEMENT * max(1.0, abs(other["objective"])):
            yield f"{one['method']} proves {one['bound']:.12g}, {other['method']} reaches {other['objective']:.12g}"


def shares_add_up_to_the_objective(subject: Subject) -> Iterator[str]:
    for method in subject.methods:
        solved = subject.solve(subject.items, method)
        total, objective = solved["cost"].sum(), solved["objective"].iloc[0]
        if not relative_difference(total, objective) <= AGREEMENT:
            yield f"{method}: the items' costs add up to {total:.12g}, the objective is {objective:.12g}"


def decisions_are_those_declared(subject: Subject) -> Iterator[str]:
    for method in subject.methods:
        for found in subject.solve(subject.items, method)["decisions"]:
            if found is None or set(found) != set(subject.policy.decisions):
                yield f"{method}: returned {sorted(found or ())}, declared {sorted(subject.policy.decisions)}"


def money_times_ten_costs_ten_times_as_much(subject: Subject) -> Iterator[str]:
    """Costs in another currency change the objective and nothing else."""
    dearer = subject.items.copy()
    for column in subject.policy.input_columns:
        if column.unit.startswith("money"):
            dearer[column.name] = [
                None if _is_null(value) else np.multiply(value, 10.0) for value in dearer[column.name]
            ]
            if column.type == "double":
                dearer[column.name] = dearer[column.name].astype(float)
    for method in subject.methods:
        one, ten = (subject.solve(items, method)["objective"].iloc[0] for items in (subject.items, dearer))
        if not relative_difference(ten, 10 * one) <= MODEL_AGREEMENT:
            yield f"{method}: {one:.12g} became {ten:.12g}"


def without_demand_nothing_is_ordered(subject: Subject) -> Iterator[str]:
    """Demand 0 on every day: solved, at no cost beyond what does not depend on decisions, and the order rule asks
    for nothing.
    """
    if "demand_mean" not in subject.items:
        return
    idle = subject.items.copy()
    for name, value in (("demand_mean", 0.0), ("demand_variance", 0.0), ("demand_pmf", None)):
        if name in idle:
            idle[name] = [
                None if _is_null(cell) else _idle(cell) if value is None else np.zeros(len(cell)) for cell in idle[name]
            ]
    for method in subject.methods:
        solved = subject.solve(idle, method)
        if (solved["status"] == Status.NO_SOLUTION).any():
            yield f"{method}: {solved['termination'].iloc[0]}: {solved['message'].iloc[0]}"
            continue
        wanted = _orders(subject.policy, solved, position=0.0)
        if np.nansum(wanted) != 0 or np.isnan(wanted).any():
            yield f"{method}: at an inventory position of 0 it orders {wanted.tolist()}"


def orders_are_never_negative(subject: Subject) -> Iterator[str]:
    """At any inventory position, and the more there is the less is ordered, but for rounding to batches."""
    for method in subject.methods:
        solved = subject.solve(subject.items, method)
        for position in (-1000.0, -1.0, 0.0, 1.0, 10.0, 1e6):
            for day in (0.0, 1.0):
                wanted = _orders(subject.policy, solved, position=position, period=day)
                if (wanted < 0).any():
                    yield f"{method}: at an inventory position of {position:g} it orders {wanted.tolist()}"
    unknown = _orders(subject.policy, solved, position=np.nan)
    if (np.nan_to_num(unknown) != 0).any():
        yield f"without a known inventory position it orders {unknown.tolist()}"


def a_bad_row_becomes_a_status(subject: Subject) -> Iterator[str]:
    """NULL in a column that is needed: that partition's rows say so, and the others are solved as if nothing were."""
    needed = [column for column in subject.policy.input_columns if not column.is_nullable]
    others = subject.items.assign(partition_key="other", product_id=[f"other{i}" for i in range(len(subject.items))])
    for method in subject.methods:
        alone = subject.solve(others, method)
        for column in needed:
            bad = subject.items.copy()
            bad[column.name] = bad[column.name].where(bad.index != 0, np.nan if column.type == "double" else None)
            solved = solve_bucket(pd.concat([bad, others], ignore_index=True), subject.request(method))
            refused, kept = (solved[solved["partition_key"] == key] for key in ("example", "other"))
            if len(solved) != len(bad) + len(others) or not (refused["termination"] == Termination.INVALID_INPUT).all():
                yield f"{method}: {column.name} NULL: {len(solved)} rows, {sorted(set(refused['termination']))}"
            elif column.name not in str(refused["message"].iloc[0]):
                yield f"{method}: {column.name} NULL: the message does not name it: {refused['message'].iloc[0]}"
            if not np.allclose(kept["cost"], alone["cost"], rtol=MODEL_AGREEMENT, equal_nan=True):
                yield f"{method}: {column.name} NULL in one partition changed another's cost"


def inputs_are_left_as_they_were(subject: Subject) -> Iterator[str]:
    before = _snapshot(subject.items)
    for method in subject.methods:
        subject.solve(subject.items, method)
        if _snapshot(subject.items) != before:
            yield f"{method} changed its inputs"


def the_same_question_gets_the_same_answer(subject: Subject) -> Iterator[str]:
    """Asked twice, asked beside other partitions, and with the items in another order."""
    for method in subject.methods:
        first = subject.solve(subject.items, method)
        again = subject.solve(subject.items, method)
        if first["decisions"].tolist() != again["decisions"].tolist():
            yield f"{method}: two calls decided differently"
        twice = pd.concat([subject.items, subject.items.assign(partition_key="twin")], ignore_index=True)
        backwards = subject.items.iloc[::-1].reset_index(drop=True)
        for what, items in (("beside a twin", twice), ("with its items in another order", backwards)):
            objective = subject.solve(items, method)["objective"]
            if not np.allclose(
                objective, first["objective"].iloc[0], rtol=AGREEMENT if method == "exact" else MODEL_AGREEMENT
            ):
                yield f"{method}: {what} the objective is {sorted(set(objective))} instead of {first['objective'].iloc[0]:.12g}"


LAWS: tuple[Callable[[Subject], Iterator[str]], ...] = (
    the_example_is_reached,
    both_methods_agree,
    shares_add_up_to_the_objective,
    decisions_are_those_declared,
    money_times_ten_costs_ten_times_as_much,
    without_demand_nothing_is_ordered,
    orders_are_never_negative,
    a_bad_row_becomes_a_status,
    inputs_are_left_as_they_were,
    the_same_question_gets_the_same_answer,
)


def _orders(policy: Policy, solved: pd.DataFrame, *, position: float, period: float = 0.0) -> np.ndarray:
    """What the order rule asks for when every item is at this inventory position and no order was placed before."""
    n = len(solved)
    decisions = {}
    for name in policy.decisions:
        values = np.array([one[name] for one in solved["decisions"]], dtype=float)
        decisions[name] = values[:, 0] if values.shape[1] == 1 else values
    state = pd.DataFrame(
        {
            "inventory_position": np.full(n, position),
            "day": np.full(n, 20_000.0),
            "period": np.full(n, period),
            "days_since_order": np.full(n, np.nan),
            **{key: solved[key].to_numpy() for key in ITEM},
        }
    )
    return np.asarray(policy.order(decisions, state), dtype=float)


def _snapshot(items: pd.DataFrame) -> str:
    """All values with all their digits, which the repr of an array leaves out."""
    return repr(
        [
            [value.tolist() if isinstance(value, np.ndarray) else value for value in items[name]]
            for name in items.columns
        ]
    )


def _is_null(value: object) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _idle(pmf: np.ndarray) -> np.ndarray:
    """Certainty of no demand on each day, as an array of arrays like the one given."""
    days = np.empty(len(pmf), dtype=object)
    for day in range(len(pmf)):
        days[day] = np.ones(1)
    return days


def check(names: Sequence[str], folder: str | None, say: Callable[[str], None]) -> None:
    """Checks policies by name; says which obey all laws.

    Raises
    ------
    PolicyLawError : lists each law that is broken, with the example on which it is.
    UnknownPolicyError : as `policies.load`.
    """
    problems = []
    for name in names:
        try:
            policy = policies.load(name, folder)
        except ConfigError as error:
            problems += [f"{name}: {text}" for text in error.problems]
            continue
        found = broken_laws(policy, folder)
        problems += [f"{name}: {text}" for text in found]
        if not found:
            n = len(policy.examples)
            say(f"{name}: {n} example{'s' if n > 1 else ''}, all {len(LAWS)} laws hold")
    if problems:
        raise PolicyLawError("policies break laws that every policy obeys", problems)
