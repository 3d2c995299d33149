"""A process that works on one task after the other, and what it and its children needed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

import psutil  # comes with ipykernel

_SAMPLE_EVERY = 0.2  # seconds


def tree_memory(pid: int) -> float:
    """Megabytes of a process and its children; what they share is counted once where Linux tells.

    Elsewhere (no "proportional set size") shared pages count for every process that maps them.
    """
    total = 0
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):  # a worker that has just ended
                memory = process.memory_full_info()
                total += getattr(memory, "pss", memory.rss)
    return total / 1e6


def _serve(connection: Any, threads: int | None, start_method: str) -> None:
    import torch

    # A spawned process would spawn its own loader processes too, each importing torch afresh.
    multiprocessing.set_start_method(start_method, force=True)
    if threads is not None:
        torch.set_num_threads(threads)
    # Bars and tables of what is measured would drown the result: they are written, but to nowhere.
    # The descriptors are redirected, not Python's objects: a forked loader process would inherit
    # the lock of such an object, and wait for ever where a bar's thread held it.
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
    """

    def __init__(self, name: str, threads: int | None = None) -> None:
        # "spawn": no side inherits what another has loaded, and CUDA works
        context = multiprocessing.get_context("spawn")
        self.name = name
        self.peak_memory = 0.0  # MB
        self._connection, theirs = context.Pipe()
        arguments = (theirs, threads, multiprocessing.get_start_method())
        self._process = context.Process(target=_serve, args=arguments)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Side:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._connection.send(None)
        else:
            self._process.terminate()
        self._process.join()

    def run(self, function: Callable[..., Any], **arguments: Any) -> Any:
        """What ``function(**arguments)`` returns over there; its memory adds to ``peak_memory``.

        Raises
        ------
        RuntimeError
            With the other side's traceback, if it failed.
        """
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(done,))
        watcher.start()
        try:
            self._connection.send((function, arguments))
            succeeded, result = self._connection.recv()
        except EOFError:
            raise RuntimeError(f"The process for {self.name} ended unexpectedly.") from None
        finally:
            done.set()
            watcher.join()
        if not succeeded:
            raise RuntimeError(f"{self.name} failed:\n{result}")
        return result

    def _watch(self, done: threading.Event) -> None:
        pid = self._process.pid
        while not done.wait(_SAMPLE_EVERY):
            self.peak_memory = max(self.peak_memory, tree_memory(pid))


def wall_clock() -> float:
    """Seconds, once everything handed to a GPU is done."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def cpu_clock() -> float:
    """Seconds of processors used by this process and by its children that have ended.

    Hardly changed by other work on the machine, unlike the wall clock; blind to a GPU, and to work
    that several cores do at once (Windows counts no children).
    """
    return sum(os.times()[:4])
