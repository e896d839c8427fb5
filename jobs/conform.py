"""spark-submit target: the same program as `invopt conform`."""

from invopt.cli import job

if __name__ == "__main__":
    job("conform")
