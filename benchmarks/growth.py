"""How the course's work grows: with digits, images, members and ranks; nothing worse than N log N.

    python benchmarks/growth.py [--quick]

Times training, prediction, scores and the risk-coverage curve at several sizes, fits the exponent
of each (1 means: twice the size, twice the time), and writes ``growth.json`` and ``growth.png``
beside this file. Memory is the peak of what Python and NumPy allocate for one call; for networks,
whose tensors are invisible to that, it is the growth of the process's largest size.

To add a measurement: write a function from a size to what shall be timed, and name it in `TABLE`.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.ticker import NullFormatter
from torch_uncertainty.methods import deep_ensembles

from course_utils import data, scores, selective, training
from course_utils.data import ImageSet
from course_utils.models import LeNet
from course_utils.predictions import Predictions

# N log N from 1e3 to 1e6 looks like N to the power of 1.10; the rest is for noise.
LARGEST_EXPONENT = 1.25


@dataclass(frozen=True)
class Work:
    """One line of the table.

    Attributes
    ----------
    name, size_name : str
        What is done, and to how many of what.
    sizes : sequence of int
    prepare : callable
        ``prepare(size)`` returns a function without arguments; only that function is timed.
    in_python : bool
        Whether memory is counted by tracemalloc (NumPy and Python) or by the process.
    repeats : int
        The fastest counts: everything else is the machine's other work.
    """

    name: str
    size_name: str
    sizes: Sequence[int]
    prepare: Callable[[int], Callable[[], Any]]
    in_python: bool = True
    repeats: int = 7


@cache
def _digits() -> ImageSet:
    return data.load_validation_digits()


def _many(size: int) -> ImageSet:
    """So many images: the 5,000 digits over and over. Only time is measured, so it is fair."""
    return _digits().subset(np.arange(size) % len(_digits()))


def _training(size: int) -> Callable[[], Any]:
    train, val = _many(size), data.load_mnist("val").subset(slice(0, 500))

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            torch.manual_seed(0)
            training.fit(LeNet(), train, val, name="LeNet", folder=folder, epochs=1)

    return run


def _prediction(size: int) -> Callable[[], Any]:
    model, images = LeNet().eval(), _many(size)
    return lambda: training.predict(model, images)


def _prediction_by_members(size: int) -> Callable[[], Any]:
    model, images = deep_ensembles(LeNet(), num_estimators=size).eval(), _many(2000)
    return lambda: training.predict(model, images)


def _predictions(num_images: int, num_members: int) -> Predictions:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(num_images, num_members, 10)).astype(np.float32)
    return Predictions(logits, generator.integers(10, size=num_images))


def _score(size: int) -> Callable[[], Any]:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(size, 4, 10)).astype(np.float32)
    labels = generator.integers(10, size=size)
    # built inside: probabilities are computed once and kept
    return lambda: scores.mutual_information(Predictions(logits, labels))


def _score_by_members(size: int) -> Callable[[], Any]:
    logits = _predictions(5000, size).logits
    return lambda: scores.mutual_information(Predictions(logits))


def _risk_coverage(size: int) -> Callable[[], Any]:
    generator = np.random.default_rng(0)
    uncertainty = generator.random(size)
    correct = generator.random(size) > uncertainty / 4
    return lambda: selective.risk_coverage(uncertainty, correct).aurc


def _risk_coverage_with_ties(size: int) -> Callable[[], Any]:
    generator = np.random.default_rng(0)
    uncertainty = generator.integers(0, 50, size) / 50
    correct = generator.random(size) > uncertainty / 4
    return lambda: selective.risk_coverage(uncertainty, correct).aurc


TABLE = (
    Work("Train LeNet, one epoch", "digits", (2560, 5120, 10240, 20480), _training, False, 3),
    Work("Predict, LeNet", "images", (1000, 3000, 10_000, 30_000), _prediction, False),
    Work("Predict, 2,000 images", "members", (2, 4, 8, 16), _prediction_by_members, False),
    Work("Mutual information, 4 members", "images", (1000, 10_000, 100_000), _score),
    Work("Mutual information, 5,000 images", "members", (2, 4, 8, 16, 32), _score_by_members),
    Work("Risk-coverage", "images", (1000, 10_000, 100_000, 1_000_000), _risk_coverage),
    Work(
        "Risk-coverage, 50 distinct scores",
        "images",
        (1000, 10_000, 100_000, 1_000_000),
        _risk_coverage_with_ties,
    ),
)


def measure(work: Work, sizes: Sequence[int] | None = None) -> dict[str, Any]:
    """Seconds and megabytes at each size, and the fitted exponent."""
    sizes = tuple(work.sizes if sizes is None else sizes)
    seconds, megabytes = [], []
    for size in sizes:
        run = work.prepare(size)
        run()  # the first call loads and allocates what later calls find
        times = []
        for _ in range(work.repeats):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        seconds.append(min(times))
        megabytes.append(_python_memory(run) if work.in_python else _process_memory())
    return {
        "name": work.name,
        "size_name": work.size_name,
        "sizes": list(sizes),
        "seconds": seconds,
        "megabytes": megabytes,
        "memory": "allocated by the call" if work.in_python else "largest size of the process",
        "exponent": exponent(sizes, seconds),
    }


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The p of seconds = a + b * size**p, the constant a (starting up) being fitted too.

    For each p on a fine grid, a and b at least 0 are the best by least squares of relative errors.
    """
    size, time_taken = np.asarray(sizes, float) / max(sizes), np.asarray(seconds, float)
    if len(size) < 3:
        raise ValueError(f"A growth needs at least 3 sizes, got {len(size)}.")
    best = (np.inf, np.nan)
    for power in np.arange(0.2, 3.001, 0.01):
        columns = np.stack([np.ones_like(size), size**power], axis=1) / time_taken[:, None]
        start, slope = np.linalg.lstsq(columns, np.ones_like(size), rcond=None)[0]
        if start < 0:
            start = 0.0
            slope = columns[:, 1].sum() / (columns[:, 1] ** 2).sum()
        error = float(((columns @ [start, slope] - 1) ** 2).sum())
        if error < best[0] - 1e-12:
            best = (error, float(power))
    return round(best[1], 2)


def _python_memory(run: Callable[[], Any]) -> float:
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def _process_memory() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [f"{'':36}{'':10}{'from':>10}{'to':>12}{'time grows as':>16}{'MB at most':>12}"]
    for row in rows:
        small, large = (f"{value:.3g} s" for value in (row["seconds"][0], row["seconds"][-1]))
        lines.append(
            f"{row['name']:36}{row['size_name']:10}{row['sizes'][0]:>10,}{row['sizes'][-1]:>12,}"
            f"{'N^' + format(row['exponent'], '.2f'):>16}{max(row['megabytes']):>12.0f}"
            f"   {small} to {large}"
        )
    return "\n".join(lines)


def picture(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Seconds against size, both logarithmic: straight lines of slope 1 grow in proportion."""
    kinds = sorted({row["size_name"] for row in rows})
    figure, axes = plt.subplots(1, len(kinds), figsize=(5 * len(kinds), 5), squeeze=False)
    for axis, kind in zip(axes[0], kinds, strict=True):
        for index, row in enumerate(row for row in rows if row["size_name"] == kind):
            marker = "osD^vP*X"[index % 8]
            label = f"{row['name']}: N$^{{{row['exponent']:.2f}}}$"
            axis.loglog(row["sizes"], row["seconds"], marker=marker, label=label)
        axis.set_xlabel(f"number of {kind}")
        axis.set_ylabel("seconds")
        # crowded labels between the powers of ten
        for side in (axis.xaxis, axis.yaxis):
            side.set_minor_formatter(NullFormatter())
        if kind != "images":
            sizes = sorted({size for r in rows if r["size_name"] == kind for size in r["sizes"]})
            axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axis.legend(fontsize=10, loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Measure the whole table; ends with an error if something grows too fast."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent)
    given = parser.parse_args(arguments)
    rows = []
    for work in TABLE:
        sizes = [max(2, size // 10) for size in work.sizes] if given.quick else None
        if given.quick and work.size_name == "members":
            sizes = work.sizes[:3]
        rows.append(measure(work, sizes))
        print(table(rows[-1:]).splitlines()[1], flush=True)
    print("\n" + table(rows))
    record = {"threads": torch.get_num_threads(), "quick": given.quick, "rows": rows}
    path = given.folder / "growth.json"
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    picture(rows, path.with_suffix(".png"))
    # small sizes are all start-up: nothing to judge
    if not given.quick and (bad := [r for r in rows if r["exponent"] > LARGEST_EXPONENT]):
        sys.exit(f"Grows faster than N log N: {', '.join(row['name'] for row in bad)}.")
    return rows


if __name__ == "__main__":
    main()
