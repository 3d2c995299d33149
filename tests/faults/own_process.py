"""Run a scene in a process of its own, on a small disk or without a network; judge its words."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
PATIENCE = 240  # seconds; a crowded machine takes ten times as long as an idle one

# Each is a command that runs the command after it; the first of several that works here is taken.
_MOUNT = ["sh", "-c", 'mount -t tmpfs -o size=400k tmpfs "$SMALL_DISK" && exec "$@"', "sh"]
_ROOTS = [[], ["--map-root-user"]]
CIRCUMSTANCES: dict[str, list[list[str]]] = {
    "": [[]],
    "small disk": [["unshare", *root, "--mount", *_MOUNT] for root in _ROOTS],
    "no network": [["unshare", *root, "--net"] for root in _ROOTS],
}


def environment(place: Path, **changes: str) -> dict[str, str]:
    """The environment of a learner's process whose files all lie in `place`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COURSE_")}
    own = {
        "HOME": str(place),
        "XDG_CACHE_HOME": str(place / "cache"),
        "COURSE_RUNS_DIR": str(place / "runs"),
        "COURSE_SPEED": "train",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(REPOSITORY),
        "SMALL_DISK": str(place / "disk"),
    }
    return {**kept, **own, **changes}


def start(scene: str, place: Path, within: str = "", **changes: str) -> subprocess.Popen[str]:
    """Start a function of `scenes.py`, its input and output in pipes."""
    (place / "disk").mkdir(parents=True, exist_ok=True)
    variables = environment(place, **changes)
    return subprocess.Popen(
        [*_command(within, variables), sys.executable, str(HERE / "scenes.py"), scene, str(place)],
        cwd=place,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )


def _command(within: str, variables: dict[str, str]) -> list[str]:
    for command in CIRCUMSTANCES[within]:
        if not command:
            return command
        if shutil.which(command[0]):
            tried = subprocess.run([*command, "true"], env=variables, capture_output=True)
            if tried.returncode == 0:
                return command
    pytest.skip(f"this machine cannot make the circumstance {within!r}")


def finish(process: subprocess.Popen[str], status: int | None = 0) -> str:
    """What it printed, once it has ended with this status (None: with any)."""
    try:
        words, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert status is None or process.returncode == status, words
    return words


def play(scene: str, place: Path, within: str = "", **changes: str) -> str:
    """Run a scene to its end and return what it printed."""
    return finish(start(scene, place, within, **changes))


def judge(words: str, *expected: str) -> None:
    """What a learner reads: no traceback, and each of these regular expressions."""
    assert "Traceback (most recent call last)" not in words, words
    for pattern in expected:
        assert re.search(pattern, words), f"nobody reads {pattern!r} in: {words}"
