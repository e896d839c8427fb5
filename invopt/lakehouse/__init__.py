"""A lakehouse as frames, for notebooks and analysts: orders, solutions, sales, and why an item was ordered; no Spark.

Every call reads the newest version of the tables. Moments are in UTC.
"""

from __future__ import annotations

from invopt.lakehouse.explanation import Explanation
from invopt.lakehouse.lakehouse import Lakehouse
from invopt.lakehouse.unfolded import unfolded

__all__ = ["Explanation", "Lakehouse", "unfolded"]
