"""The package and its extras. pyspark is an extra: a cluster brings its own, and everything but `spark` and `pipelines`
runs without it.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
# read, not imported: importing would need the dependencies that this file declares
VERSION = re.search(r'^__version__ = "([^"]+)"', (HERE / "invopt/__init__.py").read_text(encoding="utf-8"), re.M)[1]
README = HERE / "README.md"

# Spark and Delta are pinned to each other and to Databricks Runtime 18 LTS; the jar's version stands in
# invopt/spark/jars.py
SPARK = ["pyspark==4.1.4", "delta-spark==4.4.0", "install-jdk>=1.1"]

# workbooks in the landing zone; defusedxml keeps a hostile one from filling the memory
XLSX = ["openpyxl>=3.1", "defusedxml>=0.7"]

setup(
    name="invopt",
    version=VERSION,
    description="Inventory optimization for retail: raw sales and stock files in, explained orders out, on a "
    "laptop or a Spark cluster",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    author="invopt contributors",
    license="MIT",
    packages=find_packages(include=["invopt", "invopt.*"]),
    package_data={"invopt": ["sql/**/*.sql", "web/**/*"]},
    python_requires=">=3.11",
    install_requires=[
        "numpy>=1.26",
        "scipy>=1.11",
        "numba>=0.60",
        "pandas>=2.2,<3",  # pandas 3 breaks pyspark.testing up to Spark 4.2
        "pyarrow>=18",
        "pyomo>=6.9",  # LinearRepnVisitor that records the variables by itself
        "highspy>=1.10",
        "pydantic>=2.7",
        "pyyaml>=6",
        "cronsim>=2.5",
        "deltalake>=1.0",
        "filelock>=3.12",
    ],
    extras_require={
        "spark": SPARK,
        "xlsx": XLSX,
        "dev": [
            *SPARK,
            *XLSX,
            "pytest>=8",
            "pytest-xdist>=3.6",
            "hypothesis>=6",
            "ruff>=0.9",
            "nbclient>=0.10",
            "nbformat>=5",
            "ipykernel>=6",
            "matplotlib>=3.8",
            "stockpyl>=1.0",
        ],  # the same problems solved by others: tests and benchmarks compare with it
    },
    entry_points={"console_scripts": ["invopt = invopt.cli:main"]},
    classifiers=[
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
    ],
)
