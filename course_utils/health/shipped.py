"""Shipped files that are missing or damaged, and how `make run` gets them back."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from course_utils.images import files
from course_utils.metrics import ledger
from course_utils.networks import zoo

__all__ = ["ROOT", "damaged", "repair"]

ROOT = Path(__file__).resolve().parents[2]


def damaged() -> list[Path]:
    """Every image file, file of weights and ledger that is missing or damaged."""
    found = [files.FOLDER / name for name in files.damaged()]
    try:
        found += [zoo.FOLDER / f"{name}.safetensors" for name in zoo.damaged()]
    except zoo.ZooError:  # the list of networks itself
        found.append(zoo.FOLDER / "manifest.json")
    try:
        ledger.load(ledger.FILE)
    except ledger.LedgerError:
        found.append(ledger.FILE)
    return found


def repair() -> bool:
    """Get damaged files again from the repository, saying so in a line.

    Returns
    -------
    bool
        Whether all shipped files are intact now; if not, a line says what to do.
    """
    # twice, because only an intact manifest tells which weights are damaged
    for _ in range(2):
        if not (bad := damaged()):
            return True
        if not _checked_out(bad):
            break
        print(f"Repaired from the repository: {_names(bad)}.", flush=True)
    if not (bad := damaged()):
        return True
    print(
        f"Missing or damaged: {_names(bad)}. There is no repository to repair them from: download "
        "the course again.",
        file=sys.stderr,
    )
    return False


def _checked_out(paths: list[Path]) -> bool:
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        return False
    command = ["git", "-C", str(ROOT), "checkout", "--quiet", "HEAD", "--", *map(str, paths)]
    return subprocess.run(command, capture_output=True).returncode == 0


def _names(paths: list[Path]) -> str:
    return ", ".join(path.relative_to(ROOT).as_posix() for path in paths)
