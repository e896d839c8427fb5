"""`invopt.solve`: one call from numbers to decisions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import pandas as pd
from pydantic import ValidationError

from invopt import policies
from invopt.config import SolverRow
from invopt.errors import ConfigError, InputError
from invopt.front_door.answer import in_order
from invopt.front_door.prepared import prepared
from invopt.policies.base import Policy
from invopt.solving import HIGHS, SolveRequest, check_request, solve_bucket

_METHODS = ("auto", "model", "algorithm")
_STATE = "item_state"
# column, the parameter that is "none" where it is not read, and what is then told
_ASKED_BY = (
    ("service_level", "service", "is not asked for and not kept; ask by params={'service': 'cycle'} or 'fill_rate'"),
    ("price_break_quantity", "discount", "is not read; ask by params={'discount': 'all_units'} or 'incremental'"),
)


def solve(
    policy: str,
    items: pd.DataFrame | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    method: str = "auto",
    solver: str | Mapping[str, Any] | SolverRow | None = None,
    forecast: pd.DataFrame | None = None,
    policies_folder: str | None = None,
    **given: Any,
) -> pd.DataFrame:
    """The policy's decisions for items that are given as a DataFrame, as keywords, or both.

    `invopt.policies()` lists the policies and the columns that each needs; docs/policies/ has a page for each.

    Parameters
    ----------
    items : one row per item, with columns named as the policy names them; other columns are not read
    params : the policy's own parameters
    method : algorithm, model, or auto: the algorithm's answer where it is proved, else the model's if it is better
    solver : what solves models: a name (highs, or one that Pyomo knows), or settings such as
        {"time_limit": 10, "options": {"mip_rel_gap": 0.01}}
    forecast : a DataFrame with location_id, product_id, date or period, mean and, where it is known, std or variance; a
        row for each item and period. It gives demand_mean, and demand_std or demand_variance.
    policies_folder : a folder with your own policies
    given : columns, as keywords. A single value holds for all items, a list has one value per item; a column with
        periods takes a list of lists, the periods of each item. Where all columns are of one item, a flat list is its
        periods. A view that the policy reads beside its items is given by its name, a DataFrame.

    Keys may be absent; items are then numbered. demand_std may stand for demand_variance. Where demand_distribution
    is absent it is pmf for an item with demand_pmf, normal for one with a std or variance, else poisson. Where a
    column that tells which items are decided together is absent, all items are.

    Returns
    -------
    A row per item, in the order and with the index of `items`: the keys that were given; each decision in lower case, a
    list where it has periods; cost (money/period, the item's share), status (optimal, feasible or no_solution), method,
    bound and gap (of all items decided together), message; price_<name> where the policy has prices. An item whose
    values can't be used has status no_solution and the reason as its message.

    Raises
    ------
    UnknownPolicyError : there is no such policy.
    InputError : names, shapes, types, params, method or solver are wrong; lists all problems.

    >>> import invopt
    >>> costs = {"fixed_order_cost": 100, "holding_cost": 20, "backorder_cost": 150}
    >>> answer = invopt.solve("s_q", **costs, lead_time=2, demand_mean=[[1.5], [0.5]])
    >>> answer[["reorder_point", "order_quantity", "status"]].to_numpy().tolist()
    [[4.0, 6.0, 'optimal'], [1.0, 3.0, 'optimal']]
    """
    if not isinstance(policy, str):
        raise InputError("nothing can be solved", [f"policy: must be a name, such as 's_q'; found {_kind(policy)}"])
    record = policies.load(policy, policies_folder)
    request, problems = _request(policy, params, method, solver, policies_folder)
    views, keywords = _views(record, given, problems)
    ready = prepared(record, items, keywords, forecast, problems)
    if problems:
        raise InputError(f"policy {policy} can't be solved as it was asked", problems)
    _warn_of_unread_columns(request, ready.frame)
    solved = solve_bucket(ready.free, request, is_flat=True, views=views)
    result = in_order(record, solved, ready.frame, ready.blocked)
    for place, (name, values) in enumerate(ready.keys.items()):
        result.insert(place, name, values)
    return result if items is None else result.set_index(items.index)


def _request(
    policy: str, params: Any, method: Any, solver: Any, policies_folder: str | None
) -> tuple[SolveRequest | None, list[str]]:
    """The request to the engine, and what is wrong with how the policy is to be solved."""
    problems = []
    if not isinstance(params, Mapping | None):
        problems.append(f"params: must be a dict, such as {{'cost': 'guide'}}; found {_kind(params)}")
    if method not in (*_METHODS, "exact"):
        problems.append(f"method: must be {', '.join(_METHODS[:-1])} or {_METHODS[-1]}; found {method!r}")
    row, wrong = _solver(solver)
    problems += wrong
    if problems:
        return None, problems
    request = SolveRequest.of_policy(policy, policies_folder, params=params, method=method, solver=row)
    try:
        check_request(request)
    except ConfigError as error:
        return None, list(error.problems)
    return request, []


def _solver(solver: Any) -> tuple[SolverRow, list[str]]:
    if solver is None or isinstance(solver, SolverRow):
        return solver or HIGHS, []
    if isinstance(solver, str):
        solver = {"name": solver}
    if not isinstance(solver, Mapping):
        return HIGHS, [f"solver: must be a name or a dict of settings; found {_kind(solver)}"]
    settings = {"name": "highs", **solver}
    if settings["name"] != "highs" and "kind" not in settings:
        settings = {"kind": "pyomo", "plugin": settings["name"], **settings}
    try:
        return SolverRow.model_validate(settings), []
    except ValidationError as error:
        return HIGHS, [f"solver: {_solver_text(problem)}" for problem in error.errors()]


def _solver_text(problem: Mapping[str, Any]) -> str:
    """What pydantic says of a setting, in the words of this package."""
    name = ".".join(map(str, problem["loc"])) or "the whole"
    if problem["type"] == "extra_forbidden":
        known = ", ".join(SolverRow.model_fields)
        return f"{name} is not a setting; allowed: {known}; the solver's own options belong into options"
    if problem["type"] == "string_pattern_mismatch":
        return f"{name} is {problem['input']!r}, must be in lower case"
    return f"{name} is {problem['input']!r}: {problem['msg']}"


def _views(policy: Policy, given: Mapping[str, Any], problems: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The frames of the policy's further views, and the other keywords."""
    names = [name for name in policy.views if name != _STATE]
    for name in names:
        if name not in given:
            problems.append(f"{name}: is missing; {policy.name} reads the view {name} beside its items: a DataFrame")
        elif not isinstance(given[name], pd.DataFrame):
            problems.append(f"{name}: is a view and must be a DataFrame; found {_kind(given[name])}")
    others = {name: value for name, value in given.items() if name not in names}
    return {name: given[name] for name in names if name in given}, others


def _warn_of_unread_columns(request: SolveRequest, frame: pd.DataFrame) -> None:
    """Columns that the parameters do not ask for would be left out without a word."""
    _, params = check_request(request)
    for column, param, told in _ASKED_BY:
        if column in frame and frame[column].notna().any() and getattr(params, param, None) == "none":
            warnings.warn(f"{column} {told}", UserWarning, stacklevel=3)


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
