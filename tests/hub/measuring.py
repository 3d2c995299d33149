"""A hub on loopback, attendees who all begin at once, and what it costs them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from attendee import Attendee
from scipy.optimize import nnls

from benchmarks.harness import REPOSITORY, tree_memory

HERE = Path(__file__).parent
# The course is mounted read-only, for the hub and all that it starts.
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
UNSHARE = ["unshare", "--mount", "--map-root-user", "sh", "-c", READ_ONLY, str(REPOSITORY)]
WRITE = "import pathlib, course_utils; (pathlib.Path(course_utils.__file__).parent / 'x').touch()"
CORES = len(os.sched_getaffinity(0))
KEPT = "mine.ipynb"


@dataclass(frozen=True)
class Hub:
    """A running hub: its address, the attendees' homes, its process."""

    address: str
    homes: Path
    process: psutil.Process

    def servers(self) -> list[psutil.Process]:
        """Everyone's server; its children are the kernels."""
        found = []
        for one in self.process.children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it has just ended
                if "jupyterhub.singleuser" in one.cmdline():
                    found.append(one)
        return found


@contextlib.contextmanager
def running_hub(folder: Path, idle_seconds: int = 3600) -> Iterator[Hub]:
    """Start a hub, and stop it with everything that it has started."""
    ports = _free_ports()
    environment = {
        **os.environ,
        "COURSE_TEST_HUB": str(folder),
        "COURSE_TEST_PORTS": ports,
        "COURSE_TEST_IDLE": str(idle_seconds),
        "COURSE_SPEED": "look",
    }
    for variable in ("COURSE_RUNS_DIR", "JUPYTER_CONFIG_PATH", "JUPYTER_PATH"):
        environment.pop(variable, None)
    command = [sys.executable, "-m", "jupyterhub", "-f", str(HERE / "loopback_config.py")]
    command = [*UNSHARE, *command]
    log = (folder / "hub.log").open("w")
    started = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    process, address = psutil.Process(started.pid), f"http://127.0.0.1:{ports.split()[0]}"
    try:
        _wait_for(address, started, folder / "hub.log")
        yield Hub(address, folder / "homes", process)
    finally:
        ended = started.poll() is not None
        everything = [] if ended else [process, *process.children(recursive=True)]
        for one in reversed(everything):
            one.terminate()
        for one in psutil.wait_procs(everything, timeout=10)[1]:
            one.kill()
        log.close()


def _free_ports() -> str:
    """Three ports for proxy, hub and the proxy's own interface, as words."""
    with contextlib.ExitStack() as bound:
        sockets = [bound.enter_context(socket.socket()) for _ in range(3)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return " ".join(str(one.getsockname()[1]) for one in sockets)


def _wait_for(address: str, hub: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + 60
    while time.monotonic() < limit and hub.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/hub/health", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


@dataclass(frozen=True)
class Visit:
    """Seconds that one attendee has waited, and what went wrong."""

    start: float
    first_cell: float
    chapter: float
    errors: list[str]


async def visit(hub: Hub, name: str, chapter: str, trait: str) -> Visit:
    """Log in, run a chapter, move a widget, leave, and come back in another browser."""
    errors = []
    async with Attendee(hub.address, name) as first:
        await first.log_in()
        began = time.monotonic()
        await first.start()
        started = time.monotonic()
        ended = []
        for number, cell in enumerate(await first.open(chapter), start=1):
            error = (await first.run("".join(cell["source"])))[1]
            ended.append(time.monotonic())
            if error and "raises-exception" not in cell["metadata"].get("tags", []):
                errors.append(f"{name}, cell {number}: {error}")
        if (moved := await first.move(trait, 0.25)) != 0.25:
            errors.append(f"{name}: the widget is at {moved}")
        if not await first.saves_widgets():
            errors.append(f"{name}: JupyterLab does not save widgets")
        if (said := await first.echo()) != "hello":
            errors.append(f"{name}: the doctor's page hears {said!r}")
        if "Read-only" not in (said := (await first.run(WRITE))[1]):
            errors.append(f"{name}: writes into the course, {said!r}")
        await first.run(f"left_here = {name!r}")
        await first.save(KEPT, [f"# {name}'s own"])
    async with Attendee(hub.address, name) as again:
        await again.log_in()
        await again.start()
        await again.open(chapter)
        if (said := (await again.run("print(left_here)"))[0]) != f"{name}\n":
            errors.append(f"{name}: the kernel was lost, and says {said!r}")
        if again.kernel != first.kernel:
            errors.append(f"{name}: it is another kernel")
        if (kept := await again.read(KEPT)) != [f"# {name}'s own"]:
            errors.append(f"{name}: the work is now {kept}")
    return Visit(started - began, ended[0] - started, ended[-1] - started, errors)


@dataclass(frozen=True)
class Row:
    """What so many attendees at once have seen: medians, the slowest start, megabytes each."""

    attendees: int
    start: float
    slowest_start: float
    first_cell: float
    chapter: float
    memory: float
    errors: list[str]


async def together(hub: Hub, count: int, chapter: str, trait: str) -> Row:
    """Let so many attendees begin at the same moment, and stop their servers afterwards."""
    names = [f"a{count}-{number}" for number in range(count)]
    visits = await asyncio.gather(*(visit(hub, name, chapter, trait) for name in names))
    memory = [tree_memory(server) for server in hub.servers()]
    assert len(memory) == count
    for name in names:
        async with Attendee(hub.address, name) as one:
            await one.log_in()
            await one.stop()
    return Row(
        attendees=count,
        start=statistics.median(one.start for one in visits),
        slowest_start=max(one.start for one in visits),
        first_cell=statistics.median(one.first_cell for one in visits),
        chapter=statistics.median(one.chapter for one in visits),
        memory=statistics.mean(memory),
        errors=[error for one in visits for error in one.errors],
    )


def line(x: Sequence[float], y: Sequence[float]) -> np.ndarray:
    """The straight line closest to points: value at 0 and slope, neither of them below zero."""
    return nnls(np.column_stack([np.ones(len(x)), x]), np.array(y))[0]


def report(rows: Sequence[Row], load: float) -> str:
    """The table, the straight lines through it, and what they forecast for forty attendees.

    Seconds grow with attendees per core, memory with attendees. Rows with fewer attendees than
    cores are left out of the fit: nobody waits for a core there.
    """
    lines = [
        f"Measured on {CORES} cores; load before the start {load:.1f}",
        "attendees | start, median | slowest | first cell | chapter | memory each (PSS)",
        *(
            f"{row.attendees:9} | {row.start:11.1f} s | {row.slowest_start:5.1f} s |"
            f" {row.first_cell:8.1f} s | {row.chapter:5.1f} s | {row.memory:6.0f} MB"
            for row in rows
        ),
    ]
    busy = [row for row in rows if row.attendees >= CORES]
    per_core = [row.attendees / CORES for row in busy]
    fits = {
        name: line(per_core, [getattr(row, name) for row in busy])
        for name in ("slowest_start", "chapter")
    }
    whole = line([r.attendees for r in rows], [r.attendees * r.memory for r in rows])
    lines += [
        f"fit: {name.replace('_', ' ')} = {at_zero:.1f} s + {slope:.1f} s x attendees per core"
        for name, (at_zero, slope) in fits.items()
    ]
    lines.append(f"fit: memory = {whole[0]:.0f} MB + {whole[1]:.0f} MB x attendees")
    for cores in (8, 16):
        start, chapter = (fit @ [1, 40 / cores] for fit in fits.values())
        lines.append(
            f"FORECAST, not measured: 40 attendees on {cores} cores as fast as these:"
            f" slowest start {start:.0f} s, chapter {chapter:.0f} s,"
            f" memory {whole @ [1, 40] / 1000:.0f} GB"
        )
    return "\n".join(lines)
