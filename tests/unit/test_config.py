"""The configuration says all that is wrong with it at once, each with file, row and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from invopt import config, policies
from invopt.config import LakehouseConfig
from invopt.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "conf"
BASE = "lakehouse: {root: lakehouse}\nlanding: landing\n"
POLICIES = "- {id: slow, policy: s_q, method: algorithm}\n"
SOLVERS = "- {name: highs}\n"


@pytest.fixture
def conf(tmp_path):
    """Writes a configuration folder; what isn't given is right."""

    def write(**files: str) -> Path:
        for name, text in {"base": BASE, "policies": POLICIES, "solvers": SOLVERS, **files}.items():
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def problems_of(folder: Path, **more) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        config.load(folder, **more)
    assert caught.value.exit_code == 2
    assert f"{len(caught.value.problems)} problem" in caught.value.what or "can't be read" in caught.value.what
    return tuple(problem.replace(f"{folder}/", "") for problem in caught.value.problems)


def test_the_shipped_configuration_is_right():
    loaded = config.load(SHIPPED, checks=(policies.problems,))
    # all policies, each on its own part of the demo chain and with its own schedules
    assert sorted(row.policy for row in loaded.active_policies()) == policies.names()
    assert all(row.scope.department_id and row.optimize_schedule and row.order_schedule for row in loaded.policies)
    assert loaded.solver("highs").kind == "highs"
    assert loaded.lakehouse.root == "lakehouse" and loaded.lakehouse.catalog is None


def test_a_policy_is_active_or_not_or_a_shadow(conf):
    row = "- {{id: {0}, policy: s_q, active: {1}}}\n"
    given = {"a": "true", "b": "false", "c": "shadow", "d": "Shadow", "e": '"true"'}
    loaded = config.load(conf(policies="".join(row.format(*pair) for pair in given.items())))
    assert {one.id: one.is_shadow for one in loaded.active_policies()} == {"a": False, "c": True, "d": True, "e": False}
    assert {one.id: one.active for one in loaded.policies}["e"] is True
    (problem,) = problems_of(conf(policies=row.format("a", "shade")))
    assert "(id a), active: must be true, false or shadow, found 'shade'" in problem


def test_everything_wrong_in_all_files_is_told_at_once(conf):
    folder = conf(
        base="lakehouse: {root: a, catalog: b}\nlanding: land\ncolour: blue\ninputs: {horizon: 0}\n"
        "mapping:\n  sails: {}\n  sales: {headers: {Unit: qty}}\n",
        policies="- {id: one, policy: s_q, method: guess}\n- {id: one, policy: s_q, solver: cplex}\n- {id: one, "
        "policy: s_q}\n"
        "- {policy: s_q, partition_by: [shelf]}\n- just text\n",
        solvers="- {name: highs, time_limit: -3}\n- {name: scip, kind: pyomo}\n- {name: glpk, kind: pyomo, "
        "plugin: glpk}\n",
    )
    found = problems_of(folder)
    expected = [
        ("policies.yaml, row 1 (id one), method:", "'model', 'algorithm' or 'auto'", "found 'guess'"),
        ("policies.yaml, row 3: id 'one' is there twice",),
        ("policies.yaml, row 4 (id ?), id: is missing",),
        ("policies.yaml, row 4 (id ?), partition_by", "'location_id'", "found 'shelf'"),
        ("policies.yaml, row 5 (id ?)", "found 'just text'"),
        ("policies.yaml, id one: solver 'cplex' is not in solvers.yaml; allowed: glpk",),
        ("solvers.yaml, row 1 (name highs), time_limit:", "greater than 0", "found -3"),
        ("solvers.yaml, row 2 (name scip)", "plugin is given for kind pyomo"),
        ("base.yaml, mapping: 'sails' is not a dataset; allowed: stores, ", "inventory"),
        (
            "base.yaml, mapping.sales.headers: 'Unit' is not a header of it; allowed: Price, ProductID, StoreID, "
            "TransactionDateTime, Units",
        ),
        ("base.yaml, lakehouse: give either root (a folder) or catalog",),
        ("base.yaml, colour: is not a known name",),
        ("base.yaml, inputs.horizon:", "greater than or equal to 1", "found 0"),
    ]
    for parts in expected:
        assert any(all(part in problem for part in parts) for problem in found), (parts, found)
    # the second row's solver is unknown because highs' own row was refused; nothing else is said
    assert len(found) == len(expected) + sum("solver 'highs' is not in solvers.yaml" in problem for problem in found)


def test_what_is_said_of_stock_counts_is_said_of_inventory_alone(conf):
    loaded = config.load(conf(base=BASE + "mapping: {inventory: {absent: last, partial: true}}\n"))
    assert (loaded.mapping["inventory"].absent, loaded.mapping["inventory"].partial) == ("last", True)
    assert (loaded.inputs.stock_max_age, loaded.inputs.count_time) == (3, "end_of_day")
    (found,) = problems_of(conf(base=BASE + "mapping: {sales: {partial: true}}\n"))
    assert "sales: partial is a setting of inventory alone" in found
    (found,) = problems_of(conf(base=BASE + "mapping: {inventory: {absent: guess}}\n"))
    assert "base.yaml, mapping.inventory.absent" in found and "found 'guess'" in found


def test_a_wrong_value_is_told_with_the_file_that_holds_it(conf):
    folder = conf(base=BASE + "inputs: {horizon: 7}\n", local="inputs: {horizon: -1}\nsolve: {colour: 1}\n")
    found = problems_of(folder)
    assert len(found) == 2
    assert [problem.split(":")[0] for problem in found] == ["local.yaml, inputs.horizon", "local.yaml, solve.colour"]


def test_a_row_without_a_method_is_decided_by_both_within_a_gap(conf):
    loaded = config.load(conf(policies="- {id: slow, policy: s_q}\n- {id: fast, policy: s_q, gap: 0.01}\n"))
    assert [(row.method, row.gap) for row in loaded.policies] == [("auto", 1e-4), ("auto", 0.01)]


@pytest.mark.parametrize(
    ("gap", "says"), [("-0.1", "greater than or equal to 0"), ("1.5", "less than or equal to 1"), ("wide", "number")]
)
def test_a_gap_that_is_no_fraction_is_refused(conf, gap, says):
    (found,) = problems_of(conf(policies=f"- {{id: slow, policy: s_q, gap: {gap}}}\n"))
    assert (
        found.startswith("policies.yaml, row 1 (id slow), gap: ")
        and says in found
        and f"found {gap}" in found.replace("'", "")
    )


def test_the_former_word_for_the_method_is_read_with_a_warning(conf):
    """`exact` of a configuration that an older version wrote is `algorithm`, so nothing is decided anew for it."""
    with pytest.warns(FutureWarning, match="method: exact is read as method: algorithm; write algorithm"):
        former = config.load(conf(policies="- {id: slow, policy: s_q, method: exact}\n"))
    assert former.policies == config.load(conf()).policies and former.policies[0].method == "algorithm"


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ("[sales]", "mapping: Input should be a valid dictionary"),
        ("{sales: units}", "mapping.sales: "),
        ("{sales: {headers: [Units]}}", "mapping.sales.headers: Input should be a valid dictionary"),
        ("{sales: {header: {Units: qty}}}", "mapping.sales.header: is not a known name"),
    ],
)
def test_a_mapping_of_a_wrong_shape(conf, mapping, says):
    (found,) = problems_of(conf(base=BASE + f"mapping: {mapping}\n"))
    assert found.startswith(f"base.yaml, {says}")


def test_a_wrong_value_of_the_command_line(conf):
    (found,) = problems_of(conf(local="solve: {waves: 2}\n"), overrides={"solve": {"waves": 0}})
    assert found.startswith("the command line, solve.waves: ")


def test_local_yaml_lies_over_base_yaml_name_by_name_and_the_command_line_over_both(conf):
    folder = conf(
        base=BASE + "inputs: {horizon: 7, forecast_max_age: 3}\nspark: {spark.ui.enabled: true, a: 1}\n",
        local="landing: elsewhere\ninputs: {horizon: 9}\n",
    )
    loaded = config.load(folder)
    assert (loaded.landing, loaded.inputs.horizon, loaded.inputs.forecast_max_age) == ("elsewhere", 9, 3)
    assert loaded.spark == {"spark.ui.enabled": "true", "a": "1"}
    assert config.load(folder, overrides={"inputs": {"horizon": 11}, "landing": "cli"}).inputs.horizon == 11


def test_files_that_are_missing_or_no_yaml(conf, tmp_path):
    found = problems_of(conf(base="a: [1,\n", solvers="highs: 1\n", policies=""))
    assert any(problem.startswith("base.yaml: not valid YAML") for problem in found)
    assert any(
        problem.startswith("solvers.yaml: must be a list of rows, each starting with '- name: ...'")
        for problem in found
    )
    (tmp_path / "policies.yaml").unlink()
    assert any(problem == "policies.yaml: the file is missing" for problem in problems_of(tmp_path))
    assert "no such folder; give one with --config" in problems_of(tmp_path / "nowhere")[0]


def test_policies_say_what_they_refuse(conf):
    folder = conf(policies="- {id: a, policy: no_such}\n- {id: b, policy: s_q, params: {cost: cheap, speed: 3}}\n")
    found = problems_of(folder, checks=(policies.problems,))
    assert len(found) == 3
    assert (
        found[0]
        == f"policies.yaml, id a, policy: policy 'no_such' is unknown; there are: {', '.join(policies.names())}"
    )
    assert (
        found[1].startswith("policies.yaml, id b, params.cost: ")
        and "'daily_review'" in found[1]
        and "found 'cheap'" in found[1]
    )
    assert found[2] == "policies.yaml, id b, params.speed: is not a parameter; allowed: cost, service"


@pytest.mark.parametrize(
    ("given", "kept"), [("[3, 4]", ("3", "4")), ("3", ("3",)), ('"3"', ("3",)), ("[a, 4]", ("a", "4"))]
)
def test_ids_of_a_scope_are_text(conf, given, kept):
    loaded = config.load(conf(policies=f"- {{id: a, policy: s_q, scope: {{department_id: {given}}}}}\n"))
    assert loaded.policies[0].scope.department_id == kept


def test_a_scope_that_is_no_id_is_a_problem_and_not_a_crash(conf):
    (found,) = problems_of(conf(policies="- {id: a, policy: s_q, scope: {department_id: {a: 3}}}\n"))
    assert "policies.yaml, row 1 (id a), scope.department_id" in found and "found {'a': 3}" in found


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "has no value; leave the name out for all"),
        ("null", "has no value"),
        ("[NULL, 8]", "'NULL' stands in quotes"),
    ],
)
def test_a_scope_without_ids_is_not_all_there_are(conf, given, told):
    (found,) = problems_of(conf(policies=f"- id: a\n  policy: s_q\n  scope:\n    product_id: {given}\n"))
    assert "policies.yaml, row 1 (id a), scope.product_id: has " in found and told.replace("'", "") in found


def test_the_hash_of_results_knows_what_changes_a_result(conf):
    folder = conf()
    before = config.load(folder).results_hash()
    harmless = ({"landing": "x"}, {"lakehouse": {"root": "y"}}, {"solve": {"items_per_wave": 5}}, {"spark": {"a": "1"}})
    telling = (
        {"inputs": {"horizon": 5}},
        {"inputs": {"count_time": "start_of_day"}},
        {"orders": {"stale_stock": "order"}},
        {"solve": {"audit_partitions": 1}},
    )
    assert {config.load(folder, overrides=one).results_hash() for one in harmless} == {before}
    hashes = {config.load(folder, overrides=one).results_hash() for one in telling}
    assert before not in hashes and len(hashes) == len(telling)


@pytest.mark.parametrize("root", ["file:lake", "file:./lake", "file://host/lake"])
def test_a_uri_that_spark_and_deltalake_read_differently_is_refused(root):
    with pytest.raises(ValidationError, match="must be absolute and name no host"):
        LakehouseConfig(root=root)


def test_a_place_of_the_users_folder_is_the_same_for_all_readers(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert LakehouseConfig(root="~/lake").root == "/home/somebody/lake"


def test_a_place_replaces_the_place_below_it(conf):
    conf = conf()
    state = {"catalog": "main.retail", "state": "/Volumes/main/x"}
    assert config.load(conf, overrides={"lakehouse": state}).lakehouse.root is None
    both = {"lakehouse": {**state, "root": "lake"}}
    with pytest.raises(ConfigError, match="the command line, lakehouse: give either root"):
        config.load(conf, overrides=both)


@pytest.mark.parametrize("pair", ["inputs.horizon", "=3", "inputs..horizon=3", "inputs.horizon=[1"])
def test_a_setting_that_is_none_is_told(pair):
    with pytest.raises(ConfigError, match="--set"):
        config.settings([pair])


@pytest.mark.parametrize(
    ("landing", "lakehouse", "problem"),
    [
        ("landing", "landing/lake", "is inside the landing zone landing"),
        ("landing", "./landing/", "is inside the landing zone landing"),
        ("lake/files", "lake", "the landing zone lake/files is inside it, lake"),
        ("link", "landing/lake", "is inside the landing zone link"),
        ("landing", "landing/../link/lake", "is inside the landing zone landing"),
        ("file:{here}/landing", "landing/lake", "is inside the landing zone file:"),
        ("s3a://retail/in", "s3a://retail/in/lake", "is inside the landing zone s3a://retail/in"),
        ("landing", "landing2", ""),
        ("landing/files", "landing/lake", ""),
        ("s3a://retail/in", "s3a://retail/inner", ""),
        ("in", "s3a://retail/in", ""),
    ],
)
def test_the_tables_and_the_landing_zone_lie_apart(conf, tmp_path, monkeypatch, landing, lakehouse, problem):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "landing").mkdir()
    (tmp_path / "link").symlink_to("landing")
    places = {"landing": landing.format(here=tmp_path), "lakehouse": {"root": lakehouse}}
    if not problem:
        assert config.load(conf(), overrides=places).lakehouse.root == lakehouse
        return
    (told,) = problems_of(conf(), overrides=places)
    assert told.startswith("the command line, lakehouse.root: ") and problem in told and "--lakehouse" in told


def test_the_state_of_a_catalog_lies_outside_the_landing_zone(conf):
    base = "lakehouse: {catalog: main, state: /data/in/state}\nlanding: /data/in\n"
    (told,) = problems_of(conf(base=base))
    assert told.startswith("base.yaml, lakehouse.state: /data/in/state is inside the landing zone /data/in")


AS_WRITTEN = ("8_4", "010", "0x1F", "12:30", "yes", "1e3", "2026-01-01", "null", "1.50", "-0", ".inf")


def test_ids_keep_their_text_as_written(tmp_path):
    # a null is no id but where it stands in quotes
    ids = ", ".join(f"'{text}'" if text == "null" else text for text in AS_WRITTEN)
    policies = f"- {{id: one, policy: s_q, scope: {{product_id: [{ids}], location_id: 0_1}}}}\n"
    base = "lakehouse: {root: lakehouse}\nlanding: landing\ninputs: {horizon: 2_8}\n"
    texts = {"base": base, "policies": policies, "solvers": "- name: highs\n"}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    loaded = config.load(tmp_path)
    scope = loaded.policies[0].scope
    assert (scope.product_id, scope.location_id, scope.source_id) == (AS_WRITTEN, ("0_1",), None)
    assert loaded.inputs.horizon == 28


def test_only_static_datasets_have_full_deliveries_and_deliveries_of_changes(conf):
    loaded = config.load(conf(base=BASE + "mapping: {stores: {delivery: delta}, brands: {delivery: full}}\n"))
    assert loaded.mapping["stores"].delivery == "delta" and loaded.mapping["brands"].delivery == "full"
    (problem,) = problems_of(conf(base=BASE + "mapping: {sales: {delivery: full}}\n"))
    assert problem.startswith("base.yaml, mapping.sales.delivery: only the deliveries of static datasets")
    assert "stores, store_storage" in problem and "sales," not in problem.split(": ", 2)[-1]
    (problem,) = problems_of(conf(base=BASE + "mapping: {stores: {delivery: some}}\n"))
    assert "'full' or 'delta'" in problem


def test_the_limits_of_a_delivery_that_lacks_rows(conf):
    loaded = config.load(conf(base=BASE + "ingest: {max_absent_share: 1, min_absent_rows: 3}\n"))
    assert (loaded.ingest.max_absent_share, loaded.ingest.min_absent_rows) == (1.0, 3)
    assert len(problems_of(conf(base=BASE + "ingest: {max_absent_share: 1.5, min_absent_rows: 0}\n"))) == 2


def test_orders_that_look_like_a_slip_are_told_unless_it_is_set(conf):
    checks = config.load(conf()).orders.plausibility
    assert checks.actions() == dict.fromkeys(
        ("days_of_demand", "above_sold", "unit_of_forecast", "unit_of_stock"), "warn"
    )
    assert (checks.max_days_of_demand, checks.min_days_of_sales) == (60, 28)
    assert {6, 10, 12, 24} <= set(checks.unit_factors)
    # YAML reads off as false
    off = "days_of_demand: off, above_sold: 'off', unit_of_stock: off"
    base = BASE + f"orders: {{plausibility: {{{off}, unit_of_forecast: hold}}}}\n"
    assert config.load(conf(base=base)).orders.plausibility.actions() == {"unit_of_forecast": "hold"}


def test_ids_of_confirmed_items_are_text_in_their_form(conf):
    base = BASE + (
        "ids: {product_id: no_leading_zeros}\n"
        "orders: {plausibility: {confirmed: [{location_id: 010, product_id: 08_4}, {location_id: 3, product_id: 7}]}}\n"
    )
    confirmed = config.load(conf(base=base)).orders.plausibility.confirmed
    assert [(place.location_id, place.product_id) for place in confirmed] == [("010", "8_4"), ("3", "7")]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("days_of_demand: stop", "orders.plausibility.days_of_demand"),
        ("max_days_of_demand: 0", "orders.plausibility.max_days_of_demand"),
        ("unit_factors: []", "orders.plausibility.unit_factors"),
        ("unit_factors: [12, 1]", "orders.plausibility.unit_factors"),
        ("confirmed: [{product_id: 7}]", "orders.plausibility.confirmed"),
        ("{days_of_sales: 28, min_days_of_sales: 29}", "min_days_of_sales, 29, must be at most days_of_sales, 28"),
    ],
)
def test_a_setting_of_plausibility_that_is_wrong_is_named(conf, given, problem):
    inside = given if given.startswith("{") else "{" + given + "}"
    (found,) = problems_of(conf(base=BASE + f"orders: {{plausibility: {inside}}}\n"))
    assert problem in found
