"""How much memory the kernel of each chapter needs.

    python -m benchmarks.memory [--train 4 6] [--json benchmarks/memory.json]

Every chapter is executed with ``COURSE_SPEED=look``, and those named after ``--train`` also with
``train``. Counted is the kernel with all processes that it starts: its largest size while the
cells run, and its size after the last one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil

from benchmarks.harness import REPOSITORY, Peak, watched, write_record
from tools.learner import run as run_course

LARGEST = 1500.0  # MB: six kernels in the 10 GB that a laptop or a small hub has free
# Appended to a notebook: its kernel says how large it is.
PROBE = """\
import gc, psutil
for _ in range(3):
    gc.collect()
print(psutil.Process().memory_info().rss / 1e6)"""


def measure(chapter: Path, times: int = 1) -> dict:
    """Execute a chapter, `times` times over in one kernel.

    Returns
    -------
    dict
        ``peak``: MB at most, with the processes it starts; ``after``: MB of the kernel after each
        time; ``seconds``; ``errors``, one sentence each.
    """
    notebook = nbformat.read(chapter, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    new = nbformat.v4.new_code_cell
    notebook.cells = [
        cell
        for _ in range(times)
        for cell in [*(new(one.source, metadata=one.metadata) for one in code), new(PROBE)]
    ]
    peak, started = Peak(set(psutil.Process().children())), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, watched(peak.look):
        longest = run_course.CELL_SECONDS["train"]
        errors = run_course.execute(notebook, Path(folder), longest, lambda cell: None)
    ends = notebook.cells[len(code) :: len(code) + 1]
    sizes = ["".join(output.get("text", "") for output in cell.get("outputs", [])) for cell in ends]
    return {
        "peak": round(peak.megabytes),
        "after": [round(float(size)) for size in sizes if size.strip()],
        "seconds": round(time.monotonic() - started, 1),
        "errors": errors,
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure and write. Returns the exit status: 1 if a chapter fails or needs too much."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--train", nargs="*", type=int, default=[4, 6], metavar="CHAPTER")
    parser.add_argument("--notebooks", type=Path, default=REPOSITORY / "notebooks")
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"))
    given = parser.parse_args(arguments)
    chapters = sorted(given.notebooks.glob("[0-9]*.ipynb"))
    runs = [(chapter, "look") for chapter in chapters]
    runs += [(c, "train") for c in chapters if int(c.stem.split("_")[0]) in given.train]
    rows = []
    for chapter, speed in runs:
        os.environ["COURSE_SPEED"] = speed
        rows.append({"chapter": chapter.stem, "speed": speed, **measure(chapter)})
        print("{chapter}, {speed}: {peak} MB at most, {seconds:.0f} s".format(**rows[-1]))
        for error in rows[-1]["errors"]:
            print(f"    {error}")
    write_record(given.json, unit="MB, kernel and its processes", rows=rows)
    bad = [row["chapter"] for row in rows if row["errors"] or row["peak"] > LARGEST]
    if bad:
        print(f"Failed, or above {LARGEST:.0f} MB: {', '.join(bad)}.", file=sys.stderr)
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
