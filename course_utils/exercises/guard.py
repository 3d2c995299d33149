"""Run code of learners so that nothing it does can harm the notebook: it may fail, print, or hang.

A function that loops for ever in Python is stopped. What counts is the time that it computes, so
that a right answer passes on a busy machine too; one that only waits is stopped later. Code that
never returns to Python (one call of a compiled library) cannot be stopped: then the kernel has to
be interrupted, and the interruption passes through.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import inspect
import io
import linecache
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

SECONDS = 5.0  # of computing
_WAITING = 6  # times as long on the clock is too long, however little was computed
_AGAIN = 0.2  # seconds until the next look, and until code that caught a stop is stopped again
_LONGEST = 500  # characters of an error's own words


class TooSlow(BaseException):  # not an Exception: `except Exception` of a learner must not catch it
    """The time is up."""


class Failed(Exception):
    """A learner's function raised; the text says what and where."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`TooSlow` in the block if it computes for longer, or takes six times as long."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    if hasattr(signal, "setitimer") and in_main_thread:
        limit = _by_signal(seconds)
    else:  # Windows has no such timer
        limit = _by_exception(seconds)
    with limit:
        yield


def _stopwatch(seconds: float) -> Callable[[], bool]:
    """Start counting, and return a function that says whether the time is up."""
    began, computed = time.monotonic(), time.process_time()

    def is_up() -> bool:
        return (
            time.process_time() - computed >= seconds
            or time.monotonic() - began >= _WAITING * seconds
        )

    return is_up


@contextlib.contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    is_up = _stopwatch(seconds)

    def stop(*_: object) -> None:
        if is_up():
            raise TooSlow

    former = signal.signal(signal.SIGALRM, stop)
    start = time.monotonic()
    left, again = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
        if left:  # somebody else's timer goes on
            left = max(left - (time.monotonic() - start), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, left, again)


@contextlib.contextmanager
def _by_exception(seconds: float) -> Iterator[None]:
    is_up = _stopwatch(seconds)
    thread = ctypes.c_ulong(threading.get_ident())
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    over = threading.Event()
    lock = threading.Lock()

    def watch() -> None:
        pause = seconds
        while not over.wait(pause):
            with lock:
                if is_up() and not over.is_set():
                    raise_in(thread, ctypes.py_object(TooSlow))
            pause = _AGAIN

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        with lock:
            over.set()
            raise_in(thread, None)  # one that is on its way comes no more


_printed: list[str] = []


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Collect what learners' functions print in the block."""
    _printed.clear()
    yield _printed


def call(function: Callable[..., Any], *inputs: Any) -> Any:
    """What a learner's function returns for copies of the inputs.

    What it prints is held back, for the verdict to repeat where it helps (see :func:`listening`).

    Raises
    ------
    Failed
        If it raises anything but an interruption, or changes its inputs.
    """
    given = copy.deepcopy(inputs)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            value = function(*given)
    except (KeyboardInterrupt, TooSlow):
        raise
    except BaseException as error:
        raise Failed(_what_happened(error, _file_of(function))) from None
    finally:
        if printed.getvalue().strip():
            _printed.append(printed.getvalue())
    for number, (before, after) in enumerate(zip(inputs, given, strict=True), start=1):
        if not same(before, after):
            raise Failed(
                f"your function changes its input number {number}, which the caller still needs. "
                "Work on a copy (`np.sort(x)` instead of `x.sort()`, `x = x + 1` instead of "
                "`x += 1`)."
            )
    return value


def _file_of(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code.co_filename if code is not None else ""


def _what_happened(error: BaseException, own: str) -> str:
    """Kind, words and place of an error, as one sentence; the place is the learner's own line."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename != __file__]
    place = ""
    for frame in [one for one in reversed(frames) if one.filename == own] or frames[-1:]:
        code = linecache.getline(frame.filename, frame.lineno or 0).strip()
        place = f" in `{code}`" if code else ""
        break
    try:
        words = str(error)
    except Exception:  # an error that cannot even say what it is
        words = ""
    said = f": {words}" if words else ""
    return f"your function raised `{type(error).__name__}`{place}{said[:_LONGEST]}."


def same(before: Any, after: Any) -> bool:
    """Whether two inputs hold the same values, NaN being equal to NaN."""
    if type(before) is not type(after):
        return False
    if isinstance(before, np.ndarray):
        return (
            before.shape == after.shape
            and before.dtype == after.dtype
            and bool(np.array_equal(before, after, equal_nan=before.dtype.kind in "fc"))
        )
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(before, torch.Tensor):
        return before.shape == after.shape and torch.equal(before, after)
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(same, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(same(before[k], after[k]) for k in before)
    if callable(before):
        return True
    return bool(before == after)
