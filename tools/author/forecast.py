"""For authors: measure how long the chapters compute, for the forecasts of the doctor.

    python -m tools.author.forecast

Every chapter runs with `COURSE_SPEED=look` and `train`, on one thread. Seconds are those of the
processor, so that other work on the machine hardly counts. Needs about ten minutes; the result
lies in `course_utils/assets/forecast.json`.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported, here and in the kernels

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import torch

from course_utils.health import forecast
from tools.learner.run import execute

ROOT = Path(__file__).resolve().parents[2]
CELL_SECONDS = 900


def seconds(path: Path, speed: str) -> float:
    """Run a chapter and return the processor's seconds of its kernel."""
    os.environ["COURSE_SPEED"] = speed
    notebook = nbformat.read(path, as_version=4)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["COURSE_RUNS_DIR"] = scratch
        if errors := execute(notebook, Path(scratch), CELL_SECONDS, lambda cell: None):
            raise SystemExit(f"{path.stem}: {errors[0]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure() -> dict:
    """Return what goes into the file."""
    chapters, steps, drawings = {}, [], []
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        steps.append(forecast.step_seconds(clock=time.process_time))
        drawings.append(forecast.drawing_seconds(clock=time.process_time))
        look, train = seconds(path, "look"), seconds(path, "train")
        # what differs by less than a tenth is chance: nothing is trained in such a chapter
        training = train - look if train > 1.1 * look else 0.0
        chapters[path.stem] = {"rest": round(look, 1), "training": round(training, 1)}
        print(f"{path.stem}: {look:.1f} s, training {training:.1f} s", flush=True)
    how = (
        f"python -m tools.author.forecast, {time.strftime('%B %Y')}, torch "
        f"{torch.__version__}: seconds of one core for a step of training, for a drawing, and for "
        "each chapter without its training and for its training of three epochs"
    )
    return {
        "how": how,
        "step_seconds": round(min(steps), 5),
        "drawing_seconds": round(min(drawings), 4),
        "chapters": chapters,
    }


def main() -> int:
    """Measure and write. Returns the exit status."""
    forecast.FILE.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
