"""The course against its ancestor, taking turns in one run: time, accuracy, memory.

    python -m benchmarks.against_ancestor [--repeats 2] [--threads N]

Both sides train LeNet, a Deep Ensemble of 2 and a Packed-Ensemble of 4 for the same epochs on the
same digits and test them with out-of-distribution images. Prints what
it took and reached, and writes all measurements to ``against_ancestor-<device>.json`` beside this
file.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import tasks
from benchmarks.harness import Side, write_record

MODELS = tuple(tasks.MODELS)
SIDES = ("ancestor", "course")
COLUMNS = ("fit_seconds", "fit_cpu_seconds", "test_seconds", "test_accuracy", "ood_auroc")
FASTER, SOONER = 3.5, 10  # times; the goals on two cores of a CPU


def measure(
    repeats: int,
    epochs: int,
    threads: int | None,
    workers: tuple[int, int],
    *,
    digits: int | None = None,
) -> dict[str, Any]:
    """All raw measurements; within a repeat the sides take turns, model by model.

    Parameters
    ----------
    repeats, epochs : int
    threads : int, optional
        Of PyTorch, for both sides; by default what it chooses.
    workers : tuple of int
        Of the ancestor's loaders, in training and in evaluation.
    digits : int, optional
        How many of each set to work with, by default all.
    """
    rows: list[dict[str, Any]] = []
    with Side("ancestor", threads) as ancestor, Side("course", threads) as course:
        for side in (ancestor, course):
            facts = side.run(tasks.warm_up, digits=digits)
        for repeat in range(repeats):
            for name in MODELS:
                same = {"name": name, "seed": repeat, "epochs": epochs}
                theirs = ancestor.run(tasks.ancestor_fit_and_test, **same, workers=workers)
                ours = course.run(tasks.course_fit_and_test, **same)
                target = theirs["val_accuracy"]
                reach = course.run(tasks.course_reach, **same, target=target)
                rows.append(
                    {
                        "repeat": repeat,
                        "model": name,
                        "ancestor": theirs,
                        "course": ours,
                        "reach_seconds": reach,
                    }
                )
                print(
                    f"repeat {repeat + 1} of {repeats}, {name}: "
                    f"fit {theirs['fit_seconds']:.1f} s against {ours['fit_seconds']:.1f} s",
                    flush=True,
                )
        peak = {side.name: side.peak_memory for side in (ancestor, course)}
    return {
        **facts,
        "epochs": epochs,
        "repeats": repeats,
        "workers": list(workers),
        "rows": rows,
        "peak_memory_mb": peak,
    }


def summarise(measured: dict[str, Any]) -> dict[str, Any]:
    """Medians over the repeats, and ratios: how many times faster or sooner the course was.

    Ratios are taken within a repeat, then their median: what disturbs a repeat disturbs both sides.

    Returns
    -------
    dict
        ``models``, for each the medians, ``fit_ratio``, ``test_ratio`` and ``reach_ratio`` (None if
        a repeat never came so far); ``whole``, the seconds of each side and their ``ratio``.
    """
    models = {}
    for name in MODELS:
        rows = [row for row in measured["rows"] if row["model"] == name]
        never = any(row["reach_seconds"] is None for row in rows)
        ratios = {
            "fit_ratio": _ratio(rows, "fit_seconds"),
            "test_ratio": _ratio(rows, "test_seconds"),
            "reach_ratio": None
            if never
            else median(row["ancestor"]["fit_seconds"] / row["reach_seconds"] for row in rows),
        }
        models[name] = ratios | {
            f"{side}_{key}": median(row[side][key] for row in rows)
            for side in SIDES
            for key in COLUMNS
        }
    work = [
        {
            side: sum(
                row[side]["fit_seconds"] + row[side]["test_seconds"]
                for row in measured["rows"]
                if row["repeat"] == repeat
            )
            for side in SIDES
        }
        for repeat in range(measured["repeats"])
    ]
    whole = {side: median(one[side] for one in work) for side in SIDES}
    whole["ratio"] = median(one["ancestor"] / one["course"] for one in work)
    return {"models": models, "whole": whole}


def _ratio(rows: list[dict[str, Any]], key: str) -> float:
    return median(row["ancestor"][key] / row["course"][key] for row in rows)


def report(measured: dict[str, Any], summary: dict[str, Any]) -> str:
    """The table that is printed."""
    lines = [
        f"{measured['device']}, {measured['threads']} thread(s), {measured['epochs']} epochs, "
        f"medians of {measured['repeats']} repeat(s): ancestor, course",
        "",
        f"{'':6}{'fit, s':>18}{'of processors':>18}{'test, s':>18}{'accuracy, %':>18}"
        f"{'OOD AUROC, %':>18}",
    ]
    for name, model in summary["models"].items():
        line = f"{name:6}"
        for key in COLUMNS:
            factor = 1 if key.endswith("seconds") else 100
            line += "".join(f"{model[f'{side}_{key}'] * factor:>9.2f}" for side in SIDES)
        lines.append(line)
    whole, peak = summary["whole"], measured["peak_memory_mb"]
    lines += [
        "",
        f"Whole work: {whole['ancestor']:.1f} s against {whole['course']:.1f} s, "
        f"{whole['ratio']:.2f} times faster (goal: {FASTER}).",
        f"Peak memory: {peak['ancestor']:.0f} MB against {peak['course']:.0f} MB.",
    ]
    for name, model in summary["models"].items():
        ratio = model["reach_ratio"]
        sooner = "not reached in every repeat" if ratio is None else f"{ratio:.1f} times sooner"
        lines.append(f"The ancestor's accuracy, {name}: {sooner} (goal: {SOONER} times).")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> Path:
    """Measure, print, and write the JSON; returns its path."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, help="of PyTorch; by default what it chooses")
    parser.add_argument("--digits", type=int, help="of each set; few only show that it works")
    parser.add_argument(
        "--workers",
        type=int,
        nargs=2,
        default=(8, 4),
        metavar=("TRAINING", "EVALUATION"),
        help="of the ancestor's loaders; by default 8 and 4, as published",
    )
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent)
    given = parser.parse_args(arguments)
    start = time.perf_counter()
    workers = tuple(given.workers)
    measured = measure(given.repeats, given.epochs, given.threads, workers, digits=given.digits)
    summary = summarise(measured)
    print(f"\n{report(measured, summary)}\n\n{time.perf_counter() - start:.0f} s in all.")
    name = "".join(letter if letter.isalnum() else " " for letter in measured["device"].lower())
    path = given.folder / f"against_ancestor-{'-'.join(name.split())}.json"
    words = " ".join(sys.argv[1:] if arguments is None else arguments)
    command = f"python -m benchmarks.against_ancestor {words}".strip()
    write_record(path, command=command, summary=summary, measured=measured)
    return path


if __name__ == "__main__":
    main()
