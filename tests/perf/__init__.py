"""Measurements of speed and memory: `make bench`, or `python -m tests.perf --only solve --items 20000 200000` for a
quick look.
"""
