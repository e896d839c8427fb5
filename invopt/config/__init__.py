"""The configuration: `conf/*.yaml` as typed, validated records; every problem is reported at once.

`base.yaml` holds the general settings, and `local.yaml`, private and git-ignored, overrides any of them.
`policies.yaml`, `solvers.yaml` and `schedules.yaml` are lists, one row per policy, solver or schedule.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from invopt.config.schedules import Schedule
from invopt.errors import ConfigError
from invopt.tables.columns import ITEM
from invopt.tables.datasets import BY_NAME

# name of a source of settings -> its values, the one that wins first
Layers = Sequence[tuple[str, dict[str, Any]]]


class Record(BaseModel):
    """A part of the configuration: frozen, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LakehouseConfig(Record):
    """Where the tables are: a folder (any path Spark can write) or a Unity Catalog catalog."""

    root: str | None = None
    catalog: str | None = Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    schema_prefix: str = Field(
        "", pattern=r"^[a-z0-9_]*$", description="before bronze, silver and gold in the names of the catalog's schemas"
    )
    state: str | None = Field(
        None, description="folder of the ingest stream's checkpoint; below the root when there is one"
    )

    @model_validator(mode="after")
    def _one_place(self) -> LakehouseConfig:
        if (self.root is None) == (self.catalog is None):
            raise ValueError("give either root (a folder) or catalog (a Unity Catalog catalog)")
        if self.catalog is not None and self.state is None:
            raise ValueError("a catalog needs state, the folder of the ingest checkpoint, such as a volume's path")
        return self


class MappingConfig(Record):
    """A user's own file names and headers for one dataset."""

    files: str | None = Field(
        None, description="regular expression on the path below the landing zone, without its ending"
    )
    headers: dict[str, str | list[str]] = Field(
        default_factory=dict, description="standard header -> own header or headers"
    )

    def headers_of(self, header: str) -> tuple[str, ...]:
        own = self.headers.get(header, ())
        return (own,) if isinstance(own, str) else tuple(own)


class InputsConfig(Record):
    """How the inputs of policies are made."""

    horizon: int = Field(28, ge=1, le=366, description="days of forecast that a policy sees")
    forecast_max_age: int = Field(14, ge=0, description="days; an older forecast is not used")
    baselines: tuple[str, ...] = Field(
        ("Sim",), description="policies whose landed orders are never delivered and so are not on order"
    )


class SolveConfig(Record):
    """How partitions are spread over the cluster."""

    items_per_bucket: int = Field(15_000, ge=1, description="items in one call of an exact algorithm")
    models_per_bucket: int = Field(200, ge=1, description="partitions in one call, when each builds a model")
    items_per_wave: int = Field(2_000_000, ge=1, description="items that are solved and committed together")
    models_per_wave: int = Field(20_000, ge=1, description="the same, when each partition builds a model")
    waves: int | None = Field(None, ge=1, description="number of waves, instead of what the sizes give")
    tasks: int | None = Field(None, ge=1, description="tasks of a wave; 2 per core when empty")
    audit_partitions: int = Field(20, ge=0, description="partitions of a run that exact and model both solve")
    audit_tolerance: float = Field(1e-6, gt=0, description="relative difference above which the run fails")


class OrdersConfig(Record):
    """How decisions become orders."""

    stale_stock: Literal["hold", "order"] = Field(
        "hold", description="what to do for a location whose stock count is older than the others'"
    )


class SolverRow(Record):
    """A solver: HiGHS, reached directly, or any other that Pyomo's SolverFactory knows."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Literal["highs", "pyomo"] = "highs"
    plugin: str | None = Field(None, description="name for Pyomo's SolverFactory, for kind pyomo")
    time_limit: float = Field(60.0, gt=0, description="seconds per partition")
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _plugin_for_pyomo(self) -> SolverRow:
        if (self.kind == "pyomo") != (self.plugin is not None):
            raise ValueError("plugin is given for kind pyomo, and only there")
        return self


class Scope(Record):
    """The items that a policy decides for: those that fulfil all that is given."""

    location_id: tuple[str, ...] | None = None
    product_id: tuple[str, ...] | None = None
    source_id: tuple[str, ...] | None = None
    department_id: tuple[str, ...] | None = None
    is_perishable: bool | None = None

    @field_validator("location_id", "product_id", "source_id", "department_id", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        """Ids are text: a YAML 3 is "3"; one id may be given without a list. Anything else is left for pydantic to
        refuse.
        """
        if isinstance(value, (str, int)):
            return (str(value),)
        return (
            tuple(str(one) if isinstance(one, int) else one for one in value)
            if isinstance(value, list | tuple)
            else value
        )


class PolicyRow(Record):
    """One row of policies.yaml: which policy decides for which items, how, and with which parameters."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    policy: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    active: bool = True
    scope: Scope = Scope()
    partition_by: (
        tuple[Literal["location_id", "product_id", "source_id", "department_id", "storage_id"], ...] | None
    ) = None
    method: Literal["model", "exact"] = "model"
    solver: str = "highs"
    optimize_schedule: str | None = Field(
        None, description="row of schedules.yaml: when it decides; at every run when empty"
    )
    order_schedule: str | None = Field(
        None, description="row of schedules.yaml: when it orders; at every run when empty"
    )
    params: dict[str, Any] = Field(default_factory=dict)

    @field_validator("params", mode="before")
    @classmethod
    def _nothing_is_none(cls, value: Any) -> Any:
        return {} if value is None else value


class Config(Record):
    """The whole configuration."""

    lakehouse: LakehouseConfig
    landing: str
    policies_folder: str | None = Field(None, description="folder with your own policies")
    mapping: dict[str, MappingConfig] = Field(default_factory=dict)
    inputs: InputsConfig = InputsConfig()
    solve: SolveConfig = SolveConfig()
    orders: OrdersConfig = OrdersConfig()
    spark: dict[str, str] = Field(default_factory=dict, description="settings for the Spark session in local mode")
    policies: tuple[PolicyRow, ...] = ()
    solvers: tuple[SolverRow, ...] = ()
    schedules: tuple[Schedule, ...] = ()

    @field_validator("spark", mode="before")
    @classmethod
    def _setting_texts(cls, value: Any) -> Any:
        return {key: str(one).lower() if isinstance(one, bool) else str(one) for key, one in (value or {}).items()}

    def active_policies(self) -> tuple[PolicyRow, ...]:
        return tuple(row for row in self.policies if row.active)

    def solver(self, name: str) -> SolverRow:
        return next(row for row in self.solvers if row.name == name)

    def schedule(self, name: str | None) -> Schedule | None:
        return next((one for one in self.schedules if one.id == name), None)

    def results_hash(self) -> str:
        """Hash of all that can change a result: not where tables are, nor how Spark spreads the work."""
        chosen = self.model_dump(
            mode="json", include={"inputs", "orders", "policies", "solvers", "schedules", "mapping"}
        )
        chosen["audit"] = [self.solve.audit_partitions, self.solve.audit_tolerance]
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()


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
    base, local = folder / "base.yaml", folder / "local.yaml"
    values = _mapping(base, problems, is_needed=True)
    local_values = _mapping(local, problems)
    # what is wrong is told with the file that it stands in
    layers = (("the command line", overrides or {}), (str(local), copy.deepcopy(local_values)), (str(base), values))
    _merge(values, local_values)
    _merge(values, overrides or {})
    policies = _rows(folder / "policies.yaml", PolicyRow, "id", problems)
    solvers = _rows(folder / "solvers.yaml", SolverRow, "name", problems)
    schedules = (
        _rows(folder / "schedules.yaml", Schedule, "id", problems) if (folder / "schedules.yaml").exists() else []
    )
    solver_names, schedule_names = [row.name for row in solvers], [row.id for row in schedules]
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
    if problems:
        raise ConfigError(
            f"the configuration in {folder} has {len(problems)} problem{'s' if len(problems) > 1 else ''}:", problems
        )
    return config


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
        headers = own.get("headers") if isinstance(own, dict) else None
        for header in headers if isinstance(headers, dict) else ():
            if header not in known:
                problems.append(
                    f"{_holder(layers, ('mapping', name, 'headers', header))}, mapping.{name}.headers: {header!r} "
                    "is not a header of it; "
                    f"allowed: {', '.join(known)}"
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
    # what is nowhere is missing in the last one, base.yaml
    return layers[depths.index(max(depths))][0] if any(depths) else layers[-1][0]


def _places(error: ValidationError) -> list[tuple[Any, ...]]:
    return [problem["loc"] for problem in error.errors()]


def _read_yaml(path: Path, problems: list[str], *, is_needed: bool) -> Any:
    if not path.is_file():
        if is_needed:
            problems.append(f"{path}: the file is missing")
        return None
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
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


def _texts(error: ValidationError, record: type[Record]) -> list[str]:
    """Pydantic's problems as `name: problem; allowed values`."""
    texts = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"]) or "the whole"
        text = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            text = f"is not a known name; allowed: {', '.join(_names_beside(record, problem['loc']))}"
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


def _merge(values: dict[str, Any], more: dict[str, Any]) -> None:
    """Lays `more` over `values`, name by name at every depth."""
    for name, value in more.items():
        if isinstance(value, dict) and isinstance(values.get(name), dict):
            _merge(values[name], value)
        else:
            values[name] = value


def default_partition(row: PolicyRow, policy_partition: Sequence[str]) -> tuple[str, ...]:
    """The columns whose items are decided together: the row's, else the policy's own."""
    return tuple(row.partition_by or policy_partition or ITEM)
