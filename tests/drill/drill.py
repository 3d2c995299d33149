"""The table of faults: how a fault is entered, injected, and judged by what a learner reads."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path[:0] = [str(HERE.parent), str(REPOSITORY)]  # servers of the tests, and the course
TRACEBACK = "Traceback (most recent call last)"
LONGEST_SENTENCE = 700  # characters


class NotInjected(Exception):
    """This machine cannot meet the fault; the text says why."""


@dataclass(frozen=True)
class Fault:
    """One row of the table.

    Attributes
    ----------
    title : str
        What goes wrong.
    expected : str
        What must happen then.
    inject : callable
        Takes an empty folder, makes the fault happen for real, and asserts what is expected. What
        it prints is what a learner reads.
    within : str
        A key of `CIRCUMSTANCES`: where its process runs.
    seconds : float
        After which it counts as hanging. Generous: a crowded machine takes ten times as long as
        an idle one; what a fault may cost at most, its own function asserts.
    """

    title: str
    expected: str
    inject: Callable[[Path], None]
    within: str
    seconds: float


FAULTS: list[Fault] = []


def fault(
    title: str, expected: str, *, within: str = "", seconds: float = 240
) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Enter a function into the table."""

    def enter(inject: Callable[[Path], None]) -> Callable[[Path], None]:
        FAULTS.append(Fault(title, expected, inject, within, seconds))
        return inject

    return enter


# --- what a learner reads -----------------------------------------------------------------------


def read(run: Callable[[], Any], *expected: str, error: type[BaseException] | None = None) -> Any:
    """Run something as a cell does, print what a learner reads of it, and return its value.

    Parameters
    ----------
    run : callable
    *expected : str
        Regular expressions; each must be found in what is read.
    error : type of exception, optional
        What must be raised, with a sentence of its own.
    """
    printed, value, raised = io.StringIO(), None, None
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            value = run()
        except BaseException as caught:
            raised = caught
    words = printed.getvalue().strip()
    if raised is not None and (error is None or not isinstance(raised, error)):
        print(words)
        raise AssertionError(f"{type(raised).__name__} came unexpectedly: {raised}") from raised
    assert error is None or raised is not None, f"{error.__name__} did not come"
    if raised is not None:
        judge_sentence(str(raised))
        words += f"\n{type(raised).__name__}: {raised}"
    return judge_words(words, *expected) or value


def judge_sentence(sentence: str) -> None:
    """Whether the words of an error are for people: one line that ends, not too long."""
    assert sentence.endswith(".") and "\n" not in sentence, f"no sentence: {sentence!r}"
    assert len(sentence) <= LONGEST_SENTENCE, f"too long: {sentence!r}"


def judge_words(words: str, *expected: str) -> None:
    """Print what a learner reads; there must be no traceback in it, but what is expected."""
    print(words.strip())
    assert TRACEBACK not in words, "a bare traceback"
    for pattern in expected:
        assert re.search(pattern, words), f"nobody reads {pattern!r}"


# --- other processes ----------------------------------------------------------------------------


def environment(**changes: str) -> dict[str, str]:
    """The environment of a process that runs the course from this repository."""
    path = os.pathsep.join([str(REPOSITORY), str(HERE), str(HERE.parent)])
    return {**os.environ, "PYTHONPATH": path, **changes}


def start(program: str, *arguments: str, **changes: str) -> subprocess.Popen[str]:
    """Start a Python program that stands in for another notebook, its input and output in pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=environment(**changes),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )


def finish(process: subprocess.Popen[str], seconds: float = 200) -> str:
    """What it printed, once it has ended well."""
    output, _ = process.communicate(timeout=seconds)
    assert process.returncode == 0, f"ended with {process.returncode}: {output}"
    return output


# --- circumstances ------------------------------------------------------------------------------
# Each is a command that runs the command after it, the first of several that works here.

_MOUNT = ["sh", "-c", 'mount -t tmpfs -o size=400k tmpfs "$DRILL_DISK" && exec "$@"', "sh"]
_UNPRIVILEGED = [[], ["--map-root-user"]]
CIRCUMSTANCES: dict[str, list[list[str]]] = {
    "": [[]],
    # a disk of 400 kB; where nothing can be mounted, files that cannot grow beyond 128 kB
    "small disk": [
        *(["unshare", *more, "--mount", *_MOUNT] for more in _UNPRIVILEGED),
        ["sh", "-c", 'ulimit -f 256 && exec "$@"', "sh"],
    ],
    # a machine without any network; where there can be none, one whose proxy does not answer
    "no network": [
        *(["unshare", *more, "--net"] for more in _UNPRIVILEGED),
        ["env", *(f"{name}_proxy=http://127.0.0.1:9" for name in ("http", "https"))],
    ],
    # root writes everywhere, unless it gives up the right to
    "no rights of root": [
        [] if os.name == "nt" or os.geteuid() else ["setpriv", "--bounding-set=-dac_override"]
    ],
}


def command_within(circumstance: str, variables: dict[str, str]) -> list[str]:
    """The command that makes a circumstance on this machine.

    Raises
    ------
    NotInjected
        If none works.
    """
    for command in CIRCUMSTANCES[circumstance]:
        if not command:
            return command
        if shutil.which(command[0]):
            tried = subprocess.run([*command, "true"], env=variables, capture_output=True)
            if tried.returncode == 0:
                return command
    raise NotInjected(f"this machine cannot make the circumstance {circumstance!r}")


# --- one row, in a process of its own -----------------------------------------------------------


def run_row(number: int, place: Path) -> int:
    """Inject one fault. Returns 0 if everything went as expected, 1 if not, 77 if not injected."""
    try:
        FAULTS[number].inject(place)
    except NotInjected as reason:
        print(reason)
        return 77
    except Exception:
        sys.stdout.flush()
        traceback.print_exc()
        return 1
    return 0


def rows(chosen: Sequence[int]) -> list[int]:
    """Positions in the table for the numbers a person gave, all if none."""
    return [number - 1 for number in chosen] or list(range(len(FAULTS)))
