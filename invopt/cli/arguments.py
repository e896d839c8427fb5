"""The arguments that all commands take, and the configuration under them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from invopt import config, policies

Subparsers = Any  # argparse keeps the class of add_subparsers' result to itself


def add_command(
    commands: Subparsers,
    name: str,
    do: Callable[[argparse.Namespace], None],
    about: str,
    example: str,
    *,
    has_as_of: bool = False,
) -> argparse.ArgumentParser:
    """Adds a command with the arguments that all have; gives it, for arguments of its own."""
    command = commands.add_parser(
        name,
        help=about,
        description=about,
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--config", default="conf", help="folder of the configuration (default: conf)")
    command.add_argument(
        "--lakehouse", help="folder or URI of the tables, instead of the configuration's lakehouse.root"
    )
    command.add_argument("--landing", help="landing zone, instead of the configuration's")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of base.yaml for this command, such as lakehouse.catalog=main.retail; may be given again",
    )
    command.add_argument("-v", "--verbose", action="store_true", help="a line for every table written")
    if has_as_of:
        command.add_argument(
            "--as-of",
            type=moment,
            help="the moment to look at, such as 2017-01-18 or 2017-01-18T06:00 "
            "(default: now, in UTC; for steps that go on with a run, the newest of this configuration)",
        )
    command.set_defaults(do=do)
    return command


def configured(chosen: argparse.Namespace) -> config.Config:
    """The configuration under a command's arguments.

    Raises
    ------
    ConfigError : lists all problems.
    """
    overrides = config.settings(chosen.set)
    if chosen.lakehouse:
        given = overrides.get("lakehouse", {})
        overrides["lakehouse"] = {**(given if isinstance(given, dict) else {}), "root": chosen.lakehouse}
    if chosen.landing:
        overrides["landing"] = chosen.landing
    return config.load(chosen.config, overrides=overrides, checks=(policies.problems,))


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def moment(text: str) -> datetime:
    """A date or a moment, in UTC, for argparse."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a date or a date and time like 2017-01-18 or 2017-01-18T06:00"
        ) from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def say(line: str) -> None:
    """Prints a line at once."""
    print(line, flush=True)
