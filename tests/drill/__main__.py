"""Meet the faults that people in a room meet, and print what they read.

    python tests/drill            all of them: a table, and a count
    python tests/drill 3 17       two of them

Each fault is injected for real, in a process of its own: servers on this machine, files, signals,
kernels, a small disk. Exit status 0 if all went as expected.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import drill

# the table, in this order
for _part in ("network", "files", "trainings", "kernels", "learners", "machines"):
    importlib.import_module(_part)

AT_ONCE = 3  # some only wait
NOT_INJECTED = 77


@dataclass(frozen=True)
class Outcome:
    """How one fault went."""

    status: int | None  # None: it hung
    words: str
    surprise: str
    seconds: float


def meet(number: int, folder: Path) -> Outcome:
    """Inject one fault in a process of its own, which ends with everything it has started."""
    fault = drill.FAULTS[number]
    place = folder / str(number + 1)
    (place / "disk").mkdir(parents=True)
    variables = drill.environment(
        COURSE_SPEED="train",
        COURSE_DATA="auto",
        COURSE_DATA_DIR=str(place / "data"),
        COURSE_RUNS_DIR=str(place / "runs"),
        DRILL_DISK=str(place / "disk"),
        HOME=str(place),
        OMP_NUM_THREADS="1",
        no_proxy="127.0.0.1",
        NO_PROXY="127.0.0.1",
    )
    for name in ("COURSE_DATA_MIRROR", "MAKEFLAGS", "PYTEST_CURRENT_TEST"):
        variables.pop(name, None)
    started = time.monotonic()
    try:
        command = drill.command_within(fault.within, variables)
    except drill.NotInjected as reason:
        return Outcome(NOT_INJECTED, str(reason), "", 0.0)
    process = subprocess.Popen(
        [*command, sys.executable, str(drill.HERE), "--row", str(number), str(place)],
        cwd=place,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        words, surprise = process.communicate(timeout=fault.seconds)
        status: int | None = process.returncode
    except subprocess.TimeoutExpired:
        status = None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if status is None:
        words, surprise = process.communicate()
    return Outcome(status, words, surprise, time.monotonic() - started)


def show(number: int, outcome: Outcome) -> None:
    """Print one row: what went wrong, what had to happen, and what a learner read."""
    fault = drill.FAULTS[number]
    said = {
        0: "as expected",
        NOT_INJECTED: "NOT INJECTED",
        None: f"HUNG for {fault.seconds:.0f} s",
    }.get(outcome.status, "SURPRISE")
    print(f"{number + 1:2}. {fault.title}")
    print(f"    Expected: {fault.expected}. {said}, {outcome.seconds:.0f} s.")
    for line in outcome.words.strip().splitlines():
        wrapped = textwrap.wrap(line, 92, subsequent_indent="  ", break_long_words=False) or [""]
        print("\n".join(f"    | {part}" for part in wrapped))
    if outcome.status not in (0, NOT_INJECTED):
        print(textwrap.indent(outcome.surprise.strip(), "    ! "))
    print(flush=True)


def main(arguments: list[str]) -> int:
    """Meet the chosen faults. Returns the exit status."""
    if arguments[:1] == ["--row"]:
        return drill.run_row(int(arguments[1]), Path(arguments[2]))
    if os.name == "nt":
        print("The drill needs the signals and limits of Linux or macOS: nothing was injected.")
        return 2
    chosen = drill.rows([int(argument) for argument in arguments])
    statuses = []
    with (
        tempfile.TemporaryDirectory(prefix="drill-") as folder,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        waiting = [pool.submit(meet, number, Path(folder)) for number in chosen]
        for number, outcome in zip(chosen, waiting, strict=True):
            show(number, outcome.result())
            statuses.append(outcome.result().status)
    as_expected, left_out = statuses.count(0), statuses.count(NOT_INJECTED)
    more = f", {left_out} not injected on this machine" if left_out else ""
    print(f"{len(chosen)} faults, {as_expected} as expected{more}.")
    return 0 if as_expected + left_out == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
