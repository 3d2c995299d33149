"""Run the heaviest widget's cell again and again, as an attendee would, and print what stays.

A process of its own: what a widget leaves is lost in what a thousand tests leave. Prints one JSON
object: `resident`, MB after each thirty of 150 runs, and `traced`, kB of Python's objects after
each ten of the next 30. The first runs of each fill caches.
"""

from __future__ import annotations

import codeop
import ctypes
import gc
import json
import sys
import tracemalloc

import matplotlib.text
import psutil  # comes with ipykernel
from IPython.core.interactiveshell import InteractiveShell
from widget_examples import BUILD
from widget_helpers import make_images, make_predictions

CELL = "made = build(predictions, images)\nmade"


def run(shell: InteractiveShell, times: int) -> None:
    for _ in range(times):
        shell.run_cell(CELL, store_history=True).raise_error()
    # a closed widget stays in `Out`, some 20 kB of traits
    shell.displayhook.flush()
    # IPython 9 keeps the words and pictures of all outputs besides, 0.1 MB for each run;
    # Matplotlib before 3.11 the sizes of its last 4,096 texts
    getattr(shell.history_manager, "outputs", {}).clear()
    if cache := getattr(matplotlib.text, "_get_text_metrics_with_cache_impl", None):
        cache.cache_clear()
    gc.collect()


def resident() -> float:
    """MB in use. Freed memory that the C library keeps for later is no leak: glibc lets it go."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
    return psutil.Process().memory_info().rss / 1e6


def traced() -> float:
    """kB of Python's objects, but for the names that the compiler keeps of each cell."""
    snapshot = tracemalloc.take_snapshot()
    kept = snapshot.filter_traces([tracemalloc.Filter(False, codeop.__file__)])
    return sum(trace.size for trace in kept.traces) / 1e3


def main() -> None:
    shell = InteractiveShell.instance()
    shell.push(
        {
            "build": BUILD["abstention_desk"],
            "predictions": make_predictions(60),
            "images": make_images(60),
        }
    )
    grown: dict[str, list[float]] = {"resident": [], "traced": []}
    for _ in range(5):
        run(shell, 30)
        grown["resident"].append(resident())
    tracemalloc.start()
    for _ in range(3):
        run(shell, 10)
        grown["traced"].append(traced())
    print(json.dumps(grown))


if __name__ == "__main__":
    main()
