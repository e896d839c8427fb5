"""The laws that every policy obeys, checked on the policy's examples by `invopt policies --check` and by the tests.

A law is a function (subject) -> sentences: one for each way in which the policy breaks it, none when it holds.
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
from invopt.policies.base import Example, Params, Policy
from invopt.policies.inputs.items import Items
from invopt.solving import SolveRequest, Status, Termination, highs, solve_bucket, solve_partition, supervised
from invopt.solving.audit import AUDIT_OPTIONS
from invopt.solving.outcome import relative_difference
from invopt.tables import ITEM_STATE
from invopt.tables.columns import ITEM
from invopt.theory.order_rules import Stock

# largest relative difference of two methods' costs, or of one method's at two calls
AGREEMENT = 1e-9
# the longest law of the shipped policies takes some seconds
SECONDS_PER_LAW = 120.0
# the same where a solver's tolerances on integers come in
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
        """The methods that can decide under the example's parameters."""
        has_model = self.params.algorithm_alone_because() is None
        return (("model",) if has_model else ()) + (("algorithm",) if self.policy.algorithm is not None else ())

    @property
    def params(self) -> Params:
        return self.policy.params(**self.example.params)

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
        for column in policy.needs
    }
    return pd.DataFrame({**keys, **columns, "partition_key": ["example"] * n, "is_audited": [False] * n})


def broken_laws(policy: Policy, folder: str | None = None) -> list[str]:
    """All that is wrong with a policy, as `example, law: sentence`; an exception in a law is one of its sentences."""
    findings = _declaration_problems(policy)
    if not re.fullmatch(NAME, policy.name):
        return findings
    if not policy.examples:
        return [
            *findings,
            "it has no examples: give at least one published or hand-computed instance in Policy.examples",
        ]
    for example in policy.examples:
        lacking = sorted({column.name for column in policy.needs for item in example.items if column.name not in item})
        if lacking:
            findings.append(f"{example.name}: an item lacks the input columns {', '.join(lacking)}")
        else:
            findings += [f"{example.name}, {sentence}" for sentence in _broken_by(Subject(policy, example, folder))]
    return findings


def _broken_by(subject: Subject) -> Iterator[str]:
    """Sentences about one example, each after the name of its law.

    The laws run in a child process with a clock: an algorithm that never ends, or crashes, is one more finding.
    """
    answers = supervised.run(lambda k: _sentences(LAWS[k], subject), len(LAWS), SECONDS_PER_LAW)
    for law, sentences in zip(LAWS, answers, strict=True):
        if isinstance(sentences, supervised.Lost):
            sentences = [f"{sentences.reason}: does its code end, and does it end by itself?"]
        yield from (f"{law.__name__.replace('_', ' ')}: {sentence}" for sentence in sentences)


def _sentences(law: Callable[[Subject], Iterator[str]], subject: Subject) -> list[str]:
    try:
        return list(law(subject))
    except Exception as error:  # the suite must get to its end whatever a policy's code does
        return [f"{type(error).__name__}: {error}"]


def _declaration_problems(policy: Policy) -> list[str]:
    """Problems that the record shows by itself. Only Spark can tell whether its SELECT runs."""
    findings = []
    if not re.fullmatch(NAME, policy.name):
        findings.append(
            f"its name {policy.name!r} must be small letters, digits and underscores, or conf/policies.yaml can't "
            "name it"
        )
    columns = {column.name for column in policy.needs}
    known = {column.name for column in ITEM_STATE.columns}
    if policy.select is None:
        findings += [
            f"needs: {name} is no column of gold.item_state: give a SELECT that makes it" for name in columns - known
        ]
    findings += [
        f"partition_by: {name} is no column of gold.item_state"
        for name in policy.partition_by
        if name not in known | columns
    ]
    findings += [
        f"select: the SELECT does not name the column {name}"
        for name in sorted(columns | set(ITEM))
        if policy.select and not re.search(rf"\b{name}\b", policy.select) and "*" not in policy.select
    ]
    try:
        policy.params()
    except ValidationError as error:
        findings += [f"params.{problem['loc'][0]}: must have a default" for problem in error.errors()]
    try:
        highs.check_options(policy.solver_options.get("highs", {}))
    except ConfigError as error:
        findings += [f"solver_options, highs: {problem}" for problem in error.problems]
    return findings


# ------------------------------------------------------------------------------------------------------- the laws


def the_example_is_reached(subject: Subject) -> Iterator[str]:
    """Each method reaches the published cost, and the published decisions where the example has them."""
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
    """The algorithm's cost is the model's; where one method proves only a bound, the other's cost lies above it."""
    if len(subject.methods) < 2:
        return
    model, algorithm = (subject.solve(subject.items, method).iloc[0] for method in subject.methods)
    for proof, plan in ((model, algorithm), (algorithm, model)):
        excess = proof["bound"] - plan["objective"]
        if excess > MODEL_AGREEMENT * max(1.0, abs(plan["objective"])):
            yield f"{proof['method']} proves {proof['bound']:.12g}, {plan['method']} reaches {plan['objective']:.12g}"


def shares_add_up_to_the_objective(subject: Subject) -> Iterator[str]:
    for method in subject.methods:
        solved = subject.solve(subject.items, method)
        total, objective = solved["cost"].sum(), solved["objective"].iloc[0]
        if not relative_difference(total, objective) <= AGREEMENT:
            yield f"{method}: the items' costs add up to {total:.12g}, the objective is {objective:.12g}"


def the_cost_of_the_decisions_is_the_objective(subject: Subject) -> Iterator[str]:
    """`Policy.cost` of the decisions that were found gives the items' shares of the objective."""
    for method in subject.methods:
        solved = subject.solve(subject.items, method)
        if (solved["status"] == Status.NO_SOLUTION).any():
            continue
        items = Items(subject.items, subject.policy.needs, [0, len(subject.items)])
        cost = np.asarray(subject.policy.cost(items, _decided(subject.policy, solved), subject.params), dtype=float)
        if cost.shape != (len(solved),):
            yield f"{method}: cost gave the shape {cost.shape} for {len(solved)} items"
        elif not relative_difference(cost.sum(), solved["objective"].iloc[0]) <= MODEL_AGREEMENT:
            yield f"{method}: the decisions cost {cost.sum():.12g}, the objective is {solved['objective'].iloc[0]:.12g}"


def decisions_are_those_declared(subject: Subject) -> Iterator[str]:
    for method in subject.methods:
        for decided in subject.solve(subject.items, method)["decisions"]:
            if decided is None or set(decided) != set(subject.policy.decision_names):
                yield f"{method}: returned {sorted(decided or ())}, declared {sorted(subject.policy.decision_names)}"


def money_times_ten_costs_ten_times_as_much(subject: Subject) -> Iterator[str]:
    """Costs in another currency change the objective and nothing else."""
    dearer = subject.items.copy()
    for column in subject.policy.needs:
        if column.unit.startswith("money"):
            dearer[column.name] = [
                None if _is_null(value) else np.multiply(value, 10.0) for value in dearer[column.name]
            ]
            if column.type == "double":
                dearer[column.name] = dearer[column.name].astype(float)
    for method in subject.methods:
        before, after = (subject.solve(items, method)["objective"].iloc[0] for items in (subject.items, dearer))
        if not relative_difference(after, 10 * before) <= MODEL_AGREEMENT:
            yield f"{method}: {before:.12g} became {after:.12g}"


def without_demand_nothing_is_ordered(subject: Subject) -> Iterator[str]:
    """Demand 0 on every day is solved, and the order rule asks for nothing."""
    if "demand_mean" not in subject.items:
        return
    idle = subject.items.copy()
    for name in ("demand_mean", "demand_variance", "demand_pmf"):
        if name in idle:
            without = _certainly_none if name == "demand_pmf" else np.zeros_like
            idle[name] = [None if _is_null(cell) else without(cell) for cell in idle[name]]
    for method in subject.methods:
        solved = subject.solve(idle, method)
        if (solved["status"] == Status.NO_SOLUTION).any():
            yield f"{method}: {solved['termination'].iloc[0]}: {solved['message'].iloc[0]}"
            continue
        wanted = _orders(subject.policy, solved, position=0.0)
        if np.nansum(wanted) != 0 or np.isnan(wanted).any():
            yield f"{method}: at an inventory position of 0 it orders {wanted.tolist()}"


def orders_are_never_negative(subject: Subject) -> Iterator[str]:
    """The order rule asks for 0 or more at any inventory position, and for nothing where the position is unknown."""
    for method in subject.methods:
        solved = subject.solve(subject.items, method)
        for position in (-1000.0, -1.0, 0.0, 1.0, 10.0, 1e6):
            for day in (0.0, 1.0):
                wanted = _orders(subject.policy, solved, position=position, period=day)
                if (wanted < 0).any():
                    yield f"{method}: at an inventory position of {position:g} it orders {wanted.tolist()}"
    for day in range(20_000, 20_007):
        unknown = _orders(subject.policy, solved, position=np.nan, day=day)
        if (np.nan_to_num(unknown) != 0).any():
            yield f"without a known inventory position it orders {unknown.tolist()} on day {day}"
        known = _orders(subject.policy, solved, position=0.0, day=day)
        if (known < 0).any():
            yield f"at an inventory position of 0 it orders {known.tolist()} on day {day}"


def a_bad_row_becomes_a_status(subject: Subject) -> Iterator[str]:
    """A NULL in a column that must not be NULL is a message in that partition's rows and leaves the others alone."""
    needed = [column for column in subject.policy.needs if not column.is_nullable]
    others = subject.items.assign(partition_key="other", product_id=[f"other{i}" for i in range(len(subject.items))])
    for method in subject.methods:
        alone = subject.solve(others, method)
        for column in needed:
            bad = subject.items.copy()
            bad[column.name] = bad[column.name].where(bad.index != 0, np.nan if column.type == "double" else None)
            solved = solve_bucket(pd.concat([bad, others], ignore_index=True), subject.request(method))
            refused, beside = (solved[solved["partition_key"] == key] for key in ("example", "other"))
            if len(solved) != len(bad) + len(others) or not (refused["termination"] == Termination.INVALID_INPUT).all():
                yield f"{method}: {column.name} NULL: {len(solved)} rows, {sorted(set(refused['termination']))}"
            elif column.name not in str(refused["message"].iloc[0]):
                yield f"{method}: {column.name} NULL: the message does not name it: {refused['message'].iloc[0]}"
            if not np.allclose(beside["cost"], alone["cost"], rtol=MODEL_AGREEMENT, equal_nan=True):
                yield f"{method}: {column.name} NULL in one partition changed another's cost"


def inputs_are_left_as_they_were(subject: Subject) -> Iterator[str]:
    before = _snapshot(subject.items)
    for method in subject.methods:
        subject.solve(subject.items, method)
        if _snapshot(subject.items) != before:
            yield f"{method} changed its inputs"


def the_same_question_gets_the_same_answer(subject: Subject) -> Iterator[str]:
    """A partition has one answer: at a second call, beside another partition, with its items in another order."""
    for method in subject.methods:
        first = subject.solve(subject.items, method)
        again = subject.solve(subject.items, method)
        if first["decisions"].tolist() != again["decisions"].tolist():
            yield f"{method}: two calls decided differently"
        twice = pd.concat([subject.items, subject.items.assign(partition_key="twin")], ignore_index=True)
        backwards = subject.items.iloc[::-1].reset_index(drop=True)
        alone, tolerance = first["objective"].iloc[0], AGREEMENT if method == "algorithm" else MODEL_AGREEMENT
        for way, items in (("beside a twin", twice), ("with its items in another order", backwards)):
            objective = subject.solve(items, method)["objective"]
            if not np.allclose(objective, alone, rtol=tolerance):
                yield f"{method}: {way} the objective is {sorted(set(objective))} instead of {alone:.12g}"


LAWS: tuple[Callable[[Subject], Iterator[str]], ...] = (
    the_example_is_reached,
    both_methods_agree,
    shares_add_up_to_the_objective,
    the_cost_of_the_decisions_is_the_objective,
    decisions_are_those_declared,
    money_times_ten_costs_ten_times_as_much,
    without_demand_nothing_is_ordered,
    orders_are_never_negative,
    a_bad_row_becomes_a_status,
    inputs_are_left_as_they_were,
    the_same_question_gets_the_same_answer,
)


def _orders(
    policy: Policy, solved: pd.DataFrame, *, position: float, period: float = 0.0, day: float = 20_000.0
) -> np.ndarray:
    """The order rule's quantities when every item is at this inventory position and was never ordered before."""
    stock = Stock.of(np.full(len(solved), position), period=period, day=day)
    return np.asarray(policy.order(_decided(policy, solved), stock), dtype=float)


def _decided(policy: Policy, solved: pd.DataFrame) -> dict[str, np.ndarray]:
    """Decision name -> (n,) array, or (n, n_periods) where it has periods."""
    decisions = {}
    for name in policy.decision_names:
        values = np.array([decided[name] for decided in solved["decisions"]], dtype=float)
        decisions[name] = values[:, 0] if values.shape[1] == 1 else values
    return decisions


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


def _certainly_none(pmf: np.ndarray) -> np.ndarray:
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
        findings = broken_laws(policy, folder)
        problems += [f"{name}: {text}" for text in findings]
        if not findings:
            n = len(policy.examples)
            say(f"{name}: {n} example{'s' if n > 1 else ''}, all {len(LAWS)} laws hold")
    if problems:
        raise PolicyLawError("policies break laws that every policy obeys", problems)
