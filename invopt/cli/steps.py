"""The commands of the flow: one per step, and `run`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from invopt import tables
from invopt.cli.arguments import Subparsers, add_command, configured, say
from invopt.config import Config
from invopt.errors import InputError
from invopt.pipelines import flow
from invopt.run import Run, as_of_of

if TYPE_CHECKING:
    from invopt.pipelines.context import Context

# an example for each command, beside `invopt <command>`
_AS_OF = " --as-of 2017-01-18"


def add(commands: Subparsers) -> None:
    """Adds the commands."""
    for step in flow.STEPS:
        example = f"invopt {step.name}{_AS_OF if step.is_of_run else ''}"
        command = add_command(commands, step.name, _do, step.about, example, has_as_of=step.is_of_run)
        if step.name == "order":
            _add_rewrite(command)
    run = add_command(commands, "run", _do, "all steps, and the summary", f"invopt run{_AS_OF}", has_as_of=True)
    _add_rewrite(run)


def _add_rewrite(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--rewrite",
        action="store_true",
        help="decide orders anew even where a run of a later order cycle has counted on them",
    )


def context_of(
    chosen: argparse.Namespace, config: Config, as_of: datetime | None, *, is_short: bool = False
) -> Context:
    """The surroundings of a command's steps, with a session; pyspark is imported only by commands that need it.

    is_short : the session starts fast, and is slow on much data
    """
    from invopt.pipelines.context import Context
    from invopt.spark.session import spark_session
    from invopt.spark.stores import open_store

    spark = spark_session(settings=config.spark, is_short=is_short)
    log = (lambda line: say(f"    {line}")) if chosen.verbose else (lambda line: None)
    store = open_store(spark, config.lakehouse, log=log, say=say)
    run = Run(config, as_of or datetime.now(UTC).replace(microsecond=0))
    return Context(run, store, spark, say, rewrites=getattr(chosen, "rewrite", False))


def _do(chosen: argparse.Namespace) -> None:
    as_of = getattr(chosen, "as_of", None)
    context = context_of(chosen, configured(chosen), as_of)
    if chosen.command != "run" and flow.BY_NAME[chosen.command].goes_on and as_of is None:
        context = context_of(chosen, context.config, _newest_as_of(context))
    flow.do(context, chosen.command)


def _newest_as_of(context: Context) -> datetime:
    """The moment of the newest run of this configuration, for a step that goes on with it."""
    runs = context.store.rows(tables.RUNS)
    run_ids = [row["run_id"] for row in runs if row["config_hash"] == context.config.results_hash()]
    if not run_ids:
        newest = max((row["run_id"] for row in runs), default=None)
        other = f" (the newest, {newest}, was made with another one)" if newest else ""
        raise InputError(
            "there is no run to go on with",
            [f"{tables.RUNS.name} has no run of this configuration{other}; run `invopt inputs` or `invopt run` first"],
        )
    return max(map(as_of_of, run_ids))
