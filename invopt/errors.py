"""Every exception of invopt, under one base.

A message says what is wrong, where (file, table, key, value) and what to do about it. Problems of one kind are
collected and raised together, so that a user mends a configuration or a file in one round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class InvoptError(Exception):
    """Base of all errors that a user can act on; the command line prints its text and exits with `exit_code`."""

    exit_code = 1


class ProblemsError(InvoptError):
    """Several problems found in one pass, shown as one list."""

    def __init__(self, what: str, problems: Sequence[str]):
        self.what = what
        self.problems = tuple(problems)
        super().__init__("\n".join([what, *(f"  - {problem}" for problem in self.problems)]))


class ConfigError(ProblemsError):
    """The configuration is wrong; each problem names its file, row and allowed values."""

    exit_code = 2


class InputError(ProblemsError):
    """The landed files or the tables made from them can't be used."""

    exit_code = 3


class ArgumentsError(ProblemsError):
    """What a command was asked for is not there: a table, a policy, an item, a day."""

    exit_code = 2


class FeedError(InputError):
    """Files were refused that nothing can stand for; all else was done, and later steps go on."""


class ParameterError(InvoptError, ValueError):
    """An argument of a function of the library is out of its domain; names the parameter and the first bad index."""

    exit_code = 2


class UnknownPolicyError(InvoptError, KeyError):
    """No policy has this name; the message lists those there are."""

    exit_code = 2

    def __str__(self) -> str:
        return str(self.args[0])


class SetupError(InvoptError):
    """Java, the Delta jars or a package is missing on this machine."""

    exit_code = 4


class TableError(InvoptError):
    """A table is missing, holds other columns than declared, or was refused a row."""

    exit_code = 5


class ConcurrentRunError(TableError):
    """Another run is writing the same table; nothing of this write was kept."""


class AuditError(InvoptError):
    """The exact algorithm and the model disagree on a sampled partition."""

    exit_code = 6


class NothingDecidedError(InvoptError):
    """There were items to decide for, and not one of them was decided; names the first of them and why."""

    exit_code = 3


class OrderRuleError(InvoptError):
    """A policy's order rule failed: its items are held, and its step is not done."""

    exit_code = 6


class PolicyLawError(ProblemsError):
    """A policy breaks a law that every policy obeys."""

    exit_code = 6


def raise_together(errors: Iterable[InvoptError]) -> None:
    """Raises what several policies met, a line each and none twice, with the highest exit code among them; nothing when
    there is nothing.

    >>> raise_together([TableError("a is missing"), AuditError("b differs"), TableError("a is missing")])
    Traceback (most recent call last):
    invopt.errors.AuditError: a is missing
    b differs
    >>> raise_together([ConfigError("wrong", []), InputError("refused", ["a.csv is empty"])])
    Traceback (most recent call last):
    invopt.errors.InputError: refused
      - wrong
      - a.csv is empty
    """
    errors = list(errors)
    if not errors:
        return
    gravest = max(errors, key=lambda error: error.exit_code)
    if len(errors) == 1:
        raise gravest
    lines = list(dict.fromkeys(line for error in errors for line in str(error).splitlines()))
    if isinstance(gravest, ProblemsError):
        problems = dict.fromkeys(line.removeprefix("  - ") for line in lines if line != gravest.what)
        raise type(gravest)(gravest.what, list(problems)) from gravest
    raise type(gravest)("\n".join(lines)) from gravest
