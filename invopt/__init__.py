"""Inventory optimization for retail: raw sales and stock files in, explained orders out, on a laptop or a Spark
cluster.
"""

__version__ = "0.2.0"
