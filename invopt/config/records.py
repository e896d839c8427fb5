"""The settings as typed, validated records; a setting is declared here once, with its default and its meaning."""

from __future__ import annotations

import codecs
import hashlib
import json
import os
import re
import warnings
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from invopt.config.schedules import Schedule, zone_name
from invopt.tables.columns import ITEM
from invopt.tables.dataset import Dialect
from invopt.tables.datasets import DATASETS
from invopt.tables.id_forms import ALLOWED, IdForms, formed, is_form


class Record(BaseModel):
    """A part of the configuration: frozen, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LakehouseConfig(Record):
    """The place of the tables: below a folder or a URI that Spark can write, or in a catalog."""

    root: str | None = Field(None, description="a folder, or a URI such as s3a://bucket/retail")
    catalog: str | None = Field(
        None,
        description="`main`: a schema per layer, main.gold.orders; `main.retail`: one schema, main.retail.gold_orders",
    )
    schema_prefix: str = Field(
        "", pattern=r"^[a-z0-9_]*$", description="before bronze, silver and gold in the names of the catalog's schemas"
    )
    state: str | None = Field(None, description="not used any more: what was read stands in bronze.files")

    @field_validator("root")
    @classmethod
    def _absolute_uri(cls, value: str | None) -> str | None:
        """Spark and deltalake must take a place for the same: a local URI is absolute, and `~` is the user's folder."""
        if value is not None and value.startswith("file:") and not re.match(r"file:(//)?/[^/]", value):
            raise ValueError("a file: URI must be absolute and name no host, such as file:/data/lakehouse")
        if value is not None and re.search(r"//[^/]*:[^/]*@", value):
            raise ValueError("a URI must not hold a key: give it to Spark by the environment or `spark:`")
        return os.path.expanduser(value) if value is not None and value.startswith("~") else value

    @field_validator("catalog")
    @classmethod
    def _one_or_two_names(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?", value, re.ASCII):
            raise ValueError("give a catalog such as main, or a catalog and a schema such as main.retail")
        return value

    @model_validator(mode="after")
    def _one_place(self) -> LakehouseConfig:
        if (self.root is None) == (self.catalog is None):
            raise ValueError("give either root (a folder) or catalog, such as main or main.retail")
        return self


class MappingConfig(Record):
    """A user's own file names, headers and ways of writing for one dataset."""

    files: str | None = Field(
        None, description="regular expression on the path below the landing zone, without its ending"
    )
    glob: str | None = Field(None, description="pattern of such paths with their ending, such as exports/sales*.txt")
    headers: dict[str, str | list[str]] = Field(
        default_factory=dict, description="standard header -> own header or headers"
    )
    constants: dict[str, str] = Field(
        default_factory=dict, description="standard header -> value, for a column that the files lack"
    )
    separator: str | None = Field(
        None, description='between the fields of text files, such as ";" or "\\t"; what the header tells when empty'
    )
    decimal: Literal[".", ","] | None = Field(
        None,
        description="the sign before the decimals of a number; where it is empty, 1,234 could be two and is refused",
    )
    encoding: str | None = Field(None, description="of text files; what the file tells when empty")
    sheet: str | None = Field(None, description="of workbooks; the first visible one that holds something when empty")
    dates: tuple[str, ...] = Field(
        (), description="formats of dates, such as dd.MM.yyyy, MM/dd/yyyy HH:mm or excel; the usual ones when empty"
    )
    delivery: Literal["full", "delta"] | None = Field(
        None,
        description="of a static dataset: full, its files hold all rows, and what a newer one lacks is gone; delta, "
        "they hold only what has changed; full when empty, of the calendar delta",
    )
    zone: str | None = Field(
        None, description="IANA name of the zone on whose clocks moments without an offset are written; UTC when empty"
    )
    absent: Literal["judge", "zero", "last"] = Field(
        "judge",
        description="of inventory: a product that a newer count of its location does not name has 0 if it can be gone, "
        "else it is blocked; zero: it has 0; last: its last count goes on",
    )
    partial: bool = Field(
        False, description="of inventory: a file says nothing of products that it does not name, unless IsPartial is no"
    )

    @field_validator("constants", mode="before")
    @classmethod
    def _constant_texts(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        plain = (int, float)
        return {k: str(v) if isinstance(v, plain) and not isinstance(v, bool) else v for k, v in value.items()}

    @field_validator("dates", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("dates")
    @classmethod
    def _are_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if one != "excel" and not re.fullmatch(
                r"(yyyy|yy|MMM|MM|M|dd|d|HH|H|hh|h|mm|ss|SSS|a|'[^']*'|[-/., :_])+", one
            ):
                raise ValueError(
                    f"{one!r} is no format of dates: write it with yyyy, MM, dd, HH, mm, ss, such as dd.MM.yyyy, "
                    "or excel"
                )
            if one != "excel" and not all(part in one for part in ("y", "M", "d")):
                raise ValueError(f"{one!r} lacks a year, a month or a day")
        return value

    @field_validator("separator")
    @classmethod
    def _one_sign(cls, value: str | None) -> str | None:
        if value is not None and (len(value) != 1 or value in '"\r\n'):
            raise ValueError('must be one sign, such as ";", "|" or "\\t"')
        return value

    @field_validator("encoding")
    @classmethod
    def _is_encoding(cls, value: str | None) -> str | None:
        try:
            return None if value is None else codecs.lookup(value).name
        except LookupError as error:
            raise ValueError(f"{value!r} is no encoding; give one such as utf-8, cp1252 or utf-16") from error

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, value: str | None) -> str | None:
        return None if value is None else zone_name(value)

    def headers_of(self, header: str) -> tuple[str, ...]:
        own = self.headers.get(header, ())
        return (own,) if isinstance(own, str) else tuple(own)

    def dialect(self) -> Dialect:
        """The ways of writing, as the tables know them."""
        constants = tuple(self.constants.items())
        headers = tuple((header, self.headers_of(header)) for header in self.headers)
        return Dialect(
            self.glob, self.separator, self.encoding, self.sheet, self.dates, constants, self.decimal, headers
        )


class IngestConfig(Record):
    """What of the landing zone makes a run fail, or is held until somebody has looked at it."""

    max_rejected_files: int | None = Field(
        None,
        ge=0,
        description="more rejected files in one run make it fail, when all else was done; no limit when empty",
    )
    max_absent_share: float = Field(
        0.2,
        ge=0,
        le=1,
        description="a full delivery of a static dataset that lacks a greater share of the rows is held until this is "
        "raised, or `mapping` says that its deliveries are delta",
    )
    min_absent_rows: int = Field(10, ge=1, description="a delivery that lacks fewer rows than this is never held")


class InputsConfig(Record):
    """How the inputs of policies are made."""

    horizon: int = Field(28, ge=1, le=366, description="days of forecast that a policy sees")
    forecast_max_age: int = Field(14, ge=0, description="days; an older forecast is not used")
    late_order_max_age: int = Field(
        30, ge=0, description="days; an order that is later than this is overdue, and no longer counted on order"
    )
    stock_max_age: int = Field(3, ge=0, le=366, description="days; an older stock count is not believed")
    count_time: Literal["end_of_day", "start_of_day"] = Field(
        "end_of_day",
        description="when a stock count without an hour was made: it holds the sales and receipts of its day, or not",
    )
    baselines: tuple[str, ...] = Field(
        ("Sim",), description="policies whose landed orders are never delivered and so are not on order"
    )


class SolveConfig(Record):
    """How partitions are spread over the cluster."""

    items_per_bucket: int = Field(15_000, ge=1, description="items in one call of an algorithm")
    models_per_bucket: int = Field(200, ge=1, description="partitions in one call, when each builds a model")
    items_per_wave: int = Field(2_000_000, ge=1, description="items that are solved and committed together")
    models_per_wave: int = Field(20_000, ge=1, description="the same, when each partition builds a model")
    waves: int | None = Field(None, ge=1, description="number of waves, instead of what the sizes give")
    tasks: int | None = Field(None, ge=1, description="tasks of a wave; 2 per core when empty")
    audit_partitions: int = Field(20, ge=0, description="partitions of a run that algorithm and model both solve")
    audit_tolerance: float = Field(1e-6, gt=0, description="relative difference above which the run fails")


class Place(Record):
    """A product at a location."""

    location_id: str
    product_id: str

    @field_validator("location_id", "product_id", mode="before")
    @classmethod
    def _number_is_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Action = Literal["warn", "hold", "off"]


class PlausibilityConfig(Record):
    """Which orders look like a slip, and what is done with them.

    warn: ordered, and told. hold: not ordered until somebody confirms it. off: not looked at.
    """

    days_of_demand: Action = Field("warn", description="an order of more than max_days_of_demand")
    max_days_of_demand: float = Field(
        60.0, gt=0, allow_inf_nan=False, description="days of the mean demand that is forecast"
    )
    above_sold: Action = Field("warn", description="an order of more units than were sold in days_of_sales")
    unit_of_forecast: Action = Field(
        "warn", description="an order from a forecast that is one of unit_factors above or below what was sold"
    )
    unit_of_stock: Action = Field(
        "warn",
        description="an order of an item whose stock count fell to one of unit_factors less than the count before it "
        "and its sales leave",
    )
    days_of_counts: int = Field(28, ge=2, le=400, description="days before as_of whose stock counts are looked at")
    unit_factors: tuple[Annotated[float, Field(gt=1, allow_inf_nan=False)], ...] = Field(
        (6.0, 10.0, 12.0, 20.0, 24.0, 36.0, 48.0, 100.0, 144.0, 1000.0),
        min_length=1,
        description="units in another unit of measure: cases, layers, kilograms of grams",
    )
    unit_tolerance: float = Field(
        0.1, ge=0, lt=1, description="fraction by which forecast and sales may differ from a factor"
    )
    min_units: float = Field(
        10.0,
        ge=0,
        description="units; an order of fewer is compared with nothing: a few units of a slow mover last long",
    )
    days_of_sales: int = Field(91, ge=28, le=800, description="days before as_of whose sales are looked at")
    min_days_of_sales: int = Field(
        28, ge=1, description="days from an item's first sale to its last; with fewer it is not compared with its sales"
    )
    confirmed: tuple[Place, ...] = Field(
        (), description="location_id and product_id of items whose orders are right: told, and never held"
    )

    @field_validator("days_of_demand", "above_sold", "unit_of_forecast", "unit_of_stock", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: Any) -> Any:
        """YAML reads the word off as false."""
        return "off" if value is False else value

    @model_validator(mode="after")
    def _enough_days(self) -> PlausibilityConfig:
        if self.min_days_of_sales > self.days_of_sales:
            raise ValueError(
                f"min_days_of_sales, {self.min_days_of_sales}, must be at most days_of_sales, {self.days_of_sales}"
            )
        return self

    def actions(self) -> dict[str, str]:
        """Check -> warn or hold, of those that are on."""
        names = ("days_of_demand", "above_sold", "unit_of_forecast", "unit_of_stock")
        chosen = {name: getattr(self, name) for name in names}
        return {name: action for name, action in chosen.items() if action != "off"}


class OrdersConfig(Record):
    """How decisions become orders."""

    stale_stock: Literal["hold", "order"] = Field(
        "hold",
        description="hold: an item whose stock count is older than inputs.stock_max_age, or whose location has none, "
        "is blocked; order: it is ordered from what is left of the old count",
    )
    plausibility: PlausibilityConfig = PlausibilityConfig()


class SolverRow(Record):
    """A solver: HiGHS, reached directly, or any other that Pyomo's SolverFactory knows."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Literal["highs", "pyomo"] = "highs"
    plugin: str | None = Field(None, description="name for Pyomo's SolverFactory, for kind pyomo")
    executable: str | None = Field(
        None, description="path of the solver's program, where Pyomo doesn't find it on the PATH; for kind pyomo"
    )
    time_limit: float = Field(60.0, gt=0, description="seconds per partition")
    options: dict[str, Any] = Field(default_factory=dict, description="the solver's own options by their own names")

    @model_validator(mode="after")
    def _plugin_for_pyomo(self) -> SolverRow:
        if (self.kind == "pyomo") != (self.plugin is not None):
            raise ValueError("plugin is given for kind pyomo, and only there")
        if self.kind != "pyomo" and self.executable is not None:
            raise ValueError("executable is given for kind pyomo only")
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

    def in_form(self, forms: IdForms) -> Scope:
        """The scope with its ids in the forms of the setting `ids`."""
        given = {name: ids for name in forms if (ids := getattr(self, name, None)) is not None}
        return self.model_copy(
            update={name: tuple(formed(one, forms[name]) for one in ids) for name, ids in given.items()}
        )


class PolicyRow(Record):
    """One row of policies.yaml: which policy decides for which items, how, and with which parameters."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    policy: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    active: bool | Literal["shadow"] = Field(
        True, description="shadow: solved and reviewed as others, and its orders are only kept for comparison"
    )
    scope: Scope = Scope()
    partition_by: (
        tuple[Literal["location_id", "product_id", "source_id", "department_id", "storage_id"], ...] | None
    ) = None
    method: Literal["model", "algorithm", "auto"] = Field(
        "auto",
        description="auto: the algorithm's answer where it is proved within the gap, else the model's if it is better",
    )
    gap: float = Field(
        1e-4, ge=0, le=1, description="fraction by which an answer may be above the bound, for auto and for the model"
    )
    solver: str = "highs"
    optimize_schedule: str | None = Field(
        None, description="row of schedules.yaml: when it decides; at every run when empty"
    )
    order_schedule: str | None = Field(
        None, description="row of schedules.yaml: when it orders; at every run when empty"
    )
    params: dict[str, Any] = Field(default_factory=dict)

    @field_validator("method", mode="before")
    @classmethod
    def _former_word(cls, value: Any) -> Any:
        """`exact` promised an optimum that not every algorithm proves, and is called `algorithm` now."""
        if value != "exact":
            return value
        warnings.warn("method: exact is read as method: algorithm; write algorithm", FutureWarning, stacklevel=2)
        return "algorithm"

    @field_validator("active", mode="before")
    @classmethod
    def _one_of_three(cls, value: Any) -> Any:
        text = value.lower() if isinstance(value, str) else value
        if text not in (True, False, "true", "false", "shadow"):
            raise ValueError("must be true, false or shadow")
        return text

    @property
    def is_shadow(self) -> bool:
        return self.active == "shadow"

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
    ids: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="column such as product_id -> the forms that its ids are brought to"
    )
    ingest: IngestConfig = IngestConfig()
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
        if value is not None and not isinstance(value, dict):
            return value  # for pydantic to refuse
        return {key: str(one).lower() if isinstance(one, bool) else str(one) for key, one in (value or {}).items()}

    @field_validator("ids", mode="before")
    @classmethod
    def _forms_are_lists(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return {} if value is None else value
        return {name: (forms,) if isinstance(forms, str) else forms or () for name, forms in value.items()}

    @field_validator("ids")
    @classmethod
    def _are_forms(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        columns = sorted({field.column for dataset in DATASETS for field in dataset.fields if field.kind == "id"})
        for name, forms in value.items():
            if name not in columns:
                raise ValueError(f"{name!r} is no column of ids; allowed: {', '.join(columns)}")
            for form in forms:
                if not is_form(form):
                    raise ValueError(f"{form!r} is no form of ids; allowed: {', '.join(ALLOWED)}, such as width 13")
        return value

    @field_validator("mapping")
    @classmethod
    def _of_inventory_alone(cls, value: dict[str, MappingConfig]) -> dict[str, MappingConfig]:
        for name, row in value.items():
            given = sorted({"absent", "partial"} & row.model_fields_set)
            if given and name != "inventory":
                raise ValueError(f"{name}: {given[0]} is a setting of inventory alone")
        return value

    @model_validator(mode="after")
    def _scopes_in_form(self) -> Config:
        """A scope's ids are written as the feeds write them, and compared with ids in their forms."""
        if self.ids:
            rows = tuple(row.model_copy(update={"scope": row.scope.in_form(self.ids)}) for row in self.policies)
            object.__setattr__(self, "policies", rows)
            checks = self.orders.plausibility
            confirmed = tuple(
                Place(**{name: formed(one, self.ids.get(name, ())) for name, one in place.model_dump().items()})
                for place in checks.confirmed
            )
            checks = checks.model_copy(update={"confirmed": confirmed})
            object.__setattr__(self, "orders", self.orders.model_copy(update={"plausibility": checks}))
        return self

    def active_policies(self) -> tuple[PolicyRow, ...]:
        """The policies that decide: those that order, and the shadows beside them."""
        return tuple(row for row in self.policies if row.active)

    def solver(self, name: str) -> SolverRow:
        return next(row for row in self.solvers if row.name == name)

    def schedule(self, name: str | None) -> Schedule | None:
        return next((one for one in self.schedules if one.id == name), None)

    def results_hash(self) -> str:
        """Hash of all that can change a result.

        Left out is what can't: where files and tables are, how Spark runs, and how the work is spread.
        """
        audit = {"audit_partitions", "audit_tolerance"}
        no_result = {"lakehouse": True, "landing": True, "spark": True, "solve": set(SolveConfig.model_fields) - audit}
        chosen = self.model_dump(mode="json", exclude=no_result)
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()

    def as_json(self) -> str:
        """The configuration as the run's manifest keeps it, without keys."""
        return json.dumps(without_keys(self.model_dump(mode="json")), sort_keys=True)


_KEY = re.compile(r"secret|password|token|key|licen[cs]e|credential", re.IGNORECASE)


def without_keys(config: dict[str, Any]) -> dict[str, Any]:
    """A dumped configuration without `spark` and without options of solvers whose names sound like keys.

    >>> without_keys({"spark": {"fs.s3a.secret.key": "x"}, "solvers": [{"options": {"WLSSECRET": "y", "threads": 1}}]})
    {'solvers': [{'options': {'WLSSECRET': 'not kept', 'threads': 1}}]}
    """
    kept = {name: value for name, value in config.items() if name != "spark"}
    kept["solvers"] = [
        {**solver, "options": {k: "not kept" if _KEY.search(k) else v for k, v in solver.get("options", {}).items()}}
        for solver in config.get("solvers", ())
    ]
    return kept


def default_partition(row: PolicyRow, policy_partition: Sequence[str]) -> tuple[str, ...]:
    """The columns whose items are decided together: the row's, else the policy's own."""
    return tuple(row.partition_by or policy_partition or ITEM)
