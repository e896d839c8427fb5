"""Solves one saved partition again, without Spark: what went in, what came out, and what the run had decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from invopt import lake, policies
from invopt.config import Config, PolicyRow
from invopt.errors import InputError, TableError
from invopt.policies.base import Policy
from invopt.solving import SolveRequest, solve_partition
from invopt.solving.request import method_problems
from invopt.tables import ORDER_REVIEWS, RUNS, SOLUTIONS, Table, policy_inputs
from invopt.tables.columns import ITEM


def solve_one(
    config: Config,
    row: PolicyRow,
    item: dict[str, str],
    run_id: str | None,
    methods: list[str],
    say: Callable[[str], None],
) -> pd.DataFrame:
    """Solves the partition of an item by each method; says inputs, decisions and status, and gives the solutions.

    Parameters
    ----------
    item : values of location_id, product_id and, where there are several, source_id
    run_id : the run whose inputs are used; None for the newest run that has the item
    methods : of "algorithm" and "model"

    Raises
    ------
    InputError : no run has inputs for the item.
    """
    policy = policies.load(row.policy, config.policies_folder)
    table = policy_inputs(policy.name, policy.needs)
    inputs = _inputs_of_item(config, table, row, item, run_id)
    run_id = run_id or _newest(config, set(inputs["run_id"]))
    item_inputs = inputs[inputs["run_id"] == run_id].iloc[0]
    of_partition = {"policy_id": row.id, "run_id": run_id, "partition_key": item_inputs["partition_key"]}
    partition = lake.read(config.lakehouse, table, of_partition)
    n_items = len(partition)
    say(f"run {run_id}, policy {row.id} ({policy.name}), partition {item_inputs['partition_key']}, items: {n_items}")
    _say_inputs(policy, item_inputs, say)
    solutions = _solve_again(config, row, partition, methods)
    for solution in _of_item(solutions, item_inputs):
        share = f" of the partition's {_money(solution['objective'])}" if n_items > 1 else ""
        message = f", {solution['message']}" if solution["message"] else ""
        say(
            f"{solution['method']:9s} {solution['status']} ({solution['termination']}): "
            f"{_decisions(solution['decisions'])}, cost {_money(solution['cost'])} money/day{share}{message}"
        )
    for solution in _of_item(lake.read(config.lakehouse, SOLUTIONS, of_partition), item_inputs):
        say(
            f"saved     {solution['status']} ({solution['termination']}) by {solution['method']}: "
            f"{_decisions(solution['decisions'])}, cost {_money(solution['cost'])} money/day"
        )
    _say_orders(config, {"policy_id": row.id, "run_id": run_id, **{name: item_inputs[name] for name in ITEM}}, say)
    return solutions


def methods_of(config: Config, row: PolicyRow) -> list[str]:
    """Those of "algorithm" and "model" by which the row's policy can decide under its parameters."""
    policy = policies.load(row.policy, config.policies_folder)
    params = policy.params(**row.params)
    return [
        method
        for method in ("algorithm", "model")
        if not method_problems(row.model_copy(update={"method": method}), policy, params)
    ]


def _inputs_of_item(
    config: Config, table: Table, row: PolicyRow, item: dict[str, str], run_id: str | None
) -> pd.DataFrame:
    """The item's rows of a policy's inputs, one per run; of that run only where one is given."""
    of_run = {"run_id": run_id} if run_id else {}
    inputs = lake.read(config.lakehouse, table, {"policy_id": row.id, **item, **of_run})
    if inputs.empty:
        wanted = ", ".join(f"{name} {value}" for name, value in item.items()) + (f", run {run_id}" if run_id else "")
        raise InputError(
            "there is nothing to solve",
            [
                f"{table.name} has no row for policy {row.id}, {wanted}; is it in the policy's scope? "
                "See conf/policies.yaml"
            ],
        )
    return inputs


def _newest(config: Config, run_ids: set[str]) -> str:
    runs = lake.read(config.lakehouse, RUNS)
    runs = runs[runs["run_id"].isin(run_ids)].sort_values(["as_of", "started_at"])
    return runs["run_id"].iloc[-1] if len(runs) else max(run_ids)


def _solve_again(config: Config, row: PolicyRow, partition: pd.DataFrame, methods: list[str]) -> pd.DataFrame:
    request = SolveRequest.of_row(config, row)
    items = partition.assign(is_audited=False)
    by_method = (
        solve_partition(items, replace(request, row=row.model_copy(update={"method": method}))) for method in methods
    )
    return pd.concat(by_method, ignore_index=True)


def _of_item(rows: pd.DataFrame, item: pd.Series) -> list[dict]:
    """The rows of one item among those of its partition."""
    return rows[(rows[list(ITEM)] == item[list(ITEM)]).all(axis=1)].to_dict("records")


def _say_inputs(policy: Policy, item: pd.Series, say: Callable[[str], None]) -> None:
    say(f"item: location {item['location_id']}, product {item['product_id']}, source {item['source_id']}")
    for column in policy.needs:
        say(f"  {column.name:24s} {_shown(item[column.name])} {column.unit}".rstrip())


def _say_orders(config: Config, of_item: dict[str, str], say: Callable[[str], None]) -> None:
    """Says how much of the item the run ordered, and why; nothing when the run has not come to that step."""
    try:
        lines = lake.read(config.lakehouse, ORDER_REVIEWS, of_item)
    except TableError:
        return
    for line in lines.to_dict("records"):
        say(
            f"ordered {line['quantity']:g} of product {line['product_id']} for location {line['location_id']}: "
            f"{line['reason']}"
        )


def _shown(value: object) -> str:
    if isinstance(value, np.ndarray):
        if len(value) and isinstance(value[0], np.ndarray):
            head = ", ".join(f"{x:.4g}" for x in value[0][:6])
            return f"{len(value)} days of up to {max(map(len, value))} probabilities, the first [{head} ...]"
        numbers = value.astype(float)
        head = ", ".join(f"{x:.4g}" for x in numbers[:5])
        return f"[{head}{', ...' if len(numbers) > 5 else ''}] (n={len(numbers)}, mean {numbers.mean():.4g})"
    return f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)


def _decisions(decisions: object) -> str:
    if decisions is None:
        return "no decisions"
    return ", ".join(f"{name} {' '.join(f'{x:g}' for x in values)}" for name, values in dict(decisions).items())


def _money(cost: float | None) -> str:
    return "unknown" if cost is None or cost != cost else f"{cost:.6f}"
