"""Every policy is a file of this folder, or of a folder that the configuration names; the name finds the file.

The package can be called: `invopt.policies()` is `table()`.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
from pydantic import ValidationError

from invopt.config import PolicyRow
from invopt.errors import ConfigError, InvoptError, UnknownPolicyError
from invopt.policies.base import Params, Policy


def names(folder: str | None = None) -> list[str]:
    """Names of the policies there are: those shipped with invopt and those of the user's folder."""
    known = {module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg and module.name != "base"}
    if folder:
        if not Path(folder).is_dir():
            raise ConfigError("the policies can't be found", [f"policies_folder: {folder} is no folder"])
        known |= {path.stem for path in Path(folder).glob("*.py") if not path.stem.startswith("_")}
    return sorted(known)


def load(name: str, folder: str | None = None) -> Policy:
    """The policy of that name; a user's file hides a shipped one of the same name.

    Raises
    ------
    UnknownPolicyError : there is no such file; lists those there are.
    ConfigError : the file assigns no `POLICY`, or one of another name.
    """
    if name not in names(folder):
        raise UnknownPolicyError(f"policy {name!r} is unknown; there are: {', '.join(names(folder))}")
    file = Path(folder) / f"{name}.py" if folder else None
    is_of_user = file is not None and file.is_file()
    module = _load_file(name, file) if is_of_user else importlib.import_module(f"invopt.policies.{name}")
    policy = getattr(module, "POLICY", None)
    if not isinstance(policy, Policy) or policy.name != name:
        raise ConfigError(
            f"the file of policy {name!r} can't be used",
            [f"{module.__file__}: must assign POLICY = Policy(name={name!r}, ...), found {policy!r:.80}"],
        )
    return policy


def _load_file(name: str, file: Path) -> ModuleType:
    """The module of a user's file, loaded again once the file has changed.

    A Spark worker or a notebook lives on while its user mends the file.
    """
    module_name = f"invopt_user_policies.{name}"
    module = sys.modules.get(module_name)
    version = str(file), file.stat().st_mtime_ns
    if module is not None and getattr(module, "loaded_from", None) == version:
        return module
    spec = importlib.util.spec_from_file_location(module_name, file)
    module = importlib.util.module_from_spec(spec)
    module.loaded_from = version
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        # a half-loaded module would hide the error from whoever loads it next
        del sys.modules[module_name]
        raise ConfigError(
            f"the file of policy {name!r} can't be used", [f"{file}: {type(error).__name__}: {error}"]
        ) from error
    return module


def table(folder: str | None = None) -> pd.DataFrame:
    """The policies there are, a row for each.

    Returns
    -------
    name, decides, partition (the columns whose items are decided together), model, algorithm ("none" where there is
    none), source, needs (the columns that must be given, then in brackets those that may be)

    folder : of the user's own policies, listed too. The row of a file that can't be used says why in `decides`.

    >>> import invopt
    >>> invopt.policies().set_index("name").loc["s_q", "model"]
    'LP'
    """
    rows = []
    for name in names(folder):
        try:
            rows.append(_row(load(name, folder)))
        except ConfigError as error:  # one broken file must not hide the others
            rows.append({"name": name, "decides": " ".join(str(error).split())})
    columns = ["name", "decides", "partition", "model", "algorithm", "source", "needs"]
    return pd.DataFrame(rows, columns=columns).fillna("")


def _row(policy: Policy) -> dict[str, str]:
    """The policy's row of the table."""
    must = [column.name for column in policy.must_be_given]
    may = [column.name for column in policy.needs if column.name not in must]
    return {
        "name": policy.name,
        "decides": f"{policy.about.title}: {', '.join(policy.decision_names)}",
        "partition": " x ".join(part.removesuffix("_id") for part in policy.partition_by),
        "model": policy.about.model_class,
        "algorithm": policy.about.algorithm if policy.algorithm is not None else "none",
        "source": policy.about.source,
        "needs": ", ".join(must) + (f" [{', '.join(may)}]" if may else ""),
    }


def problems(rows: Sequence[PolicyRow], folder: str | None) -> list[str]:
    """Problems of the rows of policies.yaml that only the policies can tell: of names, parameters and methods."""
    texts = []
    for row in rows:
        try:
            policy = load(row.policy, folder)
        except InvoptError as error:
            texts.append(f"id {row.id}, policy: {error}")
            continue
        if row.method == "algorithm" and policy.algorithm is None:
            texts.append(f"id {row.id}, method: {row.policy} has no algorithm; allowed: model, auto")
        params, wrong = checked_params(policy, row.params)
        texts += [f"id {row.id}, {text}" for text in wrong]
        because = None if params is None else params.algorithm_alone_because()
        if row.method == "model" and because is not None:
            texts.append(f"id {row.id}, method: model: {because}; allowed: algorithm, auto")
    return texts


def checked_params(policy: Policy, given: Mapping[str, Any]) -> tuple[Params | None, list[str]]:
    """The policy's parameters, and what is wrong with those that were given; None where something is."""
    try:
        return policy.params.model_validate(given), []
    except ValidationError as error:
        texts = []
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"])
            known = ", ".join(policy.params.model_fields) or "none, the policy has no parameters"
            text = (
                f"is not a parameter; allowed: {known}"
                if problem["type"] == "extra_forbidden"
                else f"{problem['msg'].removeprefix('Value error, ')}, found {problem['input']!r}"
            )
            texts.append(f"params.{name}: {text}")
        return None, texts


class _CallablePackage(ModuleType):
    """Whichever of the package and its table is reached for as `invopt.policies`, both are there."""

    def __call__(self, policies_folder: str | None = None) -> pd.DataFrame:
        return self.table(policies_folder)


sys.modules[__name__].__class__ = _CallablePackage
