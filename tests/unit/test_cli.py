"""The commands print the right lines and end with the right code, as far as no JVM is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from invopt import __version__, errors, policies, tables
from invopt.cli import main, parser
from invopt.cli.arguments import moment
from invopt.config import Config, PolicyRow
from invopt.workbench.explain import methods_of

ROOT = Path(__file__).parents[2]
COMMANDS = (
    "demo",
    "demo-world",
    "template",
    "ingest",
    "conform",
    "inputs",
    "solve",
    "order",
    "report",
    "run",
    "replay",
    "tables",
    "compile",
    "policies",
    "solve-one",
)


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


def printed(capsys, *arguments: str) -> tuple[int, str, str]:
    try:
        code = main(arguments)
    except SystemExit as left:  # argparse leaves by itself
        code = left.code
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_with_an_example_that_parses(capsys, command):
    code, out, _ = printed(capsys, command, "--help")
    assert code == 0
    (example,) = [line for line in out.splitlines() if line.startswith("example: ")]
    words = example.removeprefix("example: ").split()
    assert words[:2] == ["invopt", command]
    assert parser().parse_args(words[1:]).command == command


def test_the_list_of_commands_is_complete(capsys):
    code, out, _ = printed(capsys, "--help")
    assert code == 0 and [
        line.split()[0] for line in out.splitlines() if line.startswith("    ") and line[4] != " "
    ] == list(COMMANDS)


def test_no_command_shows_the_help_and_fails(capsys):
    code, out, _ = printed(capsys)
    assert code == 2 and "usage: invopt" in out


def test_version(capsys):
    assert printed(capsys, "--version") == (0, f"invopt {__version__}\n", "")


@pytest.mark.parametrize("text", ["yesterday", "2017-02-30", "18.01.2017"])
def test_a_wrong_date_is_refused_with_an_example(capsys, text):
    code, _, err = printed(capsys, "run", "--as-of", text)
    assert code == 2 and repr(text) in err and "2017-01-18T06:00" in err


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2017-01-18", "2017-01-18T00:00:00+00:00"),
        ("2017-01-18T06:00", "2017-01-18T06:00:00+00:00"),
        ("2017-01-18T06:00+02:00", "2017-01-18T04:00:00+00:00"),
    ],
)
def test_a_moment_is_in_utc_unless_it_says_otherwise(text, shown):
    assert moment(text).isoformat() == shown


def test_tables(capsys):
    code, out, _ = printed(capsys, "tables")
    names = [line.split()[0] for line in out.splitlines()]
    assert code == 0 and len(names) == len(set(names))
    assert {table.name for table in tables.every_table()} <= set(names) and "gold.inputs_s_q" in names
    code, out, _ = printed(capsys, "tables", "gold")
    assert code == 0 and all(line.startswith("gold.") for line in out.splitlines())
    code, out, _ = printed(capsys, "tables", "gold.orders")
    assert code == 0 and "key: order_id" in out
    for column in tables.ORDERS.columns:
        assert any(line.split()[0] == column.name and column.meaning in line for line in out.splitlines())
    code, _, err = printed(capsys, "tables", "gold.oders")
    assert code == 2 and "gold.oders: did you mean gold.orders" in err


def test_policies(capsys):
    code, out, _ = printed(capsys, "policies")
    assert code == 0
    for name in policies.names():
        assert any(line.startswith(f"{name} ") for line in out.splitlines()), name
    assert "decides weekly, orders daily, scope {'location_id': ('1', '2'), 'department_id': ('3',)}" in out
    assert "params {'cost': 'daily_review'}" in out


@pytest.fixture
def conf(tmp_path):
    folder = tmp_path / "conf"
    folder.mkdir()
    for name in ("base", "policies", "schedules", "solvers"):
        (folder / f"{name}.yaml").write_text(
            (ROOT / "conf" / f"{name}.yaml").read_text(encoding="utf-8"), encoding="utf-8"
        )
    return folder


def test_an_unknown_policy_is_told_with_those_there_are(capsys, conf):
    file = conf / "policies.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("policy: s_q", "policy: s_Q"), encoding="utf-8")
    code, _, err = printed(capsys, "run", "--config", str(conf))
    assert code == 2 and "policies.yaml, row 1 (id s_q), policy: " in err
    file.write_text(file.read_text(encoding="utf-8").replace("policy: s_Q", "policy: sq"), encoding="utf-8")
    code, _, err = printed(capsys, "run", "--config", str(conf))
    assert code == 2 and "policies.yaml, id s_q, policy: policy 'sq' is unknown; there are: " in err and "s_q" in err


def test_a_warning_is_one_line_without_the_place_in_the_code(capsys, conf):
    (conf / "policies.yaml").write_text("- {id: s_q, policy: s_q, method: exact}\n", encoding="utf-8")
    code, out, err = printed(capsys, "policies", "--config", str(conf))
    assert code == 0 and "s_q, active, method algorithm, solver highs" in out
    assert err == "warning: method: exact is read as method: algorithm; write algorithm\n"


def test_what_only_the_policy_knows_of_a_method_is_told(capsys, conf):
    (conf / "policies.yaml").write_text(
        "- {id: fresh, policy: s_q_perishable, method: model, params: {polish: simulation}}\n"
        "- {id: fine, policy: s_q_perishable, method: auto, params: {polish: simulation}}\n",
        encoding="utf-8",
    )
    code, _, err = printed(capsys, "run", "--config", str(conf))
    assert code == 2 and "id fresh, method: model: " in err and "allowed: algorithm, auto" in err and "fine" not in err


def test_solve_one_takes_the_methods_that_can_decide(tmp_path):
    """By itself it shows both answers; a policy of a model alone, or an algorithm alone, has one."""
    (tmp_path / "bare.py").write_text(
        "from dataclasses import replace\nfrom invopt.policies.s_q import POLICY\n"
        "POLICY = replace(POLICY, name='bare', algorithm=None)\n",
        encoding="utf-8",
    )
    settings = Config(lakehouse={"root": "."}, landing=".", policies_folder=str(tmp_path))
    simulated = PolicyRow(id="simulated", policy="s_q_perishable", params={"polish": "simulation"})
    assert methods_of(settings, PolicyRow(id="s_q", policy="s_q")) == ["algorithm", "model"]
    assert methods_of(settings, PolicyRow(id="bare", policy="bare")) == ["model"]
    assert methods_of(settings, simulated) == ["algorithm"]


def test_a_configuration_that_is_not_there(capsys, tmp_path):
    code, _, err = printed(capsys, "policies", "--config", str(tmp_path / "none"))
    assert code == 2 and "no such folder; give one with --config" in err


def test_solve_one_names_the_policies_and_the_tables_that_are_missing(capsys, tmp_path):
    where = ("--location", "1", "--product", "2", "--lakehouse", str(tmp_path / "lake"))
    code, _, err = printed(capsys, "solve-one", "--policy", "q_r", *where)
    assert code == 2 and "policy id 'q_r' is not in policies.yaml; there are: s_q, s_s" in err
    code, _, err = printed(capsys, "solve-one", "--policy", "s_q", *where)
    assert code == 5 and "gold.inputs_s_q is not there" in err and "invopt run" in err


def test_a_demo_never_writes_among_other_files(capsys, tmp_path):
    (tmp_path / "mine.txt").write_text("dear to me", encoding="utf-8")
    size = ("--stores", "1", "--products", "1", "--days", "1")
    code, _, err = printed(capsys, "demo", *size, "--folder", str(tmp_path))
    assert code == 3 and "has other files in it" in err
    code, _, err = printed(capsys, "demo-world", *size, "--landing", str(tmp_path))
    assert code == 3 and "is not empty" in err
    code, _, err = printed(capsys, "demo", *size, "--landing", str(tmp_path))
    assert code == 3 and f"--landing {tmp_path} has no use" in err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_help_and_readme_give_the_exit_codes(capsys):
    classes, codes = [errors.InvoptError], set()
    while classes:
        error = classes.pop()
        classes += error.__subclasses__()
        codes.add(error.exit_code)
    _, out, _ = printed(capsys, "--help")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for text in (out, readme):
        told = text.lower().split("exit codes")[1].split("\n\n")[0]
        assert {int(code) for code in re.findall(r"(\d+) [a-z]", told)} == codes | {0, 130}


def test_demo_world_says_when_to_run(capsys, tmp_path):
    landing = tmp_path / "land"
    code, out, _ = printed(
        capsys, "demo-world", "--stores", "1", "--products", "2", "--days", "3", "--landing", str(landing)
    )
    assert code == 0 and f"below {landing}" in out and "run it with --as-of 2026-06-01" in out
    code, _, err = printed(capsys, "demo-world", "--stores", "0", "--landing", str(tmp_path / "none"))
    assert code == 2 and "--stores: '0' is not a whole number of at least 1" in err


def test_a_reader_that_leaves_early_is_no_error():
    """In a process of its own: a pipe that breaks is the whole process's standard output."""
    done = subprocess.run(
        f"{sys.executable} -m invopt.cli tables | head -1; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert (
        done.stderr == ""
        and done.stdout.splitlines()[0].startswith("bronze.files")
        and done.stdout.splitlines()[-1] == "0"
    )
