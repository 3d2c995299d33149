"""How the course's work grows: with digits, images, members and ranks; nothing worse than N log N.

    python benchmarks/growth.py [--quick] [--section computing|drawing]

Times training, prediction, scores and the risk-coverage curve, and the drawing of every figure, at
several sizes, fits the exponent of each (1 means: twice the size, twice the time), and writes
``growth.json`` and ``growth.png`` beside this file. With ``--section`` the lines of the other
section stay as they were measured before. A figure's time is from data to PNG, in CPU seconds,
and its exponent that of the steepest stretch between two sizes.
Memory is the peak of what Python and NumPy allocate for one call; for networks, whose tensors are
invisible to that, it is the growth of the process's largest size.

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

from course_utils import figures
from course_utils.images import ImageSet, load_mnist
from course_utils.metrics import scores, selective
from course_utils.metrics.predictions import Predictions
from course_utils.networks import evaluation, training
from course_utils.networks.models import LeNet

# N log N from 1e3 to 1e6 looks like N to the power of 1.10; the rest is for noise.
LARGEST_EXPONENT = 1.25
# What shows every pair of members has as many cells as there are pairs.
LARGEST_EXPONENT_OF_PAIRS = 2.25
SECTIONS = ("computing", "drawing")


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
    section : {"computing", "drawing"}
        Figures are drawn by one thread, so that their CPU time can be taken instead of the clock's:
        it does not hang on what else the machine does.
    largest_exponent : float
    """

    name: str
    size_name: str
    sizes: Sequence[int]
    prepare: Callable[[int], Callable[[], Any]]
    in_python: bool = True
    repeats: int = 7
    section: str = "computing"
    largest_exponent: float = LARGEST_EXPONENT


@cache
def _digits() -> ImageSet:
    return load_mnist("val")


def _many(size: int) -> ImageSet:
    """So many images: the 5,000 digits over and over. Only time is measured, so it is fair."""
    return _digits().subset(np.arange(size) % len(_digits()))


def _training(size: int) -> Callable[[], Any]:
    train, val = _many(size), load_mnist("val").subset(slice(0, 500))

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            torch.manual_seed(0)
            training.fit(LeNet(), train, val, name="LeNet", folder=folder, epochs=1)

    return run


def _prediction(size: int) -> Callable[[], Any]:
    model, images = LeNet().eval(), _many(size)
    return lambda: evaluation.predict(model, images)


def _prediction_by_members(size: int) -> Callable[[], Any]:
    model, images = deep_ensembles(LeNet(), num_estimators=size).eval(), _many(2000)
    return lambda: evaluation.predict(model, images)


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


# --- figures --------------------------------------------------------------------------------------


@cache
def _answers(num_images: int, num_members: int) -> Predictions:
    """Predictions that err, with everything computed that a figure finds computed."""
    generator = np.random.default_rng(0)
    labels = generator.integers(10, size=num_images)
    logits = generator.normal(size=(num_images, num_members, 10)).astype(np.float32)
    logits += 2 * generator.normal(size=(num_images, 1, 10)).astype(np.float32)  # err alike
    logits[np.arange(num_images), :, labels] += 4
    predictions = Predictions(logits, labels)
    predictions.probabilities, predictions.mean, predictions.correct  # noqa: B018
    return predictions


def _same_image(count: int) -> np.ndarray:
    """So many images in the memory of one."""
    return np.broadcast_to(_digits().images[0], (count, 28, 28))


def _ranked(size: int) -> tuple[np.ndarray, np.ndarray]:
    answers = _answers(size, 1)
    return scores.max_probability(answers), answers.correct


def _draw_training_curves(size: int) -> figures.Picture:
    log = {"step": np.arange(size), "train_loss": _ranked(size)[0]}
    return figures.training_curves({"LeNet": log}, x="step")


def _draw_risk_coverage(size: int) -> figures.Picture:
    return figures.risk_coverage_curves({"LeNet": selective.risk_coverage(*_ranked(size))})


def _draw_costs(size: int) -> figures.Picture:
    return figures.cost_curves({"LeNet": selective.cost_curve(*_ranked(size), 10, 1)})


def _draw_roc(size: int) -> figures.Picture:
    score = _ranked(size)[0]
    return figures.roc_and_precision_recall({"LeNet": (score, score + 0.1)})


def _draw_series(size: int) -> figures.Picture:
    members = np.arange(1, size + 1)
    value = 0.98 - 0.01 / members
    series = figures.MemberSeries(members, value, value - 0.002, value + 0.002)
    return figures.metric_against_members({"accuracy": series})


def _draw_choices(size: int) -> figures.Picture:
    sizes = np.repeat(np.arange(1, size + 1), 8)
    return figures.choices_of_members(sizes, 0.98 - 0.01 / sizes, percent=True)


#: Draws so many images; what takes predictions is given those of one member.
DRAWN_BY_IMAGES: dict[str, Callable[[int], figures.Picture]] = {
    "Sample grid": lambda n: figures.sample_grid(_same_image(n), _answers(n, 1).labels),
    "Gallery of mistakes": lambda n: figures.misclassified_gallery(_same_image(n), _answers(n, 1)),
    "Reliability diagram": lambda n: figures.reliability_diagram({"LeNet": _answers(n, 1)}),
    "Confusion matrix": lambda n: figures.confusion_matrix(_answers(n, 1)),
    "Agreement matrix, 4 members": lambda n: figures.agreement_matrix(_answers(n, 4)),
    "Score histograms": lambda n: figures.score_histograms(*_ranked(n), _ranked(n)[0] + 0.1),
    "ROC and precision-recall": _draw_roc,
    "Risk-coverage curve": _draw_risk_coverage,
    "Cost curve": _draw_costs,
    "Training curve": _draw_training_curves,
}

#: Draws an ensemble of so many members, on 1,000 images where it needs several.
DRAWN_BY_MEMBERS: dict[str, Callable[[int], figures.Picture]] = {
    "Gallery of mistakes": lambda m: figures.misclassified_gallery(
        _same_image(1000), _answers(1000, m)
    ),
    "Disagreement sheet": lambda m: figures.disagreement_sheet(
        _same_image(1)[0], _answers(1000, m).probabilities[0]
    ),
    "Agreement matrix": lambda m: figures.agreement_matrix(_answers(1000, m)),
    "Metric against members": _draw_series,
    "Model comparison": lambda m: figures.model_comparison(
        _same_image(1)[0], {"ensemble": _answers(1000, m).probabilities[0]}, 0
    ),
    "Choices of members": _draw_choices,
    "Packed-Ensemble costs": lambda m: figures.packed_cost_bars(m, m),
    "Packed-Ensemble diagram": lambda m: figures.packed_diagram(m, m),
}


def _drawing(draw: Callable[[int], figures.Picture]) -> Callable[[int], Callable[[], Any]]:
    return lambda size: lambda: draw(size).png()


def _drawings() -> tuple[Work, ...]:
    images, members = (1000, 30_000, 1_000_000), (2, 8, 32)
    by_images = [
        Work(name, "images", images, _drawing(draw), repeats=2, section="drawing")
        for name, draw in DRAWN_BY_IMAGES.items()
    ]
    by_members = [
        Work(
            name, "members", members, _drawing(draw), repeats=2, section="drawing",
            largest_exponent=LARGEST_EXPONENT_OF_PAIRS if "matrix" in name else LARGEST_EXPONENT,
        )
        for name, draw in DRAWN_BY_MEMBERS.items()
    ]  # fmt: skip
    return (*by_images, *by_members)


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
    *_drawings(),
)


def measure(work: Work, sizes: Sequence[int] | None = None) -> dict[str, Any]:
    """Seconds and megabytes at each size, and the fitted exponent."""
    sizes = tuple(work.sizes if sizes is None else sizes)
    seconds, megabytes = [], []
    clock = time.process_time if work.section == "drawing" else time.perf_counter
    for size in sizes:
        run = work.prepare(size)
        if work.section == "computing":
            run()  # the first call loads and allocates what later calls find
        times = []
        for _ in range(work.repeats):
            start = clock()
            run()
            times.append(clock() - start)
        seconds.append(min(times))
        if work.section == "computing" or size == max(sizes):  # counting slows drawing down much
            megabytes.append(_python_memory(run) if work.in_python else _process_memory())
    return {
        "section": work.section,
        "name": work.name,
        "size_name": work.size_name,
        "sizes": list(sizes),
        "seconds": seconds,
        "megabytes": megabytes,
        "memory": "allocated by the call" if work.in_python else "largest size of the process",
        "exponent": (exponent if work.section == "computing" else steepest)(sizes, seconds),
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


def steepest(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The largest exponent between two neighbouring sizes, at least 0.

    For figures, most of whose time does not depend on the size: a fit would take noise for growth.
    Something that grows too fast dominates at the largest sizes, and shows there.
    """
    slopes = np.diff(np.log(seconds)) / np.diff(np.log(sizes))
    return round(max(0.0, float(slopes.max())), 2)


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
    panels = list(dict.fromkeys((row["section"], row["size_name"]) for row in rows))
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(5 * columns, 6 * lines), squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (section, kind) in zip(axes.flat, panels, strict=False):
        chosen = [row for row in rows if (row["section"], row["size_name"]) == (section, kind)]
        for index, row in enumerate(chosen):
            marker = "osD^vP*X<>"[index % 10]
            label = f"{row['name']}: N$^{{{row['exponent']:.2f}}}$"
            axis.loglog(row["sizes"], row["seconds"], marker=marker, label=label)
        axis.set_title(section, loc="left")
        axis.set_xlabel(f"number of {kind}")
        axis.set_ylabel("seconds" if section == "computing" else "CPU seconds")
        # crowded labels between the powers of ten
        for side in (axis.xaxis, axis.yaxis):
            side.set_minor_formatter(NullFormatter())
        if kind != "images":
            sizes = sorted({size for row in chosen for size in row["sizes"]})
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
    parser.add_argument("--section", choices=SECTIONS, help="measure only this one")
    given = parser.parse_args(arguments)
    path = given.folder / "growth.json"
    table_now = [work for work in TABLE if given.section in (None, work.section)]
    kept = json.loads(path.read_text(encoding="utf-8"))["rows"] if given.section else []
    kept = [row for row in kept if row["section"] != given.section]
    rows = []
    for work in table_now:
        sizes = [max(2, size // 10) for size in work.sizes] if given.quick else None
        if given.quick and work.size_name == "members":
            sizes = work.sizes[:3]
        rows.append(measure(work, sizes))
        print(table(rows[-1:]).splitlines()[1], flush=True)
    print("\n" + table(rows))
    order = {section: place for place, section in enumerate(SECTIONS)}
    everything = sorted([*kept, *rows], key=lambda row: order[row["section"]])
    record = {"threads": torch.get_num_threads(), "quick": given.quick, "rows": everything}
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    picture(everything, path.with_suffix(".png"))
    # small sizes are all start-up: nothing to judge
    bad = [
        row
        for work, row in zip(table_now, rows, strict=True)
        if row["exponent"] > work.largest_exponent
    ]
    if bad and not given.quick:
        sys.exit(f"Grows faster than N log N: {', '.join(row['name'] for row in bad)}.")
    return rows


if __name__ == "__main__":
    main()
