"""Plots of the tables, for notebooks: frames in, a matplotlib figure out. matplotlib is in the extra `dev`, not in the core."""

from invopt.plots.decision import decision
from invopt.plots.orders import orders_and_reasons
from invopt.plots.sales import daily_units
from invopt.plots.stock import cover, positions

__all__ = ["cover", "daily_units", "decision", "orders_and_reasons", "positions"]
