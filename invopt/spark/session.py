"""The one place where a Spark session is made, and where what Spark Connect lacks (sparkContext, _jvm) is touched.

Where a session or a cluster is already there, it is used as it is, with Delta's two settings added when they are
missing. Otherwise a local one is started that fits the machine, survives a crashing worker, and keeps the launcher's
chatter out of the terminal: it goes to a log file that error messages name.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from invopt.errors import SetupError
from invopt.spark.folders import Folder, HadoopFolder, LocalFolder
from invopt.spark.jars import DELTA, jar_settings, kept_folder, not_resolved
from invopt.spark.java import ensure_java
from invopt.spark.log import log_file, new_log

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["default_parallelism", "folder_of", "hadoop_folder", "log_file", "sees_local_files", "spark_session"]

EXTENSION = "io.delta.sql.DeltaSparkSessionExtension"
CATALOG = "org.apache.spark.sql.delta.catalog.DeltaCatalog"

# Delta's parser drops the :named parameters that Spark 4.1 hands to it (delta-io/delta issue 7640); with this, Spark
# binds them after parsing, as 4.0 did
PARAMETERS = {"spark.sql.legacy.parameterSubstitution.constantsOnly": "true"}

# what each row of a group would be measured for, again and again over the whole batch so far: with thousands of rows in
# a group that is half of the JVM's time. The largest number turns it off; maxRecordsPerBatch still ends a batch
GROUPS_BY_ROWS = {"spark.sql.execution.arrow.maxBytesPerBatch": str(2**31 - 1)}

# moments in microseconds: the old default's 96 bits are read in nanoseconds by others, and those end in the year 2262,
# long before an expiry of 9999-12-31
MOMENTS = {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS"}

# Java does not compile a method of more than 8,000 bytes, and interprets it ten times slower. Spark makes one method of
# all that a line's texts become; above this limit it computes them piece by piece instead
METHODS = {"spark.sql.codegen.hugeMethodLimit": "8000"}

# the variables that hold a machine's options for every JVM, and how an option chooses a collector
JAVA_OPTIONS = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
_HAS_COLLECTOR = re.compile(r"-XX:\+Use\w+GC")

# A JVM that lives for minutes doesn't earn back what the second compiler and the parallel collector cost: at Java's own
# thresholds it compiles for longer than it runs. Forty times as many calls before a method is compiled twice is the
# cheapest from 20,000 to 1,000,000 items; the first compiler alone is a twentieth cheaper for few and half as dear
# again for many. With less code cache, Spark's code is thrown out and compiled again.
_SECOND_COMPILER_AFTER = {
    "Invocation": 5_000,
    "MinInvocation": 600,
    "Compile": 15_000,
    "BackEdge": 40_000,
}  # Java's own thresholds
SHORT_LIVED_JVM = " ".join(
    [
        "-XX:+IgnoreUnrecognizedVMOptions",
        # two collectors are one too many for Java to start
        *(
            []
            if _HAS_COLLECTOR.search(" ".join(os.environ.get(name, "") for name in JAVA_OPTIONS))
            else ["-XX:+UseSerialGC"]
        ),
        "-XX:ReservedCodeCacheSize=512m",
        # a heap that begins at a sixtieth of the memory is collected a hundred times in its first minute, and Java's
        # own limit for classes has the whole heap collected five times while Spark's are loaded
        "-XX:InitialRAMPercentage=8",
        "-XX:MetaspaceSize=256m",
        *(f"-XX:Tier4{name}Threshold={40 * calls}" for name, calls in _SECOND_COMPILER_AFTER.items()),
    ]
)

# for what is over in minutes on few rows: Java's first compiler alone, and no Java code for each query, because to make
# it takes longer than the rows do; a small demo takes a quarter less processor time. And no file is left out by its
# statistics: to ask for them is a query for each table that is read. Tables with deletion vectors can't be read then.
# Nor is a join's other side left out by a filter made while it runs: to look for one takes a tenth of the planning.
FAST_START = {
    "spark.driver.extraJavaOptions": f"{SHORT_LIVED_JVM} -XX:TieredStopAtLevel=1",
    "spark.databricks.delta.stats.skipping": "false",
    "spark.sql.optimizer.runtime.bloomFilter.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}

# settings that must be known before the JVM starts; the others are handed over later, so that no secret stands on a
# command line
AT_LAUNCH = ("spark.master", "spark.driver.", "spark.jars", "spark.log.level", "spark.local.dir")


def spark_session(
    app_name: str = "invopt",
    *,
    settings: Mapping[str, str] | None = None,
    local_threads: int | None = None,
    is_short: bool = False,
) -> SparkSession:
    """The running Spark session, or that of the cluster this program was submitted to, or a new local one.

    Parameters
    ----------
    settings : Spark settings that win over those chosen here; on a running session only those that can still change
        have an effect.
    local_threads : tasks at a time of a local session; default: the processors this process may use.
    is_short : a local session that is started now starts fast, and is slow on much data. A session that runs already is
        left as it is: its owner works on with it.

    Raises
    ------
    SetupError : pyspark, Java or Delta's jars can't be had; says what was tried and the ways out.
    """
    chosen = {name: str(value) for name, value in (settings or {}).items()}
    try:
        import pyspark  # noqa: F401
    except ImportError as error:
        raise SetupError(
            f"pyspark is not installed for {sys.executable}: run `pip install 'invopt[spark]'`."
        ) from error
    if "DATABRICKS_RUNTIME_VERSION" in os.environ or "SPARK_REMOTE" in os.environ:
        return _built(app_name, chosen)
    if _is_running() or "PYSPARK_GATEWAY_PORT" in os.environ:
        return _cluster_session(app_name, chosen)
    return _local_session(app_name, chosen, local_threads or _processors(), is_short)


def sees_local_files(spark: SparkSession) -> bool:
    """Whether a path without a scheme means the same file to Spark as to this process; a Connect server is
    elsewhere.
    """
    try:
        return spark._jsc.hadoopConfiguration().get("fs.defaultFS", "file:///").startswith("file:")
    except Exception:  # Spark Connect refuses with errors of different kinds
        return False


def folder_of(spark: SparkSession, place: str) -> Folder | None:
    """The folder at a path or URI; None where nothing but Spark's servers reaches it, as on Spark Connect."""
    local = place if ":" not in place else re.sub("^file:(//)?(?=/)", "", place)
    if ":" not in local:
        return LocalFolder(local) if sees_local_files(spark) or ":" in place else None
    return hadoop_folder(spark, place)


def hadoop_folder(spark: SparkSession, place: str) -> HadoopFolder | None:
    """The folder at a URI by Hadoop's file system; None on Spark Connect, which gives none."""
    try:
        paths = spark._jvm.org.apache.hadoop.fs.Path
        files = paths(place).getFileSystem(spark._jsc.hadoopConfiguration())
        # the local one hides its files of checksums, and keeps a folder that holds some
        files = files.getRawFileSystem() if place.startswith("file:") else files
    except Exception:  # Spark Connect refuses with errors of different kinds
        return None
    return HadoopFolder(place, files, paths)


def _is_chosen(session: SparkSession, name: str, settings: Mapping[str, str]) -> bool:
    """Whether the user, or who runs the cluster, gave this setting a value."""
    if name in settings:
        return True
    with contextlib.suppress(Exception):  # Spark Connect doesn't tell
        return session.sparkContext.getConf().contains(name)
    return False


def default_parallelism(spark: SparkSession) -> int:
    """How many tasks the session can run at a time; on Spark Connect, which doesn't tell, the shuffle partitions."""
    try:
        return spark.sparkContext.defaultParallelism
    except Exception:  # Spark Connect and serverless refuse with errors of different kinds
        partitions = spark.conf.get("spark.sql.shuffle.partitions", "")
        return int(partitions) if partitions.isdigit() else 200  # "auto" on Databricks; 200 is Spark's default


def _is_running() -> bool:
    from pyspark import SparkContext

    return SparkContext._active_spark_context is not None


def _built(app_name: str, settings: Mapping[str, str]) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName(app_name)
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    for name, value in (GROUPS_BY_ROWS | MOMENTS | METHODS).items():
        if not _is_chosen(session, name, settings):
            with contextlib.suppress(
                Exception
            ):  # serverless lets few settings be changed, and refuses with errors of its own
                session.conf.set(name, value)
    # a run's as_of is in UTC, and days begin at midnight there; a session in another zone would cut them elsewhere
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return session


def _cluster_session(app_name: str, settings: dict[str, str]) -> SparkSession:
    """The session of spark-submit's cluster, or one that runs already: no master, no memory, only what Delta needs."""
    from pyspark import SparkConf, SparkContext

    SparkContext._ensure_initialized()  # connects to spark-submit's JVM, which knows the settings it was started with
    wanted = {} if _is_running() else _delta_settings(dict(SparkConf().getAll()) | settings)
    has_delta = _has_class(EXTENSION)  # asked first: Spark only warns about an extension that isn't there
    if has_delta:
        spark = _built(app_name, wanted | settings)
        has_delta = EXTENSION in spark.conf.get("spark.sql.extensions", "")
    if has_delta:
        for name, value in PARAMETERS.items():
            spark.conf.set(name, value)
    else:
        raise SetupError(
            f"the running Spark session has no Delta: submit with `--packages {DELTA} --conf "
            f"spark.sql.extensions={EXTENSION} "
            f"--conf spark.sql.catalog.spark_catalog={CATALOG}`, or stop the session that this program started itself."
        )
    return spark


def _delta_settings(present: Mapping[str, str]) -> dict[str, str]:
    """Delta's extension and catalog, beside the extensions that are there; a catalog that someone chose stays."""
    extensions = [name for name in present.get("spark.sql.extensions", "").split(",") if name]
    missing = {}
    if EXTENSION not in extensions:
        missing["spark.sql.extensions"] = ",".join([*extensions, EXTENSION])
    if "spark.sql.catalog.spark_catalog" not in present:
        missing["spark.sql.catalog.spark_catalog"] = CATALOG
    return missing


def _has_class(name: str) -> bool:
    from py4j.protocol import Py4JJavaError
    from pyspark import SparkContext

    try:
        SparkContext._jvm.Thread.currentThread().getContextClassLoader().loadClass(name)
    except Py4JJavaError:
        return False
    return True


def _local_session(app_name: str, settings: dict[str, str], threads: int, is_short: bool) -> SparkSession:
    from pyspark import SparkContext

    # workers must be this interpreter, whatever the shell says: another version can't read its functions
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    master = settings.get(
        "spark.master", f"local[{threads},4]"
    )  # 4 attempts: a worker killed by a native crash is tried again
    chosen = {"spark.master": master}
    if master.startswith("local"):
        chosen |= _local_settings(threads) | (FAST_START if is_short else {})
    chosen |= _delta_settings(settings) | PARAMETERS | settings
    if SparkContext._gateway is None:  # a JVM outlives the sessions of its process, and has the jars then
        _start_jvm(chosen | jar_settings(settings))
    return _built(app_name, {name: value for name, value in chosen.items() if not name.startswith("spark.jars")})


def _local_settings(threads: int) -> dict[str, str]:
    return {
        "spark.driver.memory": f"{_driver_megabytes()}m",
        "spark.driver.extraJavaOptions": SHORT_LIVED_JVM,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.log.level": "ERROR",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": str(2 * threads),
        "spark.sql.session.timeZone": "UTC",
        # the catalog lives as long as the session, so its files needn't live longer or stand in the user's folder
        "spark.sql.warehouse.dir": _temporary_warehouse(),
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.execution.pyspark.udf.faulthandler.enabled": "true",
        "spark.python.daemon.module": "invopt.spark.worker_daemon",
        # thousands of small files are listed by a few tasks, not by one each
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(threads),
        "spark.databricks.delta.snapshotPartitions": "2",  # the default, 50, makes each tiny table slow
        # a task is one thread; libraries that start their own would fight for the processors
        "spark.executorEnv.OMP_NUM_THREADS": "1",
        "spark.executorEnv.OPENBLAS_NUM_THREADS": "1",
        "spark.executorEnv.MKL_NUM_THREADS": "1",
        "spark.executorEnv.NUMBA_NUM_THREADS": "1",
    }


def _temporary_warehouse() -> str:
    folder = tempfile.mkdtemp(prefix="invopt-warehouse-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _start_jvm(settings: Mapping[str, str]) -> None:
    """Start the JVM as pyspark does, with its output in the log file."""
    import pyspark
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    os.environ["JAVA_HOME"] = str(ensure_java())
    own_spark = Path(pyspark.__file__).parent
    if (
        own_spark / "jars"
    ).is_dir():  # a SPARK_HOME of another version would be started with this version's Python side
        os.environ["SPARK_HOME"] = str(own_spark)
    if "spark.jars.packages" in settings:
        print(f"invopt: fetching Delta's jars into {kept_folder(settings)} (13 MB, once)", file=sys.stderr)
    conf = SparkConf(loadDefaults=False).setAll([item for item in settings.items() if item[0].startswith(AT_LAUNCH)])
    log, output = new_log()
    with output:
        try:
            gateway = launch_gateway(conf, popen_kwargs={"stdout": output, "stderr": output})
        except PySparkRuntimeError as error:
            text = log.read_text(encoding="utf-8", errors="replace")
            if "unresolved dependency" in text or "download failed" in text:
                raise not_resolved(settings, log) from error
            last = "\n".join(text.splitlines()[-5:])
            raise SetupError(
                f"Spark's JVM ({os.environ['JAVA_HOME']}) did not start; the end of {log}:\n{last}"
            ) from error
    SparkContext._ensure_initialized(gateway=gateway)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _driver_megabytes() -> int:
    """Half of the memory, at most 8 GB: in local mode the driver does the executors' work too, beside the Python
    workers.
    """
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):  # Windows doesn't say
        return 2048
    limit = Path("/sys/fs/cgroup/memory.max")  # a container's limit
    if limit.is_file() and (text := limit.read_text().strip()).isdigit():
        memory = min(memory, int(text))
    return max(512, min(8192, memory // 2 // 2**20))
