"""Commands that show or prepare what there is: tables, policies, machine code, one item's solution."""

from __future__ import annotations

import argparse
import difflib
import shutil

from invopt import policies, tables
from invopt.cli.arguments import Subparsers, add_command, configured, say
from invopt.errors import ArgumentsError
from invopt.run import Run


def add(commands: Subparsers) -> None:
    """Adds the commands."""
    table = add_command(
        commands, "tables", _tables, "the catalogue of tables: columns, units, meaning", "invopt tables gold.orders"
    )
    table.add_argument("name", nargs="?", help="one table, or a layer such as gold (default: all, a line each)")
    ahead = add_command(
        commands,
        "compile",
        _compile,
        "compiles the algorithms, once per machine, so that no run waits for it",
        "invopt compile",
    )
    ahead.add_argument("names", nargs="*", metavar="NAME", help="policies (default: all, those of policies_folder too)")
    known = add_command(
        commands,
        "policies",
        _policies,
        "the policies there are, and those that are configured",
        "invopt policies --check my_policy",
    )
    known.add_argument(
        "--check", nargs="*", metavar="NAME", help="checks these policies (default: all) against the laws that all obey"
    )
    known.add_argument(
        "--markdown",
        nargs="?",
        const="",
        metavar="NAME",
        help="the table of policies as Markdown, as the README has it; with a name the tables of that policy's page",
    )
    item = add_command(
        commands,
        "solve-one",
        _solve_one,
        "solves one saved partition again, without Spark",
        "invopt solve-one --policy s_q --location 1 --product 11_1",
        has_as_of=True,
    )
    item.add_argument("--policy", required=True, help="id of a row of conf/policies.yaml")
    item.add_argument("--location", required=True)
    item.add_argument("--product", required=True)
    item.add_argument("--source", help="needed only where the item has several")
    item.add_argument("--method", choices=("model", "algorithm", "both"), default="both")


def _tables(chosen: argparse.Namespace) -> None:
    every = [
        *tables.every_table(),
        *(tables.policy_inputs(name, policies.load(name).needs) for name in policies.names()),
    ]
    wanted = [table for table in every if chosen.name in (None, table.name, table.name.split(".")[0])]
    if not wanted:
        known = [table.name for table in every]
        near = difflib.get_close_matches(chosen.name, known, n=3)
        guess = f"did you mean {' or '.join(near)}? " if near else ""
        raise ArgumentsError(
            "there is no such table",
            [f"{chosen.name}: {guess}the layers bronze, silver and gold are known, and {', '.join(known)}"],
        )
    if chosen.name is None or "." not in chosen.name:
        width = max(len(table.name) for table in wanted)
        for table in wanted:
            say(f"{table.name.ljust(width)}  {table.meaning}")
        return
    for table in wanted:
        say(f"{table.name}: {table.meaning}")
        say(f"key: {', '.join(table.keys) or 'none'}; clustered by {', '.join(table.cluster_by) or 'nothing'}")
        for column in table.columns:
            need = "" if column.is_nullable else " not null"
            say(f"  {column.name:28s} {column.type + need:28s} {column.unit:16s} {column.meaning}".rstrip())


def _policies(chosen: argparse.Namespace) -> None:
    from invopt.workbench import laws, policy_page, policy_table

    settings = configured(chosen)
    folder = settings.policies_folder
    if chosen.check is not None:
        laws.check(chosen.check or policies.names(folder), folder, say)
        return
    if chosen.markdown is not None:
        say(policy_page.markdown(chosen.markdown, folder) if chosen.markdown else policy_table.markdown(folder))
        return
    for line in policy_table.plain(shutil.get_terminal_size((160, 24)).columns, folder):
        say(line)
    say("\nconfigured in policies.yaml:")
    for row in settings.policies:
        when = ", ".join(
            f"{what} {name}"
            for what, name in (("decides", row.optimize_schedule), ("orders", row.order_schedule))
            if name
        )
        state = "shadow" if row.is_shadow else "active" if row.active else "inactive"
        say(
            f"  {row.id:22s} {row.policy}, {state}, method {row.method}, solver "
            f"{row.solver}, "
            f"{when or 'at every run'}, scope {row.scope.model_dump(exclude_none=True) or 'all'}, params "
            f"{row.params or 'none'}"
        )


def _compile(chosen: argparse.Namespace) -> None:
    from invopt.workbench.precompile import compile_algorithms

    folder = configured(chosen).policies_folder
    compile_algorithms(chosen.names or policies.names(folder), folder, say)


def _solve_one(chosen: argparse.Namespace) -> None:
    from invopt.workbench.explain import methods_of, solve_one

    settings = configured(chosen)
    row = next((row for row in settings.policies if row.id == chosen.policy), None)
    if row is None:
        raise ArgumentsError(
            "there is nothing to solve",
            [
                f"policy id {chosen.policy!r} is not in policies.yaml; there are: "
                + ", ".join(row.id for row in settings.policies)
            ],
        )
    item = {"location_id": chosen.location, "product_id": chosen.product} | (
        {"source_id": chosen.source} if chosen.source else {}
    )
    run_id = Run(settings, chosen.as_of).run_id if chosen.as_of else None
    methods = methods_of(settings, row) if chosen.method == "both" else [chosen.method]
    solve_one(settings, row, item, run_id, methods, say)
