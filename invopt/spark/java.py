"""Find a Java that Spark runs on, or fetch one.

Spark 4.1 runs on Java 17 and 21. Looked at in this order: JAVA_HOME, `java` on the PATH, the places where package
managers put it, `.jdk/` here and in invopt's cache; then a JDK is fetched into the cache, once.

Source: Apache Spark 4.1 documentation, "Overview": runs on Java 17/21.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from invopt.errors import SetupError

SUPPORTED = (17, 21)
FETCHED = SUPPORTED[0]

INSTALL_HINT = (
    "Install Java 17 with `apt-get install openjdk-17-jre-headless` (Debian, Ubuntu), `brew install openjdk@17` "
    "(macOS) or "
    "`winget install EclipseAdoptium.Temurin.17.JDK` (Windows), or set JAVA_HOME to a Java 17 or 21 that is "
    "already there."
)

# the folders of package managers and vendors' installers; a pattern that matches nothing costs nothing
WELL_KNOWN = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk@*",
    "/usr/local/opt/openjdk@*",
    "~/.sdkman/candidates/java/*",
    "~/.jdk/*",
    "C:/Program Files/Eclipse Adoptium/*",
    "C:/Program Files/Java/*",
    "C:/Program Files/Microsoft/jdk-*",
)


def ensure_java() -> Path:
    """The home folder of a Java 17 or 21; fetches one when this machine has none.

    Raises
    ------
    SetupError : none was found and none could be fetched; says what was found instead and how to install one.
    """
    unsuitable: dict[Path, int] = {}
    for java in _candidates():
        found = java_version(java)
        if found is None:
            continue
        version, home = found
        if version in SUPPORTED:
            return home
        unsuitable[home] = version
    return _fetch(unsuitable)


def java_version(java: Path) -> tuple[int, Path] | None:
    """Major version and home folder of a `java` command; None when it doesn't run (macOS has a stub that only says
    so).
    """
    try:
        answer = subprocess.run(
            [str(java), "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = answer.stderr + answer.stdout
    version = parse_version(text)
    if answer.returncode != 0 or version is None:
        return None
    # the command may be a link or a version manager's shim; only Java itself knows where it lives
    home = re.search(r"^\s*java\.home = (.+?)\s*$", text, re.M)
    return version, Path(home[1]) if home else java.resolve().parent.parent


def parse_version(text: str) -> int | None:
    """The major version in what `java -version` prints; before Java 9 it was the second number.

    >>> parse_version('openjdk version "17.0.15" 2025-04-15'), parse_version('java version "1.8.0_392"')
    (17, 8)
    >>> parse_version("no Java here") is None
    True
    """
    match = re.search(r'^\s*(?:\S+ )?version "?(\d+)(?:\.(\d+))?', text, re.M)
    if match is None:
        return None
    major = int(match[1])
    return int(match[2] or 0) if major == 1 else major


def cache_folder() -> Path:
    """The folder of fetched files and remembered facts: ~/.cache/invopt, or under XDG_CACHE_HOME."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "invopt"


def _candidates() -> Iterator[Path]:
    """Every `java` command worth asking, each once, best first."""
    seen = set()
    for java in _places():
        if java.is_file() and java.resolve() not in seen:
            seen.add(java.resolve())
            yield java


def _places() -> Iterator[Path]:
    executable = "java.exe" if os.name == "nt" else "java"
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"]) / "bin" / executable
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)
    for pattern in (*WELL_KNOWN, ".jdk/*", str(cache_folder() / "jdk" / "*")):
        # newest name first, so that a machine with several gives the same one every time
        for home in sorted(glob.glob(os.path.expanduser(pattern)), reverse=True):
            yield Path(home) / "bin" / executable
            yield Path(home) / "Contents" / "Home" / "bin" / executable


def _fetch(unsuitable: dict[Path, int]) -> Path:
    folder = cache_folder() / "jdk"
    print(f"invopt: no Java 17 or 21 here, fetching Java {FETCHED} into {folder} (about 190 MB, once)", file=sys.stderr)
    try:
        import jdk

        folder.mkdir(parents=True, exist_ok=True)
        home = Path(jdk.install(str(FETCHED), path=str(folder)))
    except Exception as error:  # whatever stops the fetch, the user needs the same advice
        raise SetupError(_not_found(unsuitable, f"{type(error).__name__}: {error}")) from error
    for java in (home / "bin/java", home / "bin/java.exe", home / "Contents/Home/bin/java"):
        found = java_version(java) if java.is_file() else None
        if found is not None and found[0] in SUPPORTED:
            return found[1]
    raise SetupError(_not_found(unsuitable, f"the Java fetched into {home} does not run"))


def _not_found(unsuitable: dict[Path, int], reason: str) -> str:
    found = ", ".join(f"Java {version} at {home}" for home, version in unsuitable.items()) or "no Java at all"
    return f"Spark needs Java 17 or 21; found {found}, and fetching one failed ({reason}). {INSTALL_HINT}"
