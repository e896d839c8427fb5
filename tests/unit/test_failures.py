"""A disk or a table that fails is told by its innermost cause, with the table and the way out."""

import pytest

from invopt.errors import InvoptError, TableError
from invopt.spark.commits import commit
from invopt.spark.failures import explained, innermost

SAVE = "An error occurred while calling o13082.save.\n: org.apache.spark.SparkException: Job aborted: "
SPARK = "Caused by: org.apache.spark"
CHECKPOINTED = "file:/lake/gold/inputs_s_q/_delta_log/00000000000000000010.checkpoint.parquet"
FULL = f"""{SAVE}Task 0 in stage 7.0 failed
\tat org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:2790)
{SPARK}.SparkException: [TASK_WRITE_FAILED] Task failed while writing rows to file:/lake/gold/solutions.
\tat org.apache.spark.sql.errors.QueryExecutionErrors$.taskFailed(QueryExecutionErrors.scala:774)
Caused by: java.io.IOException: No space left on device
\tat java.base/java.io.FileOutputStream.writeBytes(Native Method)
"""
DENIED = f"""{SAVE}x
Caused by: java.io.FileNotFoundException: /lake/silver/sales/_delta_log/.003.json.tmp (Permission denied)
\tat java.base/java.io.FileOutputStream.open0(Native Method)
"""
MISSING = (
    f"{SAVE}x\n{SPARK}.SparkFileNotFoundException: [FAILED_READ_FILE.FILE_NOT_EXIST] File "
    "file:/lake/silver/stock_lots/part-00000-c1.snappy.parquet does not exist. SQLSTATE: KD001"
)
CHECKPOINT = (
    f"{SAVE}x\n{SPARK}.SparkException: [FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER] Encountered error while reading file "
    f"{CHECKPOINTED}. SQLSTATE: KD001\n"
    f"Caused by: java.lang.RuntimeException: {CHECKPOINTED} is not a Parquet file. Expected magic number at tail\n"
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            FULL,
            ["table gold.solutions: the disk is full at /lake/gold/solutions (No space", "Free"],
        ),
        (DENIED, ["table silver.sales", "may not be read or written by this user", "right to write"]),
        (
            MISSING,
            ["table silver.stock_lots", "part-00000-c1.snappy.parquet is missing", "run `invopt conform`"],
        ),
        (CHECKPOINT, ["gold.inputs_s_q", "10.checkpoint.parquet is damaged", "run `invopt inputs`"]),
        (
            "OSError: [Errno 30] Read-only file system: '/mnt/lake/gold/orders/x'",
            ["gold.orders", "disk that is read-only"],
        ),
        (
            "Generic LocalFileSystem error: Unable to copy data to file: No space left on device (os error 28)",
            ["the disk is full"],
        ),
        (
            "FileExistsError: [Errno 17] File exists: '/lake/gold'",
            ["a file stands where a folder is needed, at /lake/gold or above it", "Move it away"],
        ),
        ("Kernel error: Json error: Truncated record whilst reading string", ["is damaged", "backup"]),
    ],
)
def test_what_failed_where_and_what_to_do(text, parts):
    failure = explained(RuntimeError(text))
    assert isinstance(failure, TableError) and failure.exit_code == 5
    assert all(part in str(failure) for part in parts), str(failure)
    assert "o13082" not in str(failure) and "\n" not in str(failure)


def test_the_table_that_is_known_is_named():
    failure = explained(RuntimeError("Parquet error: EOF"), "silver.products", "s3a://retail/silver/products")
    assert str(failure).startswith(
        "table silver.products: s3a://retail/silver/products is damaged (Parquet error: EOF)"
    )


def test_memory_is_no_fault_of_a_table():
    failure = explained(RuntimeError(SAVE + "x\nCaused by: java.lang.OutOfMemoryError: Java heap space"))
    assert type(failure) is InvoptError and failure.exit_code == 1 and "spark.driver.memory" in str(failure)
    gone = explained(RuntimeError("Answer from Java side is empty"))
    assert "has killed it" in str(gone) and gone.exit_code == 1


def test_the_cause_below_python_exceptions_counts():
    try:
        try:
            raise OSError(28, "No space left on device", "/lake/gold/orders/part-1")
        except OSError as cause:
            raise RuntimeError("the write failed") from cause
    except RuntimeError as error:
        assert "table gold.orders: the disk is full at /lake/gold/orders/part-1" in str(explained(error))


def test_what_is_not_known_is_told_by_its_innermost_cause():
    error = RuntimeError(f"{SAVE}x\nCaused by: java.lang.IllegalStateException: nobody expected this\n\tat a.b")
    assert explained(error) is None and innermost(error) == "nobody expected this"
    assert innermost(RuntimeError("An error occurred while calling o1.collect.\n: a.b.CException: no")) == "no"
    assert innermost(ValueError()) == "ValueError"


def test_what_a_policy_met_in_a_worker_is_no_fault_of_a_table():
    text = f"{SAVE}x\n{SPARK}.api.python.PythonException: Traceback (most recent call last):\nFileNotFoundError: '/a/b'"
    assert explained(RuntimeError(text)) is None


def test_a_commit_that_fails_names_its_table_and_is_not_tried_again():
    tries = []

    def write() -> None:
        tries.append(1)
        raise OSError(28, "No space left on device")

    with pytest.raises(TableError, match="table gold.orders: the disk is full at /lake/gold/orders .*run again"):
        commit(write, "gold.orders", "/lake/gold/orders", pytest.fail)
    assert tries == [1]
