"""`conf/*.yaml` and what is given beside it, read and validated; every problem is reported at once.

`base.yaml` holds the general settings, and `local.yaml`, private and git-ignored, overrides any of them.
`policies.yaml`, `solvers.yaml` and `schedules.yaml` are lists, one row per policy, solver or schedule.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from invopt.config.apart import nested_places
from invopt.config.records import Config, PolicyRow, Record, SolverRow
from invopt.config.schedules import Schedule
from invopt.config.texts import read_yaml
from invopt.errors import ConfigError
from invopt.tables.datasets import BY_NAME, DATASETS

# name of a source of settings -> its values, the one that wins first
Layers = Sequence[tuple[str, dict[str, Any]]]
# parts of the configuration that stand in files of their own
ROWS = ("policies", "solvers", "schedules")


def load(
    folder: str | Path,
    *,
    overrides: dict[str, Any] | None = None,
    checks: Sequence[Callable[[Sequence[PolicyRow], str | None], list[str]]] = (),
) -> Config:
    """The configuration in a folder, validated.

    overrides : values that win over the files', such as those of the command line; nested as in base.yaml
    checks : further functions (rows of policies.yaml, policies_folder) -> problems, for what this module can't know,
        such as the policies' own parameters

    Raises
    ------
    ConfigError : lists every problem as `file, row: problem; allowed values`.
    """
    folder = Path(folder)
    problems: list[str] = []
    if not folder.is_dir():
        raise ConfigError(
            "the configuration can't be read",
            [f"{folder}: no such folder; give one with --config, or run from the project's folder"],
        )
    layers = _layers(folder, overrides or {}, problems)
    values: dict[str, Any] = {}
    for _, layer in reversed(layers):
        _lay_over(values, layer)
    policies = _rows(folder / "policies.yaml", PolicyRow, "id", problems)
    solvers = _rows(folder / "solvers.yaml", SolverRow, "name", problems)
    schedules = (
        _rows(folder / "schedules.yaml", Schedule, "id", problems) if (folder / "schedules.yaml").exists() else []
    )
    problems += _unknown_names(folder, policies, solvers, schedules)
    problems += [
        f"{source}, {name}: is set in {folder / name}.yaml, a row for each, not here"
        for source, layer in layers
        for name in ROWS
        if name in layer
    ]
    problems += _mapping_problems(values.get("mapping"), layers)
    for check in checks:
        problems += [f"{folder / 'policies.yaml'}, {text}" for text in check(policies, values.get("policies_folder"))]
    config = None
    try:
        config = Config.model_validate({**values, "policies": policies, "solvers": solvers, "schedules": schedules})
    except ValidationError as error:
        problems += [
            f"{_holder(layers, place)}, {text}"
            for place, text in zip(_places(error), _texts(error, Config), strict=True)
        ]
    else:
        nested = nested_places(config.landing, config.lakehouse)
        problems += [f"{_holder(layers, text.split(':')[0].split('.'))}, {text}" for text in nested]
    if problems:
        raise ConfigError(
            f"the configuration in {folder} has {len(problems)} problem{'s' if len(problems) > 1 else ''}:", problems
        )
    return config


def settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Settings given as `name=value`, nested as in base.yaml; a value is read as YAML.

    >>> settings(["lakehouse.catalog=main.retail", "inputs.horizon=14", "spark.spark.sql.shuffle.partitions=4"])
    {'lakehouse': {'catalog': 'main.retail'}, 'inputs': {'horizon': 14}, 'spark': {'spark.sql.shuffle.partitions': '4'}}

    Raises
    ------
    ConfigError : lists every text that is no such pair.
    """
    nested: dict[str, Any] = {}
    problems = []
    for pair in pairs:
        name, is_pair, text = pair.partition("=")
        # a name of Spark's has dots of its own
        parts = name.strip().split(".", 1 if name.strip().startswith("spark.") else -1)
        if not is_pair or not all(parts):
            problems.append(f"--set {pair}: give a setting of base.yaml and its value, such as inputs.horizon=14")
            continue
        try:
            # Spark's settings are texts: YAML would take 0123 for a number in octal
            value = text if parts[0] == "spark" and len(parts) > 1 else yaml.safe_load(text)
        except (yaml.YAMLError, ValueError):  # the error would show the value, which may be a key
            problems.append(f"--set {name.strip()}: the value is not valid YAML; put a text into quotes")
            continue
        holder = nested
        for part in parts[:-1]:
            holder = holder.setdefault(part, {})
            if not isinstance(holder, dict):
                holder = {}
                problems.append(f"--set {pair}: {part} is given a value of its own too")
        holder[parts[-1]] = value
    if problems:
        raise ConfigError("the settings of the command line can't be read", problems)
    return nested


def _layers(folder: Path, overrides: dict[str, Any], problems: list[str]) -> Layers:
    """The sources of settings with their values, the one that wins first: a problem is told with its source."""
    base, local = folder / "base.yaml", folder / "local.yaml"
    base_values, local_values = _mapping(base, problems, is_needed=True), _mapping(local, problems)
    return (("the command line", overrides), (str(local), local_values), (str(base), base_values))


def _unknown_names(
    folder: Path, policies: Sequence[PolicyRow], solvers: Sequence[SolverRow], schedules: Sequence[Schedule]
) -> list[str]:
    """The solvers and schedules that rows of policies.yaml name and that have no row."""
    solver_names, schedule_names = [row.name for row in solvers], [row.id for row in schedules]
    problems = []
    for row in policies:
        if row.solver not in solver_names:
            problems.append(
                f"{folder / 'policies.yaml'}, id {row.id}: solver {row.solver!r} is not in solvers.yaml; allowed: "
                f"{', '.join(solver_names)}"
            )
        for field in ("optimize_schedule", "order_schedule"):
            named = getattr(row, field)
            if named is not None and named not in schedule_names:
                problems.append(
                    f"{folder / 'policies.yaml'}, id {row.id}, {field}: {named!r} is not in schedules.yaml; "
                    f"allowed: {', '.join(schedule_names) or 'none, as the file has no row'}"
                )
    return problems


def _mapping_problems(mapping: Any, layers: Layers) -> list[str]:
    """Datasets and headers of `mapping` that there are none of; values of a wrong type are found by the record
    itself.
    """
    problems = []
    for name, own in mapping.items() if isinstance(mapping, dict) else ():
        if name not in BY_NAME:
            problems.append(
                f"{_holder(layers, ('mapping', name))}, mapping: {name!r} is not a dataset; allowed: "
                f"{', '.join(BY_NAME)}"
            )
            continue
        known = sorted(field.header for field in BY_NAME[name].fields)
        for setting in ("headers", "constants"):
            headers = own.get(setting) if isinstance(own, dict) else None
            problems += [
                f"{_holder(layers, ('mapping', name, setting, header))}, mapping.{name}.{setting}: {header!r} "
                f"is not a header of it; allowed: {', '.join(known)}"
                for header in (headers if isinstance(headers, dict) else ())
                if header not in known
            ]
        if isinstance(own, dict) and own.get("delivery") is not None and not BY_NAME[name].keeps_history:
            static = ", ".join(dataset.name for dataset in DATASETS if dataset.keeps_history)
            problems.append(
                f"{_holder(layers, ('mapping', name, 'delivery'))}, mapping.{name}.delivery: only the deliveries of "
                f"static datasets are full or delta: {static}"
            )
    return problems


def _holder(layers: Layers, place: Sequence[Any]) -> str:
    """The layer that says most of a value's place: the first that has it, or has most of the way to it."""

    def depth(values: Any) -> int:
        n = 0
        for part in place:
            if not isinstance(values, dict) or part not in values:
                break
            values, n = values[part], n + 1
        return n

    depths = [depth(values) for _, values in layers]
    # a setting that no layer has is missing in the last one, base.yaml
    return layers[depths.index(max(depths))][0] if any(depths) else layers[-1][0]


def _places(error: ValidationError) -> list[tuple[Any, ...]]:
    return [problem["loc"] for problem in error.errors()]


def _read_yaml(path: Path, problems: list[str], *, is_needed: bool) -> Any:
    if not path.is_file():
        if is_needed:
            problems.append(f"{path}: the file is missing")
        return None
    try:
        return read_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:  # a date such as 2026-13-01 is a ValueError
        problems.append(f"{path}: not valid YAML: {' '.join(str(error).split())}")
        return None


def _mapping(path: Path, problems: list[str], *, is_needed: bool = False) -> dict[str, Any]:
    values = _read_yaml(path, problems, is_needed=is_needed)
    if values is not None and not isinstance(values, dict):
        problems.append(f"{path}: must be names with values, found a {type(values).__name__}")
    return values if isinstance(values, dict) else {}


def _rows(path: Path, record: type[Record], key: str, problems: list[str]) -> list:
    values = _read_yaml(path, problems, is_needed=True)
    if values is None:
        return []
    if not isinstance(values, list):
        problems.append(f"{path}: must be a list of rows, each starting with '- {key}: ...'")
        return []
    rows, seen = [], set()
    for number, value in enumerate(values, start=1):
        name = value.get(key, "?") if isinstance(value, dict) else "?"
        if empty := _empty_names(value):
            problems += [f"{path}, row {number} ({key} {name}), {text}" for text in empty]
            continue
        try:
            row = record.model_validate(value)
        except ValidationError as error:
            problems += [f"{path}, row {number} ({key} {name}), {text}" for text in _texts(error, record)]
            continue
        if name in seen:
            problems.append(f"{path}, row {number}: {key} {name!r} is there twice")
        seen.add(name)
        rows.append(row)
    return rows


def _empty_names(row: Any) -> list[str]:
    """What is wrong with names of a scope without a value: one whose ids somebody took out would be all there are."""
    given = row.get("scope") if isinstance(row, dict) else None
    texts = []
    for name, value in given.items() if isinstance(given, dict) else ():
        if value is None:
            texts.append(f"scope.{name}: has no value; leave the name out for all, or give it one")
        elif isinstance(value, list) and None in value:
            texts.append(f"scope.{name}: has an empty value in its list; an id such as NULL stands in quotes")
    return texts


def _texts(error: ValidationError, record: type[Record]) -> list[str]:
    """Pydantic's problems as `name: problem; allowed values`."""
    texts = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"]) or "the whole"
        text = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            known = [name for name in _names_beside(record, problem["loc"]) if name not in ROWS]
            text = f"is not a known name; allowed: {', '.join(known)}"
        elif problem["type"] == "missing":
            text = "is missing"
        else:
            text = f"{text}, found {problem['input']!r:.80}"
        texts.append(f"{name}: {text}")
    return texts


def _names_beside(record: type[Record], place: Sequence[str | int]) -> list[str]:
    """The names that are known where an unknown one stands."""
    for part in place[:-1]:
        kind = record.model_fields[part].annotation if part in record.model_fields else None
        if not (isinstance(kind, type) and issubclass(kind, Record)):
            return ["see the comments in conf/base.yaml"]
        record = kind
    return list(record.model_fields)


def _lay_over(values: dict[str, Any], more: dict[str, Any]) -> None:
    """Lays `more` over `values`, name by name at every depth.

    Tables are in one place: a root replaces the catalog that a source below names, and a catalog the root.
    """
    if isinstance(place := more.get("lakehouse"), dict) and isinstance(values.get("lakehouse"), dict):
        for given, other in (("root", "catalog"), ("catalog", "root")):
            if given in place and other not in place:
                values["lakehouse"].pop(other, None)
    for name, value in more.items():
        if isinstance(value, dict) and isinstance(values.get(name), dict):
            _lay_over(values[name], value)
        else:
            values[name] = copy.deepcopy(value)
