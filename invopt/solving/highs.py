"""A linear or mixed-integer Pyomo model to HiGHS and back, by sparse arrays.

Pyomo's own interfaces spend most of their time translating; here `linear_form` gives the arrays and `highspy` takes
them. Each process keeps one HiGHS object, because making one costs more than a small solve. A forked child makes its
own: it must not use its parent's.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import os
import sys
from collections.abc import Mapping
from typing import Any

import highspy
import numpy as np
import pyomo.environ as pyo
from highspy import HighsModelStatus, HighsStatus
from pyomo.common.errors import InfeasibleConstraintException
from pyomo.core.base.objective import ObjectiveData
from pyomo.core.base.var import VarData

from invopt.errors import ConfigError
from invopt.solving.linear_form import LinearForm, linear_form
from invopt.solving.outcome import SolverResult, Status, Termination

# options that invopt sets itself: one thread per Spark task, and silence
OWN_OPTIONS = {"threads": 1, "parallel": "off", "output_flag": False}
RESERVED_OPTIONS = (*OWN_OPTIONS, "time_limit")
ROW_WISE, MINIMISE = 2, 1
# limit for the LP that is left once the integers are fixed; a child may take 5 s beyond its limit before it is killed
SECONDS_FOR_THE_REST = 4.0
# HiGHS stops a MIP at a gap of 1e-4 by itself; the tenth more is for its tolerance on integers. A point found under a
# wider gap that the user asked for is no optimum
OPTIMAL_GAP = 1.1e-4
FEASIBLE_POINT = int(highspy.SolutionStatus.kSolutionStatusFeasible)

NO_ANSWER = (HighsModelStatus.kNotset, HighsModelStatus.kPresolveError, HighsModelStatus.kPostsolveError)
TERMINATIONS = {
    HighsModelStatus.kOptimal: Termination.CONVERGED,
    HighsModelStatus.kModelEmpty: Termination.CONVERGED,
    HighsModelStatus.kInfeasible: Termination.INFEASIBLE,
    HighsModelStatus.kUnbounded: Termination.UNBOUNDED,
    HighsModelStatus.kTimeLimit: Termination.TIME_LIMIT,
}

_kept: dict[int, highspy.Highs] = {}


@functools.cache
def import_all() -> None:
    """Makes Pyomo import now the modules that it puts off until its first model, which take half a second.

    Called before a fork, it saves every child these imports. HiGHS does not run here, because the child would not have
    its threads.
    """
    model = pyo.ConcreteModel()
    model.ITEMS = pyo.RangeSet(0, 1)
    model.x = pyo.Var(model.ITEMS, bounds=(0, 1))
    model.enough = pyo.Constraint(model.ITEMS, rule=lambda m, i: m.x[i] >= 0.5)
    model.total_cost = pyo.Objective(expr=pyo.quicksum(model.x.values()))
    linear_form(model, model.total_cost)


def check_options(options: Mapping[str, Any]) -> None:
    """Refuses an option that HiGHS doesn't know or doesn't take.

    Raises
    ------
    ConfigError : names every such option, its value, and the names that come close.
    """
    problems = []
    if options:
        highs = _made()
        for name, value in options.items():
            if name in RESERVED_OPTIONS:
                problems.append(
                    f"option {name!r} is set by invopt: one thread per task, and the solver's time_limit for the time"
                )
            elif not _is_known(highs, name):
                known = [option for option in dir(highs.getOptions()) if not option.startswith("_")]
                close = difflib.get_close_matches(name, known, n=3)
                problems.append(
                    f"option {name!r} is unknown to HiGHS" + (f"; did you mean {' or '.join(close)}?" if close else "")
                )
            elif not _is_accepted(highs, name, value):
                problems.append(
                    f"option {name!r}: HiGHS refuses the value {value!r}; its default is "
                    f"{highs.getOptionValue(name)[1]!r}"
                )
    if problems:
        raise ConfigError("the options of solver 'highs' can't be used", problems)


def solve(
    model: pyo.ConcreteModel, time_limit: float, options: Mapping[str, Any], *, has_duals: bool = False
) -> SolverResult:
    """Solves the model and sets its variables, integer ones exactly integer.

    min c'x + c0,   lower <= Ax <= upper,   l <= x <= u,   some x integer

    Parameters
    ----------
    time_limit : s; not a hard limit, because HiGHS looks at it only now and then
    options : by HiGHS's names, checked by `check_options`
    has_duals : the result has the dual of each constraint; a model with integers has none

    Raises
    ------
    ValueError : the model is not linear, has not exactly one objective, maximises, or holds NaN; says which part.
    """
    try:
        form = linear_form(model, _objective(model))
    except InfeasibleConstraintException as error:
        return SolverResult(Termination.INFEASIBLE, Status.NO_SOLUTION, message=str(error))
    problems = _where_not_finite(form)
    if problems:
        raise ValueError("the model holds NaN or infinite coefficients: " + ", ".join(problems[:3]))
    highs = _highs(options)
    is_integer = _pass_model(highs, form)
    # HiGHS compares an LP's limit with a clock that runs on from model to model, a MIP's with one that starts anew
    highs.setOptionValue("time_limit", float(time_limit) + (0.0 if is_integer.any() else highs.getRunTime()))
    status = _run(highs)
    if status == HighsModelStatus.kUnboundedOrInfeasible:
        status = _unbounded_or_infeasible(highs, form)
    termination = TERMINATIONS.get(status, Termination.ERROR)
    if status == HighsModelStatus.kModelEmpty:
        return SolverResult(termination, Status.OPTIMAL, form.offset, form.offset)
    message = None if termination is Termination.CONVERGED else f"HiGHS: {highs.modelStatusToString(status)}"
    has_point = highs.getInfo().primal_solution_status == FEASIBLE_POINT
    if has_point and termination not in (Termination.INFEASIBLE, Termination.UNBOUNDED):
        objective, bound = _read_point(highs, form, is_integer, termination)
        is_near = objective - bound <= OPTIMAL_GAP * max(1.0, abs(objective))
        solved = Status.OPTIMAL if termination is Termination.CONVERGED and is_near else Status.FEASIBLE
        duals = None
        if has_duals and solved is Status.OPTIMAL and not is_integer.any():
            solution = highs.getSolution()
            if solution.dual_valid:
                duals = {row.name: float(dual) for row, dual in zip(form.rows, solution.row_dual, strict=True)}
        return SolverResult(termination, solved, objective, bound if np.isfinite(bound) else None, message, duals)
    return SolverResult(
        Termination.ERROR if termination is Termination.CONVERGED else termination,
        Status.NO_SOLUTION,
        message=message or "HiGHS: optimal, but the point it gives is not feasible: the model is badly scaled",
    )


def _objective(model: pyo.ConcreteModel) -> ObjectiveData:
    objectives = list(model.component_data_objects(pyo.Objective, active=True))
    if len(objectives) != 1:
        names = [objective.name for objective in objectives]
        raise ValueError(f"the model must have one active objective, found {len(objectives)}: {names}")
    if objectives[0].sense != pyo.minimize:
        raise ValueError(
            f"objective {objectives[0].name} maximises: costs are minimised, so write its negative with sense=minimize"
        )
    return objectives[0]


def _unbounded_or_infeasible(highs: highspy.Highs, form: LinearForm) -> HighsModelStatus:
    """Which of the two a model is: the same rows without any cost have a point, or have none."""
    _pass_model(highs, form._replace(cost=np.zeros(len(form.cost)), offset=0.0))
    feasibility = _run(highs)
    return HighsModelStatus.kUnbounded if feasibility == HighsModelStatus.kOptimal else feasibility


def _read_point(
    highs: highspy.Highs, form: LinearForm, is_integer: np.ndarray, termination: Termination
) -> tuple[float, float]:
    """Sets the variables; gives the objective and its lower bound, which is -infinity where none was proved."""
    x = np.array(highs.getSolution().col_value)
    bound = float(highs.getInfo().mip_dual_bound)  # read before HiGHS solves the rest of a MIP
    if is_integer.any():
        x = _at_whole_numbers(highs, x, is_integer)
    for variable, amount in zip(form.columns, x.tolist(), strict=True):
        variable.set_value(amount, skip_validation=True)
    objective = float(form.cost @ x) + form.offset
    if not is_integer.any():
        bound = objective if termination is Termination.CONVERGED else -np.inf
    return objective, bound


def _at_whole_numbers(highs: highspy.Highs, x: np.ndarray, is_integer: np.ndarray) -> np.ndarray:
    """The point with its integer columns exactly integer, and the others as they then must be.

    HiGHS takes 0.999999 for 1, and lets a row be short by as much: its point can be cheaper than any real plan. So the
    other columns are solved again, by an LP that costs little beside the search. Tolerances can leave that LP without a
    point; then the other columns stay as they were.
    """
    whole = np.flatnonzero(is_integer).astype(np.int32)
    exact = x.copy()
    exact[whole] = np.rint(x[whole])
    if len(whole) == len(x):
        return exact
    n = len(whole)
    highs.changeColsIntegrality(n, whole, np.full(n, highspy.HighsVarType.kContinuous))
    highs.changeColsBounds(n, whole, exact[whole], exact[whole])
    highs.setOptionValue("time_limit", highs.getRunTime() + SECONDS_FOR_THE_REST)
    if _run(highs) == HighsModelStatus.kOptimal:
        exact = np.array(highs.getSolution().col_value)
        exact[whole] = np.rint(x[whole])
    return exact


def _highs(options: Mapping[str, Any]) -> highspy.Highs:
    """This process's HiGHS, with only these options set."""
    highs = _kept.get(os.getpid())
    if highs is None:
        _kept.clear()
        highs = _kept[os.getpid()] = _made()
    highs.setOptionValue("output_flag", False)
    highs.resetOptions()
    for name, value in {**OWN_OPTIONS, **options}.items():
        if not _is_accepted(highs, name, value):
            raise ValueError(f"HiGHS refuses option {name!r} = {value!r}")
    return highs


def _made() -> highspy.Highs:
    """A new HiGHS, silent: since 1.16 HiGHS prints its name when it is made, before an option can stop it.

    So the file descriptor of standard output is turned away meanwhile. No thread does that: in a forked child it would
    take the place of the parent's threads, which HiGHS still knows.
    """
    with contextlib.suppress(AttributeError, ValueError):  # there is no standard output, or it is closed
        sys.stdout.flush()
    try:
        shown = os.dup(1)
    except OSError:  # there is nothing to print on
        return highspy.Highs()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        highs = highspy.Highs()
    finally:
        os.dup2(shown, 1)
        os.close(shown)
        os.close(nowhere)
    highs.setOptionValue("output_flag", False)
    return highs


def _run(highs: highspy.Highs) -> HighsModelStatus:
    if highs.run() == HighsStatus.kError:
        # another HiGHS, here or in the parent before the fork, left a scheduler whose number of threads differs from
        # ours and which refuses ours; False: don't wait for its threads, because the parent's are not in the child
        highspy.Highs.resetGlobalScheduler(False)
        highs.run()
    if highs.getModelStatus() in NO_ANSWER:
        # presolve can give up on a model that is solved without it, and the other way round
        highs.setOptionValue("presolve", "on" if highs.getOptionValue("presolve")[1] == "off" else "off")
        highs.run()
    return highs.getModelStatus()


def _is_known(highs: highspy.Highs, name: str) -> bool:
    """HiGHS itself answers, because it has more options than highspy's record of them names."""
    return highs.getOptionValue(name)[0] == HighsStatus.kOk


def _is_accepted(highs: highspy.Highs, name: str, value: Any) -> bool:
    try:
        return highs.setOptionValue(name, value) == HighsStatus.kOk
    except TypeError:
        return False


def _pass_model(highs: highspy.Highs, form: LinearForm) -> np.ndarray:
    """Gives the arrays to HiGHS; returns which columns are integer."""
    lower, upper = _bounds(form.columns)
    is_integer = _are_integer(form.columns)
    status = highs.passModel(
        len(form.columns),
        len(form.rows),
        len(form.value),
        ROW_WISE,
        MINIMISE,
        form.offset,
        form.cost,
        lower,
        upper,
        form.lower,
        form.upper,
        form.start,
        form.index,
        form.value,
        is_integer.astype(np.int32),
    )
    if status == HighsStatus.kError:
        raise ValueError("HiGHS refuses the model: look for a bound of NaN, or for a coefficient beyond 1e15")
    return is_integer


def _are_integer(columns: list[VarData]) -> np.ndarray:
    """Which columns are integer; each domain is asked once, because thousands of variables share one."""
    known: dict[int, bool] = {}
    are_integer = np.zeros(len(columns), dtype=bool)
    for k, variable in enumerate(columns):
        domain = variable.domain
        if id(domain) not in known:
            known[id(domain)] = not variable.is_continuous()
            # a domain with gaps is no range of integers, and HiGHS would take the integers in the gaps too
            if known[id(domain)] and not variable.is_integer():
                raise ValueError(f"variable {variable.name} has the domain {domain}: HiGHS takes reals and integers")
        are_integer[k] = known[id(domain)]
    return are_integer


def _bounds(columns: list[VarData]) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bounds of variable and domain together."""
    pairs = [variable.bounds for variable in columns]
    # NumPy could turn None into NaN, but takes as long for that as Pyomo for the bounds
    lower = np.array([-np.inf if low is None else low for low, _ in pairs], dtype=float)
    upper = np.array([np.inf if high is None else high for _, high in pairs], dtype=float)
    return lower, upper


def _where_not_finite(form: LinearForm) -> list[str]:
    """The names of rows and costs that hold NaN, or a coefficient that is infinite."""
    names = []
    if not (np.isfinite(form.cost).all() and np.isfinite(form.offset)):
        names.append("the objective")
    is_bad = np.isnan(form.lower) | np.isnan(form.upper)
    if not np.isfinite(form.value).all():
        is_bad[np.repeat(np.arange(len(form.rows)), np.diff(form.start))[~np.isfinite(form.value)]] = True
    return names + [form.rows[row].name for row in np.flatnonzero(is_bad)]
