"""spark-submit target: the same program as `invopt inputs`."""

from invopt.cli import job

if __name__ == "__main__":
    job("inputs")
