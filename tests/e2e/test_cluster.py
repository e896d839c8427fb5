"""The jobs by spark-submit on a standalone master with two workers on this machine, the package shipped as an
archive.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pyspark
import pytest

from invopt.spark.jars import JARS, jar_settings
from invopt.spark.java import ensure_java
from invopt.spark.session import SHORT_LIVED_JVM
from invopt.tables import ITEM_STATE, ORDER_REVIEWS, ORDERS, RUNS, SOLUTIONS

ROOT = Path(__file__).parents[2]
SPARK_HOME = Path(pyspark.__file__).parent
# spark-submit starts these JVMs, not invopt
SHORT_LIVED = {f"spark.{side}.extraJavaOptions": SHORT_LIVED_JVM for side in ("driver", "executor")}
pytestmark = pytest.mark.cluster


def environment() -> dict[str, str]:
    """As a cluster's: this Python and Spark, and nothing that would bring the package other than the archive."""
    dropped = ("PYSPARK_", "SPARK_", "INVOPT_", "PYTHONPATH")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return clean | {
        "JAVA_HOME": str(ensure_java()),
        "SPARK_HOME": str(SPARK_HOME),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_NO_DAEMONIZE": "1",
    }


@contextlib.contextmanager
def server(log: Path, *arguments: str):
    """A process of the cluster, ended with the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(SPARK_HOME / "bin" / "spark-class"), *arguments],
            stdout=output,
            stderr=output,
            env=environment(),
            cwd=log.parent,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(log: Path, text: str, times: int, process: subprocess.Popen) -> None:
    """Waits until the log has the text so many times; the limit only keeps a broken cluster from hanging."""
    end = time.monotonic() + 600
    while log.read_text(encoding="utf-8", errors="replace").count(text) < times:
        if process.poll() is not None or time.monotonic() > end:
            pytest.fail(log.read_text(encoding="utf-8", errors="replace"))
        time.sleep(0.2)


@pytest.fixture(scope="module")
def demo(project):
    """A demo chain with its tables, made on this machine in a process of its own."""
    made = project()
    done = subprocess.run(
        [sys.executable, "-m", "invopt.cli", "demo", "--stores", "3", "--products", "10", "--days", "14"],
        cwd=made.folder,
        capture_output=True,
        text=True,
        timeout=600,
        env=environment() | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return type(made)(made.folder / "demo")


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    """The URL of a master on the loopback that has two workers, and its log."""
    folder = tmp_path_factory.mktemp("cluster")
    log = folder / "master.log"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"spark://127.0.0.1:{port}"
    with contextlib.ExitStack() as running:
        process = running.enter_context(
            server(
                log,
                "org.apache.spark.deploy.master.Master",
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
                "--webui-port",
                "0",
            )
        )
        wait_for(log, "I have been elected leader", 1, process)
        for number in (1, 2):
            running.enter_context(
                server(
                    folder / f"worker{number}.log",
                    "org.apache.spark.deploy.worker.Worker",
                    "--host",
                    "127.0.0.1",
                    "--webui-port",
                    "0",
                    "--cores",
                    "1",
                    "--memory",
                    "1g",
                    "--work-dir",
                    str(folder / f"work{number}"),
                    url,
                )
            )
        wait_for(log, "Registering worker", 2, process)
        yield url, log


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    file = tmp_path_factory.mktemp("dist") / "invopt.zip"
    with zipfile.ZipFile(file, "w") as zipped:
        for path in sorted((ROOT / "invopt").rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                zipped.write(path, path.relative_to(ROOT))
    return file


def test_the_jobs_run_on_a_cluster(demo, master, archive, tmp_path):
    url, log = master
    # the demo has brought the jars where there were none
    jars = jar_settings({})["spark.jars"]
    assert all(file in jars for _, file in JARS)
    before = {table: demo.rows(table) for table in (SOLUTIONS, ORDERS)}
    printed = ""
    for step in ("inputs", "solve", "order"):
        done = subprocess.run(
            [
                str(SPARK_HOME / "bin" / "spark-submit"),
                "--master",
                url,
                "--py-files",
                str(archive),
                "--jars",
                jars,
                "--conf",
                "spark.driver.host=127.0.0.1",
                "--conf",
                "spark.ui.enabled=false",
                "--conf",
                "spark.executor.memory=700m",
                "--conf",
                "spark.sql.shuffle.partitions=4",
                "--conf",
                "spark.databricks.delta.snapshotPartitions=2",
                *(part for name, value in SHORT_LIVED.items() for part in ("--conf", f"{name}={value}")),
                str(ROOT / "jobs" / f"{step}.py"),
                "--config",
                str(demo.folder.parent / "conf"),
                "--lakehouse",
                str(demo.lakehouse),
                "--as-of",
                "2026-06-01T06:00",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=900,
            env=environment(),
        )
        assert done.returncode == 0, done.stdout + done.stderr[-6000:]
        printed += done.stdout
    # both workers had an executor for each of the three programs
    assert log.read_text(encoding="utf-8").count("Launching executor") >= 6

    runs = demo.rows(RUNS).sort_values("as_of")
    run_id = runs["run_id"].iloc[-1]
    assert len(runs) == 2 and run_id.startswith("20260601T060000-")
    state = demo.rows(ITEM_STATE)
    state = state[state["run_id"] == run_id]
    solutions, orders = demo.rows(SOLUTIONS), demo.rows(ORDERS)
    solved = solutions[solutions["run_id"] == run_id]
    assert len(solved) == (state["shelf_life"].isna() & (state["source_rank"] == 1)).sum() > 0
    assert set(solved["status"]) == {"optimal"}
    keys = ["location_id", "product_id", "source_id"]
    # the forecast is the same as at midnight, and so are the decisions
    both = solved.merge(before[SOLUTIONS], on=keys, suffixes=("", "_before"))
    assert len(both) == len(solved) and both["cost"].tolist() == pytest.approx(both["cost_before"].tolist(), rel=1e-9)
    reviews = demo.rows(ORDER_REVIEWS)
    assert (reviews["run_id"] == run_id).sum() == len(solved)
    # the orders of midnight are on order at six, so none of them is wanted again
    again = orders[orders["run_id"] == run_id].merge(before[ORDERS], on=keys)
    assert again.empty, again
    assert f"{len(solved)}" in printed and "expected cost/day" in printed
