"""The request to the solving engine: a row of conf/policies.yaml, with the solver and the folder that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from invopt import policies
from invopt.config import Config, PolicyRow, SolveConfig, SolverRow
from invopt.errors import ConfigError
from invopt.solving import highs

HIGHS = SolverRow(name="highs")


@dataclass(frozen=True)
class SolveRequest:
    """All that an executor needs to know to solve a policy's partitions; it can be pickled.

    row : the policy, its parameters and the method count; its scope and schedules do not
    solver : the record that the row's `solver` names
    policies_folder : the folder of the user's own policies
    audit_tolerance : relative difference from which on an audit says that algorithm and model disagree
    """

    row: PolicyRow
    solver: SolverRow = HIGHS
    policies_folder: str | None = None
    audit_tolerance: float = SolveConfig().audit_tolerance

    @classmethod
    def of_row(cls, config: Config, row: PolicyRow) -> SolveRequest:
        """A row of the configuration, as a run solves it."""
        return cls(row, config.solver(row.solver), config.policies_folder, config.solve.audit_tolerance)

    @classmethod
    def of_policy(
        cls,
        policy: str,
        policies_folder: str | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        method: Literal["model", "algorithm", "auto"] = "model",
        gap: float = PolicyRow.model_fields["gap"].default,
        solver: SolverRow = HIGHS,
    ) -> SolveRequest:
        """A policy by itself, without a configuration."""
        row = PolicyRow(id=policy, policy=policy, method=method, gap=gap, solver=solver.name, params=dict(params or {}))
        return cls(row, solver, policies_folder)

    def uses_model_alone(self, policy: policies.Policy) -> bool:
        """Whether each partition's model is solved, and no algorithm is asked before."""
        return self.row.method == "model" or policy.algorithm is None


def method_problems(row: PolicyRow, policy: policies.Policy, params: Any) -> list[str]:
    """Why the policy can't be solved by the row's method; `params` is None where they can't be used."""
    if row.method == "algorithm" and policy.algorithm is None:
        return ["method: algorithm: this policy has no algorithm; allowed: model, auto"]
    because = params.algorithm_alone_because() if params is not None else None
    if because is not None and (row.method == "model" or policy.algorithm is None):
        return [f"method: model: {because}; allowed: algorithm, auto"]
    return []


def check_request(request: SolveRequest) -> tuple[policies.Policy, Any]:
    """The policy and its validated parameters; called once before a run, a wrong configuration costs no cluster time.

    Raises
    ------
    UnknownPolicyError : there is no such policy.
    ConfigError : the parameters, the method or the solver's options can't be used; the error lists all problems.
    """
    row = request.row
    policy = policies.load(row.policy, request.policies_folder)
    params, problems = policies.checked_params(policy, row.params)
    problems += method_problems(row, policy, params)
    if problems:
        raise ConfigError(f"policy {row.policy!r} can't be solved as configured", problems)
    if request.solver.kind == "highs":
        highs.check_options(request.solver.options)
    return policy, params
