"""The configuration: `conf/*.yaml` as typed, validated records."""

from invopt.config.loading import load, settings
from invopt.config.records import (
    Config,
    IngestConfig,
    InputsConfig,
    LakehouseConfig,
    MappingConfig,
    OrdersConfig,
    Place,
    PlausibilityConfig,
    PolicyRow,
    Record,
    Scope,
    SolveConfig,
    SolverRow,
    default_partition,
    without_keys,
)

__all__ = [
    "Config",
    "IngestConfig",
    "InputsConfig",
    "LakehouseConfig",
    "MappingConfig",
    "OrdersConfig",
    "Place",
    "PlausibilityConfig",
    "PolicyRow",
    "Record",
    "Scope",
    "SolveConfig",
    "SolverRow",
    "default_partition",
    "load",
    "settings",
    "without_keys",
]
