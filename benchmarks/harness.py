"""What the benchmarks share: processes that take turns, clocks, memory, and the record."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import platform
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil  # comes with ipykernel

REPOSITORY = Path(__file__).resolve().parents[1]
LOOK_EVERY = 0.2  # seconds between two looks at memory


def write_record(path: Path, **content: Any) -> None:
    """Write what was measured, with the machine and the versions it was measured with."""
    packages = ("torch", "torchvision", "torch-uncertainty", "lightning")
    about = {
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {package: version(package).split("+")[0] for package in packages},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**about, **content}, indent=1) + "\n", encoding="utf-8")


def wall_clock() -> float:
    """Seconds, once everything handed to a GPU is done."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def cpu_clock() -> float:
    """Seconds of processors used by this process and by its children that have ended.

    Hardly changed by other work on the machine, unlike the wall clock; blind to a GPU.
    """
    return sum(os.times()[:4])


def tree_memory(process: psutil.Process) -> float:
    """Megabytes of a process and its children; what they share counts once where Linux tells."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for one in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):  # it has just ended
                memory = one.memory_full_info()
                total += getattr(memory, "pss", memory.rss)
    return total / 1e6


class Peak:
    """The most memory, in MB, that the children of this process took together since `since`.

    Parameters
    ----------
    since : set of psutil.Process
        Children that were there before, and do not count.
    """

    def __init__(self, since: set[psutil.Process]) -> None:
        self.megabytes, self.since = 0.0, since

    def look(self) -> None:
        """Measure once more."""
        with contextlib.suppress(psutil.Error):
            children = set(psutil.Process().children()) - self.since
            self.megabytes = max(self.megabytes, sum(map(tree_memory, children)))


@contextlib.contextmanager
def watched(look: Callable[[], None]) -> Iterator[None]:
    """Call a function again and again in a thread, until the block ends."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(LOOK_EVERY):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _serve(connection: Any, threads: int | None, start_method: str) -> None:
    import torch

    # A spawned process would spawn its own loader processes too, each importing torch afresh.
    multiprocessing.set_start_method(start_method, force=True)
    if threads is not None:
        torch.set_num_threads(threads)
    # Bars and tables of what is measured would drown the result. The descriptors are redirected,
    # not Python's objects: a forked loader process would inherit the lock of such an object.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    while (task := connection.recv()) is not None:
        function, arguments = task
        try:
            connection.send((True, function(**arguments)))
        except Exception:
            connection.send((False, traceback.format_exc()))


class Side:
    """One side of a comparison: a fresh Python process, kept for all its tasks.

    Parameters
    ----------
    name : str
    threads : int, optional
        For PyTorch; by default what it chooses itself.

    Attributes
    ----------
    peak_memory : float
        The most that it and its children took so far, in MB.
    """

    def __init__(self, name: str, threads: int | None = None) -> None:
        # "spawn": no side inherits what another has loaded, and CUDA works
        context = multiprocessing.get_context("spawn")
        self.name, self.peak_memory = name, 0.0
        self._connection, theirs = context.Pipe()
        arguments = (theirs, threads, multiprocessing.get_start_method())
        self._process = context.Process(target=_serve, args=arguments)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Side:
        return self

    def __exit__(self, kind: type[BaseException] | None, *more: object) -> None:
        if kind is None:
            self._connection.send(None)
        else:
            self._process.terminate()
        self._process.join()

    def run(self, function: Callable[..., Any], **arguments: Any) -> Any:
        """What ``function(**arguments)`` returns over there.

        Raises
        ------
        RuntimeError
            With the other side's traceback, if it failed.
        """
        process = psutil.Process(self._process.pid)

        def look() -> None:
            self.peak_memory = max(self.peak_memory, tree_memory(process))

        with watched(look):
            try:
                self._connection.send((function, arguments))
                succeeded, result = self._connection.recv()
            except EOFError:
                raise RuntimeError(f"The process for {self.name} ended unexpectedly.") from None
        if not succeeded:
            raise RuntimeError(f"{self.name} failed:\n{result}")
        return result
