"""The style of all plots: colours that colour-blind readers can tell apart, each with one meaning, and plain axes."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.dates import MO, AutoDateLocator, ConciseDateFormatter, DateFormatter, WeekdayLocator, num2date
from matplotlib.figure import Figure

# Okabe and Ito's palette, without black and yellow
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
STOCK, ON_ORDER, REORDER_POINT, POSITION, QUIET = "#0072B2", "#56B4E9", "#D55E00", "black", "#9A9A9A"


def figure(rows: int, columns: int, size: tuple[float, float], **more) -> tuple[Figure, Axes]:
    """A figure whose parts don't overlap; size in inches."""
    drawn, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", **more)
    return drawn, axes


def plain(axes: Axes, title: str, x: str, y: str) -> None:
    """Title and labels, without the two lines of the frame that carry no scale."""
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)


def dates(axes: Axes) -> None:
    """Readable days on the x axis: Mondays, as long as there is room for them."""
    first, last = (num2date(number) for number in axes.get_xlim())
    if (last - first).days <= 100:
        axes.xaxis.set_major_locator(WeekdayLocator(byweekday=MO))
        axes.xaxis.set_major_formatter(DateFormatter("%d %b"))
        axes.set_xlabel(f"{last:%Y}; Mondays are marked")
    else:
        locator = AutoDateLocator(minticks=4, maxticks=10)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def legend(axes: Axes, **more) -> None:
    """A legend that stays readable where lines pass behind it."""
    axes.legend(framealpha=0.9, edgecolor="none", fontsize=8.5, **more)
