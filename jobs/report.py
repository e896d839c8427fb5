"""spark-submit target: the same program as `invopt report`."""

from invopt.cli import job

if __name__ == "__main__":
    job("report")
