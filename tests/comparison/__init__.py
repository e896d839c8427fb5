"""What two states of the program computed, compared: `python -m tests.comparison BEFORE AFTER`.

Nothing here imports invopt or Spark, so the comparison does not change with the code that it judges. It brings all that
it compares into one form, a `Sheet` of rows by their key (`sheet.py`). One function compares two sheets (`compare.py`).
"""
