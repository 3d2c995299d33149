"""Install on Google Colab what the course needs and Colab lacks, and touch nothing else.

The first cell of every notebook installs the course itself, without dependencies, and then calls
this. Every package that Colab has is pinned to its version, so that pip can add packages but never
change one: Colab's torch knows its GPU, and its page only understands its own ipywidgets.
Interrupted at any point, it goes on when the cell is run again.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from course_utils._support.requirements import requirements


def install() -> int:
    """Install what is missing. Returns the exit status, 0 if the course can be used."""
    started = time.monotonic()
    halves = unfinished()
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "installed.txt"
        constraints.write_text("\n".join(pins()), encoding="utf-8")
        done = not halves or _pip("--no-deps", "--force-reinstall", *halves)
        done = done and _pip("--constraint", str(constraints), *map(str, requirements()))
    if not done:
        print(
            "The course is not installed yet; pip's reason is above. Run this cell again. If the "
            "reason is a conflict of versions, choose an older runtime version first "
            "(Runtime > Change runtime type).",
            file=sys.stderr,
        )
        return 1
    kept = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("torch", "torchvision", "numpy", "ipywidgets")
    )
    print(f"The course is installed, in {time.monotonic() - started:.0f} s. Unchanged: {kept}.")
    return 0


def pins() -> list[str]:
    """``name==version`` of everything that is installed, as constraints for pip."""
    from packaging.version import InvalidVersion, Version

    lines = set()
    for distribution in importlib.metadata.distributions():
        try:
            lines.add(f"{distribution.metadata['Name']}=={Version(distribution.version)}")
        except (InvalidVersion, TypeError):
            continue  # Debian's own, or a broken one: pip could neither keep nor change it
    return sorted(lines)


def unfinished() -> list[str]:
    """``name==version`` of packages whose installation was interrupted.

    pip writes the file INSTALLER near the end; without it, it would take the rest for a package.
    """
    return sorted(
        f"{distribution.metadata['Name']}=={distribution.version}"
        for distribution in importlib.metadata.distributions()
        if distribution.read_text("WHEEL") and not distribution.read_text("INSTALLER")
    )


def _pip(*arguments: str) -> bool:
    # Wheels only: building one of these packages would take minutes, or fail.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
    return subprocess.run([*command, *arguments]).returncode == 0
