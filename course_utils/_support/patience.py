"""Wait for the network a little, and never for ever: what a lesson can do without is given up."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["within"]

Result = TypeVar("Result")


def within(seconds: float, work: Callable[[], Result], what: str) -> Result | None:
    """Return what a download brings, or say in one sentence that it did not come.

    Libraries have time-outs for each request, or none at all, and try again; this one is for all of
    it. A download that is given up may go on in the background until the kernel ends.

    Parameters
    ----------
    seconds : float
        Time limit in all.
    work : callable
        Downloads and returns the result; called without arguments, in a thread of its own.
    what : str
        What is downloaded, as the beginning of a sentence.

    Returns
    -------
    object or None
        None if `work` raised an error or did not end in time.
    """
    ended: queue.SimpleQueue[tuple[Result | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            ended.put((work(), None))
        except Exception as error:
            ended.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = ended.get(timeout=seconds)
    except queue.Empty:
        print(f"{what} did not arrive within {seconds:g} s: the chapter goes on without.")
        return None
    if error is not None:
        reason = next(iter(str(error).splitlines()), "")
        kind = type(error).__name__
        print(f"{what} did not arrive ({kind}: {reason}): the chapter goes on without.")
    return result
