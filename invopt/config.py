"""The configuration: `conf/*.yaml` as typed, validated records; every problem is reported at once.

`base.yaml` holds the general settings, and `local.yaml`, private and git-ignored, overrides any of them. `policies.yaml` and `solvers.yaml`
are lists, one row per policy or solver.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from invopt.columns import ITEM
from invopt.datasets import BY_NAME
from invopt.errors import ConfigError


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
    state: str | None = Field(None, description="folder of the ingest stream's checkpoint; below the root when there is one")

    @model_validator(mode="after")
    def _one_place(self) -> LakehouseConfig:
        if (self.root is None) == (self.catalog is None):
            raise ValueError("give either root (a folder) or catalog (a Unity Catalog catalog)")
        if self.catalog is not None and self.state is None:
            raise ValueError("a catalog needs state, the folder of the ingest checkpoint, such as a volume's path")
        return self


class MappingConfig(Record):
    """A user's own file names and headers for one dataset."""

    files: str | None = Field(None, description="regular expression on the path below the landing zone, without its ending")
    headers: dict[str, str | list[str]] = Field(default_factory=dict, description="standard header -> own header or headers")

    def headers_of(self, header: str) -> tuple[str, ...]:
        own = self.headers.get(header, ())
        return (own,) if isinstance(own, str) else tuple(own)


class InputsConfig(Record):
    """How the inputs of policies are made."""

    horizon: int = Field(28, ge=1, le=366, description="days of forecast that a policy sees")
    forecast_max_age: int = Field(14, ge=0, description="days; an older forecast is not used")
    baselines: tuple[str, ...] = Field(("Sim",), description="policies whose landed orders are never delivered and so are not on order")


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
