"""A Pyomo model to any solver that Pyomo's SolverFactory knows."""

from __future__ import annotations

import math

import pyomo.environ as pyo
from pyomo.common.log import LoggingIntercept
from pyomo.opt import TerminationCondition

from invopt.config import SolverRow
from invopt.solving.outcome import SolverResult, Status, Termination

TERMINATIONS = {
    TerminationCondition.optimal: Termination.CONVERGED,
    TerminationCondition.globallyOptimal: Termination.CONVERGED,
    TerminationCondition.locallyOptimal: Termination.CONVERGED,
    TerminationCondition.infeasible: Termination.INFEASIBLE,
    TerminationCondition.unbounded: Termination.UNBOUNDED,
    TerminationCondition.maxTimeLimit: Termination.TIME_LIMIT,
}


def solve(model: pyo.ConcreteModel, solver: SolverRow) -> SolverResult:
    """Solves the model and sets its variables, integer ones exactly integer.

    Every interface of Pyomo takes `timelimit` and translates it to its solver's own option.

    Raises
    ------
    ValueError : the solver is not on this machine; names it.
    """
    plugin = solver.plugin
    # Pyomo logs a traceback for a program that isn't there; the message below says it better
    with LoggingIntercept(module="pyomo.opt"):
        optimiser = pyo.SolverFactory(plugin, **({"executable": solver.executable} if solver.executable else {}))
        is_available = optimiser.available(exception_flag=False)
    if not is_available:
        where = f" at {solver.executable}" if solver.executable else ""
        raise ValueError(
            f"solver {plugin!r} is not available{where}: install it, on a cluster on every worker, or choose another"
        )
    objectives = list(model.component_data_objects(pyo.Objective, active=True))
    if len(objectives) != 1 or objectives[0].sense != pyo.minimize:
        raise ValueError(
            f"the model must have one active objective, to be minimised; found {[o.name for o in objectives]}"
        )
    results = optimiser.solve(model, timelimit=solver.time_limit, options=dict(solver.options), load_solutions=False)
    condition = results.solver.termination_condition
    termination = TERMINATIONS.get(condition, Termination.ERROR)
    message = None if termination is Termination.CONVERGED else f"{plugin}: {condition}"
    if not len(results.solution) or termination in (Termination.INFEASIBLE, Termination.UNBOUNDED):
        if termination is Termination.CONVERGED:
            termination, message = Termination.ERROR, f"{plugin}: {condition}, but it gave no values"
        return SolverResult(termination, Status.NO_SOLUTION, message=message)
    model.solutions.load_from(results)
    for variable in model.component_data_objects(pyo.Var, active=True):
        if not variable.is_continuous() and variable.value is not None:
            variable.set_value(round(variable.value), skip_validation=True)
    is_optimal = termination is Termination.CONVERGED and condition != TerminationCondition.locallyOptimal
    return SolverResult(
        termination,
        Status.OPTIMAL if is_optimal else Status.FEASIBLE,
        float(pyo.value(objectives[0])),
        _bound(results.problem.lower_bound),
        message,
    )


def _bound(bound: object) -> float | None:
    """The bound as a number; a solver that proves none gives nothing, minus infinity or an undefined marker."""
    try:
        return float(bound) if math.isfinite(float(bound)) else None
    except (TypeError, ValueError):
        return None
