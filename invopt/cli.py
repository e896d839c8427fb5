"""`invopt <step>`: every step of the flow as a command; `jobs/<step>.py` are the same program for spark-submit.

Exit codes: 0 done; 1 an error of invopt; 2 configuration or arguments; 3 input files; 4 Java, jars or packages; 5
tables; 6 an audit failed, or a policy breaks a law.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from invopt import __version__, config, policies, tables
from invopt.errors import AuditError, InputError, InvoptError, OrderRuleError, TableError, raise_together

DEMO = "demo"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; gives its exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.command is None:
        parser.print_help()
        return 2
    try:
        chosen.run(chosen)
    except InvoptError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped; what was committed stays, and the next run goes on from there", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `invopt tables | head`
        sys.stderr.close()
        return 0
    except Exception as error:
        if getattr(chosen, "verbose", False) or not type(error).__module__.startswith(("pyspark", "py4j")):
            raise
        # a plan of a hundred lines helps nobody at a terminal; --verbose shows it
        from invopt.spark.session import log_file

        where = f"; its log is {log_file()}" if log_file().is_file() else ""
        print(
            f"error: Spark failed: {str(error).splitlines()[0]:.500}{where}; run again with --verbose for the "
            "whole error",
            file=sys.stderr,
        )
        return 1
    return 0


# ----------------------------------------------------------------------------------------------------------------
# arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="invopt",
        description="Inventory optimization: raw sales and stock files in, explained orders out.",
        epilog="example: invopt demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"invopt {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")

    def command(name: str, run, text: str, example: str, *, as_of: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=f"example: {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.add_argument("--config", default="conf", help="folder of the configuration (default: conf)")
        sub.add_argument("--lakehouse", help="folder of the tables, instead of the configuration's lakehouse.root")
        sub.add_argument("--landing", help="landing zone, instead of the configuration's")
        sub.add_argument("-v", "--verbose", action="store_true", help="a line for every table written")
        if as_of:
            sub.add_argument(
                "--as-of",
                type=_moment,
                help="the moment to look at, such as 2017-01-18 or 2017-01-18T06:00 "
                "(default: now, in UTC; for solve and order the newest run of this configuration)",
            )
        sub.set_defaults(run=run)
        return sub

    def world(sub: argparse.ArgumentParser, stores: int, products: int, days: int) -> None:
        sub.add_argument("--stores", type=_positive, default=stores, help=f"number of stores (default: {stores})")
        sub.add_argument(
            "--products", type=_positive, default=products, help=f"number of products (default: {products})"
        )
        sub.add_argument("--days", type=_positive, default=days, help=f"days of history (default: {days})")
        sub.add_argument("--seed", type=int, default=1, help="the same seed gives the same chain (default: 1)")

    demo = command(
        "demo",
        _demo,
        "makes a demo chain and runs everything on it",
        "invopt demo --stores 6 --products 40",
        as_of=False,
    )
    world(demo, 5, 40, 28)
    demo.add_argument("--folder", default=DEMO, help=f"where the demo's landing zone and tables go (default: {DEMO})")
    demo_world = command(
        "demo-world",
        _demo_world,
        "writes a landing zone of a made-up chain",
        "invopt demo-world --stores 4 --products 20 --days 28 --seed 7 --landing landing",
        as_of=False,
    )
    world(demo_world, 5, 40, 28)
    demo_world.add_argument(
        "--form",
        choices=("auto", "guide", "daily"),
        default="auto",
        help="guide: one file per store and day, as the guide has it; daily: large files for large chains "
        "(default: by size)",
    )
    demo_world.add_argument("--dirt", action="store_true", help="with the faults that real feeds have")
    command(
        "ingest",
        _step("ingest"),
        "new files of the landing zone -> bronze",
        "invopt ingest --landing landing",
        as_of=False,
    )
    command(
        "conform",
        _step("conform"),
        "bronze -> silver: typed, deduplicated, with rejected lines kept",
        "invopt conform",
        as_of=False,
    )
    command(
        "inputs",
        _step("inputs"),
        "silver -> state of every item -> inputs of every active policy",
        "invopt inputs --as-of 2017-01-18",
    )
    command("solve", _step("solve"), "inputs -> solutions, on the executors", "invopt solve --as-of 2017-01-18")
    command("order", _step("order"), "solutions + stock -> orders", "invopt order --as-of 2017-01-18")
    command(
        "run", _step("run"), "ingest, conform, inputs, solve, order and the summary", "invopt run --as-of 2017-01-18"
    )
    table = command(
        "tables", _tables, "the catalogue of tables: columns, units, meaning", "invopt tables gold.orders", as_of=False
    )
    table.add_argument("name", nargs="?", help="one table, or a layer such as gold (default: all, a line each)")
    ahead = command(
        "compile",
        _compile,
        "compiles the exact algorithms, once per machine, so that no run waits for it",
        "invopt compile",
        as_of=False,
    )
    ahead.add_argument("names", nargs="*", metavar="NAME", help="policies (default: all, those of policies_folder too)")
    known = command(
        "policies",
        _policies,
        "the policies there are, and those that are configured",
        "invopt policies --check my_policy",
        as_of=False,
    )
    known.add_argument(
        "--check", nargs="*", metavar="NAME", help="checks these policies (default: all) against the laws that all obey"
    )
    known.add_argument(
        "--markdown", action="store_true", help="the table of policies as Markdown, as the README has it"
    )
    one = command(
        "solve-one",
        _solve_one,
        "solves one saved partition again, without Spark",
        "invopt solve-one --policy s_q --location 1 --product 11_1",
    )
    one.add_argument("--policy", required=True, help="id of a row of conf/policies.yaml")
    one.add_argument("--location", required=True)
    one.add_argument("--product", required=True)
    one.add_argument("--source", help="needed only where the item has several")
    one.add_argument("--method", choices=("model", "exact", "both"), default="both")
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a date or a date and time like 2017-01-18 or 2017-01-18T06:00"
        ) from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _config(chosen: argparse.Namespace, **overrides: Any) -> config.Config:
    if chosen.lakehouse:
        overrides["lakehouse"] = {"root": chosen.lakehouse}
    if chosen.landing:
        overrides["landing"] = chosen.landing
    return config.load(chosen.config, overrides=overrides, checks=(policies.problems,))


def _say(line: str) -> None:
    print(line, flush=True)


# ----------------------------------------------------------------------------------------------------------------
# commands


def _run_of(chosen: argparse.Namespace, configured: config.Config, as_of: datetime | None, *, is_short: bool = False):
    """The run, with its session; pyspark is imported only by commands that need it. A short run starts fast, and is
    slow on much data.
    """
    from invopt.pipelines.steps import Run
    from invopt.spark.delta import Lakehouse
    from invopt.spark.session import FAST_START, spark_session

    spark = spark_session(settings={**(FAST_START if is_short else {}), **configured.spark})
    log = (lambda line: _say(f"    {line}")) if chosen.verbose else (lambda line: None)
    lakehouse = Lakehouse(spark, configured.lakehouse, log=log, say=_say)
    return Run(spark, lakehouse, configured, as_of or datetime.now(UTC).replace(microsecond=0), _say)


def _step(name: str):
    def run_step(chosen: argparse.Namespace) -> None:
        configured = _config(chosen)
        run = _run_of(chosen, configured, getattr(chosen, "as_of", None))
        if name in ("solve", "order") and chosen.as_of is None:
            run = _newest_run(chosen, run)
        _do(run, name)

    return run_step


def _newest_run(chosen: argparse.Namespace, run):
    """The newest run of this configuration, for a step that goes on with it."""
    runs = run.lakehouse.read(tables.RUNS)
    # as text: Spark would hand a timestamp over in the machine's local time
    newest = (
        runs.where(runs.config_hash == run.config.results_hash())
        .selectExpr("date_format(max(as_of), \"yyyy-MM-dd'T'HH:mm:ss\")")
        .first()[0]
    )
    if newest is None:
        raise InputError(
            "there is no run to go on with",
            [
                f"{tables.RUNS.name} has no run of this configuration; run `invopt inputs` first, or give the "
                "--as-of of a run"
            ],
        )
    return _run_of(chosen, run.config, _moment(newest))


def _do(run, name: str) -> None:
    from invopt.pipelines.conform import conform
    from invopt.pipelines.ingest import ingest
    from invopt.pipelines.inputs import make_inputs
    from invopt.pipelines.order import order
    from invopt.pipelines.report import report
    from invopt.pipelines.solve import solve

    steps = {
        "ingest": [ingest],
        "conform": [conform],
        "inputs": [make_inputs],
        "solve": [solve],
        "order": [order, report],
    }
    if name == "run":
        for step in (ingest, conform, make_inputs):
            step(run)
    refused: list[InvoptError] = []
    # a policy that is refused must not keep the others from ordering
    for step in (solve, order, report) if name == "run" else steps[name]:
        if step is report and not run.lakehouse.exists(tables.SOLUTIONS):
            continue  # nothing to report, and the errors say why
        try:
            step(run)
        except (TableError, AuditError, OrderRuleError) as error:
            refused.append(error)
    raise_together(refused)


def _demo_world(chosen: argparse.Namespace) -> None:
    from invopt.world.write import write_world

    landing = Path(chosen.landing or "landing")
    _refuse_filled(landing)
    world = write_world(
        landing,
        n_stores=chosen.stores,
        n_products=chosen.products,
        n_days=chosen.days,
        seed=chosen.seed,
        form=chosen.form,
        dirt=chosen.dirt,
        progress=_say,
    )
    _say(
        f"demo chain: {chosen.stores} stores x {chosen.products} products x {chosen.days} days in "
        f"{world.n_files:,} files below {landing}, "
        f"{world.seconds:.1f} s; run it with --as-of {world.as_of:%Y-%m-%d}"
    )


def _demo(chosen: argparse.Namespace) -> None:
    from invopt.world.write import write_world

    folder = Path(chosen.folder)
    landing, lakehouse = folder / "landing", folder / "lakehouse"
    # only what an earlier demo made is removed
    marker = folder / ".invopt-demo"
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise InputError("the demo can't be made", [f"{folder} has other files in it; give another --folder"])
    for old in (landing, lakehouse):
        shutil.rmtree(old, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    marker.touch()
    chosen.landing, chosen.lakehouse = str(landing), str(lakehouse)
    configured = _config(chosen)
    world = write_world(
        landing, n_stores=chosen.stores, n_products=chosen.products, n_days=chosen.days, seed=chosen.seed
    )
    _say(
        f"demo chain: {chosen.stores} stores x {chosen.products} products x {chosen.days} days "
        f"in {world.n_files:,} files below {landing}, {world.seconds:.1f} s"
    )
    _say("starting Spark; the whole takes two to four minutes")
    run = _run_of(chosen, configured, world.as_of, is_short=chosen.stores * chosen.products <= 2_000)
    _do(run, "run")
    # an item that was ordered tells most, but on some days nothing is
    items = (
        run.lakehouse.read(table).orderBy("location_id", "product_id").first()
        for table in (tables.ORDERS, tables.SOLUTIONS)
    )
    item = next((item for item in items if item is not None), None)
    if item is not None:
        _say(
            f"\nTry: invopt solve-one --policy {item['policy_id']} --location "
            f"{item['location_id']} --product {item['product_id']} --lakehouse {lakehouse}"
        )
    elsewhere = "" if folder == Path(DEMO) else f" with INVOPT_LAKEHOUSE={lakehouse.resolve()}"
    _say(f"Plots: notebooks/first_run.ipynb{elsewhere}")


def _refuse_filled(landing: Path) -> None:
    if landing.exists() and any(landing.iterdir()):
        raise InputError(
            "the demo chain can't be written",
            [f"{landing} is not empty, and real files must not be mixed with made-up ones; give another --landing"],
        )


def _tables(chosen: argparse.Namespace) -> None:
    every = [
        *tables.every_table(),
        *(tables.policy_inputs(name, policies.load(name).input_columns) for name in policies.names()),
    ]
    wanted = [table for table in every if chosen.name in (None, table.name, table.name.split(".")[0])]
    if not wanted:
        raise InputError(
            "there is no such table",
            [
                f"{chosen.name}: known are the layers bronze, silver and gold and the tables "
                + ", ".join(table.name for table in every)
            ],
        )
    if chosen.name is None or "." not in chosen.name:
        width = max(len(table.name) for table in wanted)
        for table in wanted:
            _say(f"{table.name.ljust(width)}  {table.meaning}")
        return
    for table in wanted:
        _say(f"{table.name}: {table.meaning}")
        _say(f"key: {', '.join(table.keys) or 'none'}; clustered by {', '.join(table.cluster_by) or 'nothing'}")
        for column in table.columns:
            need = "" if column.is_nullable else " not null"
            _say(f"  {column.name:28s} {column.type + need:28s} {column.unit:16s} {column.meaning}".rstrip())


def _policies(chosen: argparse.Namespace) -> None:
    from invopt.workbench import laws as conformance
    from invopt.workbench import policy_table

    configured = _config(chosen)
    folder = configured.policies_folder
    if chosen.check is not None:
        conformance.check(chosen.check or policies.names(folder), folder, _say)
        return
    if chosen.markdown:
        _say(policy_table.markdown(folder))
        return
    for line in policy_table.plain(shutil.get_terminal_size((160, 24)).columns, folder):
        _say(line)
    _say("\nconfigured in policies.yaml:")
    for row in configured.policies:
        when = ", ".join(
            f"{what} {name}"
            for what, name in (("decides", row.optimize_schedule), ("orders", row.order_schedule))
            if name
        )
        _say(
            f"  {row.id:22s} {row.policy}, {'active' if row.active else 'inactive'}, method {row.method}, solver "
            f"{row.solver}, "
            f"{when or 'at every run'}, scope {row.scope.model_dump(exclude_none=True) or 'all'}, params "
            f"{row.params or 'none'}"
        )


def _compile(chosen: argparse.Namespace) -> None:
    from invopt.workbench.precompile import compile_algorithms

    folder = _config(chosen).policies_folder
    compile_algorithms(chosen.names or policies.names(folder), folder, _say)


def _solve_one(chosen: argparse.Namespace) -> None:
    from invopt.workbench.explain import solve_one

    configured = _config(chosen)
    row = next((row for row in configured.policies if row.id == chosen.policy), None)
    if row is None:
        raise InputError(
            "there is nothing to solve",
            [
                f"policy id {chosen.policy!r} is not in policies.yaml; there are: "
                + ", ".join(row.id for row in configured.policies)
            ],
        )
    item = {"location_id": chosen.location, "product_id": chosen.product} | (
        {"source_id": chosen.source} if chosen.source else {}
    )
    run_id = f"{chosen.as_of:%Y%m%dT%H%M%S}-{configured.results_hash()[:10]}" if chosen.as_of else None
    solve_one(configured, row, item, run_id, ["exact", "model"] if chosen.method == "both" else [chosen.method], _say)


if __name__ == "__main__":
    raise SystemExit(main())
