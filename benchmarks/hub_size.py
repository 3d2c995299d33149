"""What a hub needs for each attendee: memory and disk, while several run a chapter at once.

    python benchmarks/hub_size.py [--attendees 3] [--chapter 2_lenet]

Each attendee is a kernel of its own that executes the chapter as `make run` does, with its own
`runs/` and one data folder for all; settings such as ``COURSE_SPEED`` are those of the course. On
Linux memory is the proportional set size: what several processes share is counted once. A container
shares nothing, so its limit must hold the largest resident size instead. Writes ``hub_size.json``
beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil  # comes with ipykernel
from processes import tree_memory

from course_utils import images as data
from course_utils._support import settings
from course_utils.images import load_mnist

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from running_lab import answering  # noqa: E402

EVERY = 0.5  # seconds between two looks
STARTED = 90  # seconds within which a server must answer
VERSIONS = ("torch", "lightning", "torch-uncertainty", "jupyterlab", "ipykernel")


@dataclass
class Attendee:
    """One kernel at work, and the most it needed (MB)."""

    folder: Path
    process: subprocess.Popen
    proportional: float = 0.0
    resident: float = 0.0

    def look(self) -> float:
        """Measure the kernel now; 0 before it starts and after it ended."""
        try:
            started = psutil.Process(self.process.pid).children()
            kernels = [one for one in started if "ipykernel_launcher" in " ".join(one.cmdline())]
            now = sum(tree_memory(kernel.pid) for kernel in kernels)
            resident = sum(kernel.memory_info().rss for kernel in kernels) / 1e6
        except psutil.Error:
            return 0.0
        self.proportional = max(self.proportional, now)
        self.resident = max(self.resident, resident)
        return now


def start(number: int, notebook: Path, scratch: Path) -> Attendee:
    """Let one more attendee execute the chapter."""
    folder = scratch / f"attendee-{number}"
    notebooks = folder / "notebooks"
    notebooks.mkdir(parents=True)
    shutil.copy(notebook, notebooks)
    command = [sys.executable, str(ROOT / "tools" / "run_course.py"), "--notebooks", str(notebooks)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--build", str(folder / "build")],
            env={**os.environ, "COURSE_RUNS_DIR": str(folder / "runs")},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return Attendee(folder, process)


def watch(attendees: list[Attendee]) -> float:
    """Look until all have ended. Returns the largest sum of their memory (MB)."""
    most = 0.0
    while any(one.process.poll() is None for one in attendees):
        most = max(most, sum(one.look() for one in attendees))
        time.sleep(EVERY)
    for one in attendees:
        if one.process.returncode != 0:
            sys.exit(f"An attendee's chapter failed:\n{(one.folder / 'log').read_text()}")
    return most


def server_memory(folder: Path) -> float:
    """What one JupyterLab server needs that has given out its page (MB)."""
    folder.mkdir()
    connection = folder / "port"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    options = [
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",
        "--IdentityProvider.token=",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    runtime = {**os.environ, "JUPYTER_RUNTIME_DIR": str(connection)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([*command, *options], env=runtime, **quiet)
    try:
        address = answering(server, connection, STARTED)["url"]
        for page in ("lab", "api/contents"):
            urllib.request.urlopen(f"{address}{page}", timeout=STARTED).read()
        return tree_memory(server.pid)
    finally:
        server.terminate()
        server.wait()


def megabytes(folder: Path) -> float:
    """Size of a folder's files."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


def measure(count: int, notebook: Path, scratch: Path) -> dict[str, Any]:
    """Run the chapter for so many attendees at once, and report what they needed."""
    source = load_mnist("test").source  # fetched once, for all
    started = time.monotonic()
    attendees = [start(number, notebook, scratch) for number in range(count)]
    together = watch(attendees)
    seconds = time.monotonic() - started
    kept = [one.folder / "build" / "executed" / notebook.name for one in attendees]
    return {
        "chapter": notebook.stem,
        "attendees": count,
        "speed": settings.speed(),
        "source": source,
        "seconds": round(seconds),
        "memory": {
            "kernels together": round(together),
            "kernel, proportional": round(max(one.proportional for one in attendees)),
            "kernel, resident": round(max(one.resident for one in attendees)),
            "JupyterLab server": round(server_memory(scratch / "server")),
        },
        "disk": {
            "environment, once": round(megabytes(Path(sys.prefix))),
            "images, once": round(megabytes(data.data_dir())),
            "course, once": round(megabytes(ROOT / "course_utils") + megabytes(ROOT / "notebooks")),
            "executed chapter, each": round(max(path.stat().st_size for path in kept) / 1e6, 1),
            "runs, each": round(max(megabytes(one.folder / "runs") for one in attendees), 1),
        },
    }


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--attendees", type=int, default=3)
    parser.add_argument("--chapter", default="2_lenet")
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        notebook = given.notebooks / f"{given.chapter}.ipynb"
        record = {
            "command": f"benchmarks/hub_size.py --attendees {given.attendees}",
            "cores": os.cpu_count(),
            "threads": os.environ.get("OMP_NUM_THREADS", "as many as cores"),
            "machine memory": round(psutil.virtual_memory().total / 1e6),
            "versions": {name: version(name) for name in VERSIONS},
            "megabytes": measure(given.attendees, notebook, Path(scratch)),
        }
    print(json.dumps(record, indent=1))
    (given.folder / "hub_size.json").write_text(json.dumps(record, indent=1) + "\n")
    return record


if __name__ == "__main__":
    main()
