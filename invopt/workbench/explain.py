"""Solves one saved partition again, without Spark: what went in, what came out, and what the run had decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from invopt import lake, policies, solving
from invopt.config import Config, PolicyRow
from invopt.errors import InputError, TableError
from invopt.tables import ORDER_REVIEWS, RUNS, SOLUTIONS, policy_inputs
from invopt.tables.columns import ITEM


def solve_one(
    config: Config,
    row: PolicyRow,
    item: dict[str, str],
    run_id: str | None,
    methods: list[str],
    say: Callable[[str], None],
) -> pd.DataFrame:
    """Solves the partition of an item by each method and says inputs, decisions and status; gives the solutions.

    Parameters
    ----------
    item : values of location_id, product_id and, where there are several, source_id
    run_id : the run whose inputs are used; the newest that has the item when None
    methods : of "exact" and "model"

    Raises
    ------
    InputError : no run has inputs for the item.
    """
    policy = policies.load(row.policy, config.policies_folder)
    table = policy_inputs(policy.name, policy.input_columns)
    inputs = lake.read(config.lakehouse, table, {"policy_id": row.id, **item, **({"run_id": run_id} if run_id else {})})
    if inputs.empty:
        wanted = ", ".join(f"{name} {value}" for name, value in item.items())
        raise InputError(
            "there is nothing to solve",
            [
                f"{table.name} has no row for policy {row.id}, {wanted}"
                + (f", run {run_id}" if run_id else "")
                + "; is it in the policy's scope? See conf/policies.yaml"
            ],
        )
    run_id = run_id or _newest(config, set(inputs["run_id"]))
    first = inputs[inputs["run_id"] == run_id].iloc[0]
    partition = lake.read(
        config.lakehouse, table, {"policy_id": row.id, "run_id": run_id, "partition_key": first["partition_key"]}
    )
    say(f"run {run_id}, policy {row.id} ({policy.name}), partition {first['partition_key']}, items: {len(partition)}")
    say(f"item: location {first['location_id']}, product {first['product_id']}, source {first['source_id']}")
    for column in policy.input_columns:
        say(f"  {column.name:24s} {_shown(first[column.name])} {column.unit}".rstrip())
    solver = config.solver(row.solver)
    request = solving.SolveRequest(
        policy=row.policy,
        policies_folder=config.policies_folder,
        params=row.params,
        method=row.method,
        solver=solving.Solver(
            name=solver.name,
            kind=solver.kind,
            plugin=solver.plugin,
            time_limit=solver.time_limit,
            options=solver.options,
        ),
    )
    solutions = pd.concat(
        [
            solving.solve_partition(partition.assign(is_audited=False), replace(request, method=method))
            for method in methods
        ],
        ignore_index=True,
    )
    for one in _of_item(solutions, first):
        say(
            f"{one['method']:5s}  {one['status']} ({one['termination']}): "
            f"{_decisions(one['decisions'])}, cost {_money(one['cost'])} money/day"
            + (f" of the partition's {_money(one['objective'])}" if len(partition) > 1 else "")
            + (f", {one['message']}" if one["message"] else "")
        )
    saved = lake.read(
        config.lakehouse, SOLUTIONS, {"policy_id": row.id, "run_id": run_id, "partition_key": first["partition_key"]}
    )
    for one in _of_item(saved, first):
        say(
            f"saved  {one['status']} ({one['termination']}) by {one['method']}: "
            f"{_decisions(one['decisions'])}, cost {_money(one['cost'])} money/day"
        )
    _say_reviews(config, {"policy_id": row.id, "run_id": run_id, **{name: first[name] for name in ITEM}}, say)
    return solutions


def _of_item(rows: pd.DataFrame, item: pd.Series) -> list[dict]:
    """The rows of one item among those of its partition."""
    return rows[(rows[list(ITEM)] == item[list(ITEM)]).all(axis=1)].to_dict("records")


def _say_reviews(config: Config, of_item: dict[str, str], say: Callable[[str], None]) -> None:
    """What the run ordered of the item, and why; nothing when it has not come to that step."""
    try:
        reviews = lake.read(config.lakehouse, ORDER_REVIEWS, of_item)
    except TableError:
        return
    for one in reviews.to_dict("records"):
        say(
            f"ordered {one['quantity']:g} of product {one['product_id']} for location {one['location_id']}: "
            f"{one['reason']}"
        )


def _newest(config: Config, run_ids: set[str]) -> str:
    runs = lake.read(config.lakehouse, RUNS)
    runs = runs[runs["run_id"].isin(run_ids)].sort_values(["as_of", "started_at"])
    return runs["run_id"].iloc[-1] if len(runs) else max(run_ids)


def _shown(value: object) -> str:
    if isinstance(value, np.ndarray):
        if len(value) and isinstance(value[0], np.ndarray):
            first = ", ".join(f"{x:.4g}" for x in value[0][:6])
            return f"{len(value)} days of up to {max(len(one) for one in value)} probabilities, the first [{first} ...]"
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
