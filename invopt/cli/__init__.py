"""`invopt <step>`: every step of the flow as a command; `jobs/<step>.py` are the same program for spark-submit."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence

from invopt import __version__
from invopt.cli import catalogue, demo, replay, steps, template
from invopt.errors import InvoptError

EXIT_CODES = """exit codes: 0 done; 1 an error of invopt or Spark; 2 configuration or arguments; 3 input files;
4 Java, jars or packages; 5 tables: missing or damaged, or their disk is full or may not be written;
6 an audit failed, or a policy breaks a law; 130 stopped by Ctrl-C"""
# packages at work on the tables; `_internal` is deltalake's own code
_TABLES = ("pyspark", "py4j", "deltalake", "_internal", "pyarrow")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; gives its exit code."""
    every = parser()
    chosen = every.parse_args(arguments)
    if chosen.command is None:
        every.print_help()
        return 2
    warnings.showwarning = _show_warning
    try:
        chosen.do(chosen)
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
        if getattr(chosen, "verbose", False) or not type(error).__module__.startswith(_TABLES):
            raise
        return _say_failure(error)
    return 0


def _say_failure(error: Exception) -> int:
    """What Spark or Delta met, in one sentence, and the exit code; --verbose shows the plan of a hundred lines."""
    from invopt.spark.failures import explained, innermost
    from invopt.spark.session import log_file

    known, log = explained(error), log_file()
    where = f"; its log is {log}" if log is not None and log.is_file() else ""
    words = str(known) if known is not None else f"Spark or Delta failed: {innermost(error)}"
    print(f"error: {words}{where}; run again with --verbose for the whole error", file=sys.stderr)
    return 1 if known is None else known.exit_code


def _show_warning(message: Warning | str, category: type[Warning], *_: object) -> None:
    """A warning as one line, without the place in the code, which tells a user nothing."""
    if not issubclass(category, DeprecationWarning):
        print(f"warning: {message}", file=sys.stderr)


def job(command: str) -> None:
    """A command as a spark-submit target, with the program's arguments.

    Some runtimes take even an exit with code 0 for a failure, and others ignore what a function returns.

    Raises
    ------
    SystemExit : the command failed.
    """
    code = main([command, *sys.argv[1:]])
    if code != 0:
        raise SystemExit(code)


def parser() -> argparse.ArgumentParser:
    """All commands and their arguments."""
    every = argparse.ArgumentParser(
        prog="invopt",
        description="Inventory optimization: raw sales and stock files in, explained orders out.",
        epilog=f"example: invopt demo\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    every.add_argument("--version", action="version", version=f"invopt {__version__}")
    commands = every.add_subparsers(dest="command", metavar="command")
    for group in (demo, template, steps, replay, catalogue):
        group.add(commands)
    return every
