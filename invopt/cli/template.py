"""`invopt template`: the files of the landing zone with one line each, to be replaced by own data."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from pathlib import Path

from invopt.cli.arguments import Subparsers, say
from invopt.errors import InputError


def add(commands: Subparsers) -> None:
    """Adds the command."""
    about = "writes the fourteen files of a landing zone with one line each"
    example = "invopt template landing --day 2026-03-01"
    command = commands.add_parser(
        "template",
        help=about,
        description=f"{about}, and says which are needed and which columns may be left out",
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("folder", help="where the files go; made when it is missing")
    command.add_argument(
        "--day", type=_day, help="day of the stock count and of the first forecast (default: today, UTC)"
    )
    command.set_defaults(do=_do)


def _day(text: str) -> date:
    """A day, for argparse."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2026-03-01") from error


def _do(chosen: argparse.Namespace) -> None:
    from invopt.world.template import NOTES, write_template

    folder, day = Path(chosen.folder), chosen.day or datetime.now(UTC).date()
    try:
        written = write_template(folder, day)
    except FileExistsError as error:
        raise InputError(
            "the template can't be written", [f"{error}: is there already; give another folder"]
        ) from error
    except OSError as error:
        raise InputError("the template can't be written", [f"{folder}: {error.strerror or error}"]) from error
    say(
        f"{len(written) - 1} files with one line each below {folder}; {folder / NOTES} says what each is for.\n"
        f"Replace the lines by your own, then: invopt run --landing {folder} --as-of {day}"
    )
