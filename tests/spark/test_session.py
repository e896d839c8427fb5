"""The session does what the steps build on, on a laptop, offline, and under spark-submit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest
from pyspark.sql import SparkSession

from invopt.errors import SetupError
from invopt.spark import session
from invopt.spark.jars import JARS
from invopt.spark.session import default_parallelism, log_file, spark_session

REPOSITORY = Path(__file__).parents[2]


def run_alone(code: str, *command: str, **environment: str) -> subprocess.CompletedProcess:
    """The code in a process of its own, as a user types it.

    A process has one session and one JVM: what is printed when they start, and settings that they start with, can't be
    tried in the tests' own.
    """
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYSPARK_", "SPARK_", "INVOPT_"))
    }
    return subprocess.run(
        [*(command or (sys.executable, "-c", code))],
        capture_output=True,
        text=True,
        timeout=240,
        env=clean | {"PYTHONPATH": str(REPOSITORY)} | environment,
    )


def versions(spark, path) -> list[int]:
    return sorted(row["version"] for row in spark.sql(f"describe history delta.`{path}`").collect())


def test_local_settings(spark):
    assert spark.sparkContext.master == "local[2,4]"
    assert default_parallelism(spark) == 2
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.conf.get("spark.sql.shuffle.partitions") == "4"
    assert "invopt-warehouse-" in spark.conf.get("spark.sql.warehouse.dir")


def test_asking_again_gives_the_same_session_with_the_settings_that_can_change(spark):
    before = spark.conf.get("spark.sql.shuffle.partitions")
    again = spark_session(settings={"spark.sql.shuffle.partitions": "7"})
    try:
        assert again is spark
        assert spark.conf.get("spark.sql.shuffle.partitions") == "7"
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)


def test_merge_and_time_travel(spark, tmp_path):
    path = str(tmp_path / "t")
    spark.sql("select 1 as id, 'a' as name union all select 2, 'b'").write.format("delta").save(path)
    spark.sql(
        f"merge into delta.`{path}` t using (select 2 as id, 'B' as name union all select 3, 'c') s on t.id = s.id "
        "when matched then update set * when not matched then insert *"
    )
    assert spark.read.format("delta").load(path).orderBy("id").collect() == [(1, "a"), (2, "B"), (3, "c")]
    assert spark.sql(f"select * from delta.`{path}` version as of 0 order by id").collect() == [(1, "a"), (2, "b")]


def test_replace_where_with_a_transaction_id_writes_once(spark, tmp_path):
    path = str(tmp_path / "t")
    spark.sql("select 'r1' as run_id, 1 as wave, 10 as x union all select 'r1', 2, 20").write.format("delta").save(path)

    def write(x: int, version: int) -> None:
        rows = spark.sql(f"select 'r1' as run_id, 1 as wave, {x} as x")
        options = {"replaceWhere": "run_id = 'r1' and wave = 1", "txnAppId": "r1", "txnVersion": str(version)}
        rows.write.format("delta").mode("overwrite").options(**options).save(path)

    write(11, 1)
    write(12, 1)  # the same id again: Delta drops it
    assert [row["x"] for row in spark.read.format("delta").load(path).orderBy("wave").collect()] == [11, 20]
    write(13, 2)
    assert [row["x"] for row in spark.read.format("delta").load(path).orderBy("wave").collect()] == [13, 20]
    assert versions(spark, path) == [0, 1, 2]


def test_clustered_table_and_optimize(spark, tmp_path):
    path = str(tmp_path / "t")
    spark.sql(f"create table delta.`{path}` (bucket int not null, x double) using delta cluster by (bucket)")
    for first in (0, 50):
        spark.sql(f"select cast(id as int) as bucket, id * 1.0d as x from range({first}, {first + 50})").write.format(
            "delta"
        ).mode("append").save(path)
    spark.sql(f"optimize delta.`{path}`")
    detail = spark.sql(f"describe detail delta.`{path}`").first()
    assert detail["clusteringColumns"] == ["bucket"]
    assert detail["numFiles"] == 1
    assert spark.read.format("delta").load(path).where("bucket < 10").count() == 10


def test_workers_are_this_python_with_one_thread_each(spark):
    def look(frames):
        import os
        import sys

        import pandas as pd

        for _ in frames:
            yield pd.DataFrame({"python": [sys.executable], "threads": [os.environ["OMP_NUM_THREADS"]]})

    assert spark.range(1).mapInPandas(look, "python string, threads string").first() == (sys.executable, "1")


def test_workers_are_forked_with_what_they_need(spark):
    def look(frames):
        import gc
        import sys

        import pandas as pd

        has_all = {"invopt.policies.s_q", "pyomo.environ"} <= set(sys.modules)
        for _ in frames:
            yield pd.DataFrame({"has": [has_all], "n": gc.get_freeze_count()})

    has_all, n_frozen = spark.range(1).mapInPandas(look, "has boolean, n bigint").first()
    assert has_all and n_frozen > 100_000


def test_a_worker_killed_by_a_native_crash_is_tried_again(spark, tmp_path):
    mark = str(tmp_path / "crashed-once")

    def crash_once(frames):
        import os

        if not os.path.exists(mark):
            open(mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        yield from frames

    assert spark.range(0, 5, 1, 1).mapInPandas(crash_once, "id bigint").count() == 5


def test_the_terminal_shows_nothing_of_spark_and_a_collector_that_the_machine_has_chosen_stays(tmp_path):
    """A new process, whose JVM is started with the machine's options: two collectors would keep it from starting."""
    code = (
        "from invopt.spark.session import log_file, spark_session\n"
        "spark = spark_session(local_threads=1)\n"
        f"spark.range(3).write.format('delta').save({str(tmp_path / 't')!r})\n"
        "print(spark.range(3).count(), log_file().stat().st_size > 0)\n"
    )
    done = run_alone(code, JAVA_TOOL_OPTIONS="-XX:+UseParallelGC")
    assert (done.returncode, done.stdout, done.stderr) == (0, "3 True\n", "")


def test_without_a_network_and_without_jars_the_message_names_the_ways_out(tmp_path):
    """A new process: its JVM looks for jars as it starts, and never gets to a session."""
    settings_file = tmp_path / "ivysettings.xml"
    settings_file.write_text(
        '<ivysettings><settings defaultResolver="none"/><resolvers><filesystem name="none">'
        f'<artifact pattern="{tmp_path}/nothing/[artifact]-[revision].[ext]"/></filesystem></resolvers></ivysettings>',
        encoding="utf-8",
    )
    code = (
        "from invopt.errors import SetupError\n"
        "from invopt.spark.session import spark_session\n"
        "try:\n"
        f"    spark_session(settings={{'spark.jars.ivy': {str(tmp_path / 'ivy')!r}}})\n"
        "except SetupError as error:\n"
        "    print(error)\n"
    )
    done = run_alone(code, INVOPT_IVY_SETTINGS=str(settings_file))
    assert "io.delta:delta-spark_4.1_2.13:4.4.0" in done.stdout
    assert str(settings_file) in done.stdout
    assert (
        "INVOPT_JARS" in done.stdout
        and "INVOPT_IVY_SETTINGS" in done.stdout
        and "delta-storage-4.4.0.jar" in done.stdout
    )
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("invopt: fetching Delta's jars")


def test_jvm_options_that_cannot_work_end_in_a_setup_error(tmp_path):
    """A new process, whose JVM does not start."""
    code = (
        "from invopt.errors import SetupError\n"
        "from invopt.spark.session import spark_session\n"
        "try:\n"
        "    spark_session(settings={'spark.driver.memory': '1m'})\n"
        "except SetupError as error:\n"
        "    print(error)\n"
    )
    done = run_alone(code)
    assert "did not start" in done.stdout and ".log" in done.stdout and "heap" in done.stdout.lower()


@pytest.fixture(scope="module")
def delta_jars(spark) -> str:
    """The jars the running session was started with, as spark-submit wants them."""
    jars = spark.sparkContext.getConf().get("spark.jars")
    assert all(file in jars for _, file in JARS)
    return jars


def submit(tmp_path: Path, *options: str) -> subprocess.CompletedProcess:
    job = tmp_path / "job.py"
    job.write_text(
        "from invopt.spark.session import spark_session\n"
        "spark = spark_session('submitted')\n"
        "conf = spark.sparkContext.getConf()\n"
        f"spark.range(4).write.format('delta').save({str(tmp_path / 't')!r})\n"
        f"rows = spark.read.format('delta').load({str(tmp_path / 't')!r}).count()\n"
        "print('ANSWER', rows, conf.get('spark.master'), conf.get('spark.driver.memory'), "
        "conf.get('spark.driver.host') == '127.0.0.1')\n",
        encoding="utf-8",
    )
    command = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    return run_alone(
        "",
        str(command),
        "--conf",
        "spark.ui.enabled=false",
        *options,
        str(job),
        PYSPARK_PYTHON=sys.executable,
        JAVA_HOME=os.environ["JAVA_HOME"],
        SPARK_HOME=str(Path(pyspark.__file__).parent),
    )


@pytest.mark.slow
def test_under_spark_submit_only_delta_is_added(tmp_path, delta_jars):
    """A new process, because spark-submit starts the JVM first and Python in it."""
    done = submit(tmp_path, "--master", "local[3]", "--driver-memory", "700m", "--jars", delta_jars)
    assert "ANSWER 4 local[3] 700m False" in done.stdout, done.stderr


def test_under_spark_submit_without_delta_the_message_says_how_to_submit(tmp_path):
    """A new process, because the tests' own session has Delta."""
    done = submit(tmp_path, "--master", "local[1]")
    assert done.returncode != 0
    printed = done.stdout + done.stderr
    assert "SetupError" in printed and "--packages io.delta:delta-spark_4.1_2.13:4.4.0" in printed
    assert "ClassNotFoundException" not in printed


@pytest.mark.cluster
def test_workers_in_other_processes_get_delta_and_this_python(tmp_path):
    """A new process, because a session can't change its master."""
    code = (
        "from invopt.spark.session import spark_session\n"
        "spark = spark_session(settings={'spark.master': 'local-cluster[2,1,1024]'})\n"
        f"spark.range(100).repartition(4).write.format('delta').save({str(tmp_path / 't')!r})\n"
        f"print(spark.read.format('delta').load({str(tmp_path / 't')!r}).count())\n"
    )
    done = run_alone(code)
    assert (done.stdout, done.returncode) == ("100\n", 0), done.stderr


def test_a_session_that_runs_already_is_not_made_a_short_one(spark):
    """Its owner, in a notebook, would compute slowly ever after."""
    name = "spark.sql.codegen.wholeStage"
    before = spark.conf.get(name)
    spark.conf.set(name, "true")
    try:
        assert spark_session(is_short=True) is spark and spark.conf.get(name) == "true"
    finally:
        spark.conf.set(name, before)
    assert before == "false"


def test_databricks_is_left_alone(spark, monkeypatch):
    chosen = []
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    monkeypatch.setattr(SparkSession.Builder, "config", lambda self, *setting, **more: chosen.append(setting) or self)
    assert spark_session() is spark
    # the name is what a user finds the application by
    assert chosen == [("spark.app.name", "invopt")]


def test_a_session_without_delta_is_refused(spark, monkeypatch):
    monkeypatch.setattr(session, "EXTENSION", "io.delta.sql.NoSuchExtension")
    with pytest.raises(SetupError, match="has no Delta"):
        spark_session()


def test_the_log_is_of_this_process(spark):
    assert str(os.getpid()) in log_file().name and log_file().is_file()
