"""`invopt replay`: a past day once more, beside what was ordered on it."""

from __future__ import annotations

import argparse

from invopt.cli.arguments import Subparsers, add_command, configured, positive, say
from invopt.cli.steps import context_of

ABOUT = "a past day once more, from what was known on it, beside what was ordered; writes nothing"
EXAMPLE = "invopt replay --as-of 2017-01-18 --location S001 --product P0007"
ROWS = 20


def add(commands: Subparsers) -> None:
    """Adds the command."""
    command = add_command(commands, "replay", _do, ABOUT, EXAMPLE, has_as_of=True)
    command.add_argument("--location", help="show the items of this location")
    command.add_argument("--product", help="show the items of this product")
    command.add_argument(
        "--limit", type=positive, default=ROWS, help=f"items to show, those that differ first (default: {ROWS})"
    )


def _do(chosen: argparse.Namespace) -> None:
    from pyspark.sql import functions as F

    from invopt.errors import InputError
    from invopt.pipelines.replay import differs, replayed

    if chosen.as_of is None:
        raise InputError("which day is to be looked at?", [f"give --as-of, as in: {EXAMPLE}"])
    config = configured(chosen)
    context = context_of(chosen, config, chosen.as_of)
    with replayed(context.spark, context.store, config, chosen.as_of, say) as found:
        rows = found.rows
        for column, value in (("location_id", chosen.location), ("product_id", chosen.product)):
            if value is not None:
                rows = rows.where(F.col(column) == value)
        counted = rows.agg(F.count(F.lit(1)).alias("n"), F.count_if(differs()).alias("n_differ")).first()
        if not counted["n"]:
            raise InputError(
                "the replay has no such item",
                [f"location {chosen.location or 'any'}, product {chosen.product or 'any'}"],
            )
        say(
            f"\nReplay of {found.moment:%Y-%m-%d %H:%M}: {counted['n']:,} items, {counted['n_differ']:,} of them "
            "differ from what was ordered"
        )
        in_order = rows.orderBy(differs().desc(), F.desc("quantity"), "location_id", "product_id")
        for row in in_order.limit(chosen.limit).collect():
            _show(row)
        if counted["n"] > chosen.limit:
            say(f"... and {counted['n'] - chosen.limit:,} more: --limit shows them")


def _show(row) -> None:
    item = f"{row['location_id']}/{row['product_id']}/{row['source_id']}"
    was = "nothing was ordered" if row["was"] is None else f"{row['was']:,.10g} were ordered ({row['status']})"
    say(f"{item} by {row['policy_id']}: {row['quantity']:,.10g} now, {was}")
    if row["reason"]:
        say(f"    {row['reason']}")
