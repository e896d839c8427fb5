"""Every policy is a file of this folder, or of a folder that the configuration names; the name finds the file."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from pydantic import ValidationError

from invopt.config import PolicyRow
from invopt.errors import ConfigError, InvoptError, UnknownPolicyError
from invopt.policies.base import Policy


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
        try:
            params = policy.params.model_validate(row.params)
            because = params.algorithm_alone_because()
            if row.method == "model" and because is not None:
                texts.append(f"id {row.id}, method: model: {because}; allowed: algorithm, auto")
        except ValidationError as error:
            for problem in error.errors():
                name = ".".join(str(part) for part in problem["loc"])
                known = ", ".join(policy.params.model_fields) or "none, the policy has no parameters"
                text = (
                    f"is not a parameter; allowed: {known}"
                    if problem["type"] == "extra_forbidden"
                    else f"{problem['msg']}, found {problem['input']!r}"
                )
                texts.append(f"id {row.id}, params.{name}: {text}")
    return texts
