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
        "--scratch", help="on a cluster: a folder or URI for the replay's own tables, which stay there"
    )
    command.add_argument(
        "--limit", type=positive, default=ROWS, help=f"items to show, those that differ first (default: {ROWS})"
    )


def _do(chosen: argparse.Namespace) -> None:
    from invopt.errors import ArgumentsError
    from invopt.pipelines.replay import replayed

    if chosen.as_of is None:
        raise ArgumentsError("which day is to be looked at?", [f"give --as-of, as in: {EXAMPLE}"])
    config = configured(chosen)
    context = context_of(chosen, config, chosen.as_of)
    with replayed(context.spark, context.store, config, chosen.as_of, say, chosen.scratch) as found:
        n, n_differ, rows = found.of(chosen.location, chosen.product, chosen.limit)
        if not n:
            asked = f"location {chosen.location or 'any'}, product {chosen.product or 'any'}"
            raise ArgumentsError("the replay has no such item", [asked])
        say(
            f"\nReplay of {found.moment:%Y-%m-%d %H:%M}: {n:,} items, {n_differ:,} of them differ from what was ordered"
        )
        for row in rows:
            _show(row)
        if n > chosen.limit:
            say(f"... and {n - chosen.limit:,} more: --limit shows them")


def _show(row) -> None:
    item = f"{row['location_id']}/{row['product_id']}/{row['source_id']}"
    was = "nothing was ordered" if row["was"] is None else f"{row['was']:,.10g} were ordered ({row['status']})"
    say(f"{item} by {row['policy_id']}: {row['quantity']:,.10g} now, {was}")
    if row["reason"]:
        say(f"    {row['reason']}")
