"""The course against its ancestor, taking turns in one run: time, accuracy, memory.

    python benchmarks/against_ancestor.py [--repeats 2] [--threads N]

Both sides train LeNet, a Deep Ensemble of 2 and a Packed-Ensemble of 4 for the same epochs on the
same digits and test them with out-of-distribution images. Prints ratios against the goals, and
writes all measurements to ``against_ancestor-<device>.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tasks
from processes import Side

from course_utils._support import settings
from course_utils.images import ImagesError, load_fashion_mnist, load_mnist

MODELS = tuple(tasks.MODELS)
# What the course wants to reach on two cores of a CPU: (comparison, bound).
GOALS = {
    "whole work, times faster": (">=", 3.5),
    "sooner to the ancestor's accuracy, times": (">=", 10.0),
    "loader's share of a LeNet epoch": ("<=", 0.10),
    "fit over its pure computation": ("<=", 1.15),
    "DE-2 step in LeNet steps": ("<=", 2.0),
    "PE-4 step in LeNet steps": ("<=", 1.5),
}


def measure(
    repeats: int,
    epochs: int,
    threads: int | None,
    training_workers: int,
    evaluation_workers: int,
    *,
    every: int = 5,
    steps: int = 60,
) -> dict[str, Any]:
    """All raw measurements; within a repeat the sides take turns, model by model.

    Parameters
    ----------
    repeats, epochs : int
    threads : int, optional
        Of PyTorch, for both sides; by default what it chooses.
    training_workers, evaluation_workers : int
        Of the ancestor's loaders.
    every : int
        Steps between two looks at validation when timing the way to an accuracy.
    steps : int
        Of each network for the ratio of their steps, in each repeat.
    """
    rows: list[dict[str, Any]] = []
    with (
        Side("ancestor", threads) as ancestor,
        Side("course", threads) as course,
        Side("pure computation", threads) as pure,
    ):
        facts = ancestor.run(tasks.warm_up)
        for side in (course, pure):
            side.run(tasks.warm_up)
        memory_before = {side.name: side.peak_memory for side in (ancestor, course)}
        for repeat in range(repeats):
            for name in MODELS:
                seed = {"name": name, "seed": repeat}
                theirs = ancestor.run(
                    tasks.ancestor_fit_and_test,
                    **seed,
                    epochs=epochs,
                    training_workers=training_workers,
                    evaluation_workers=evaluation_workers,
                )
                ours = course.run(tasks.course_fit_and_test, **seed, epochs=epochs)
                part = -(-ours["num_steps"] // epochs)
                pure_seconds, pure_cpu = pure.run(tasks.floor, **seed, steps=part)
                reach = course.run(
                    tasks.course_reach,
                    **seed,
                    epochs=epochs,
                    target=theirs["val_accuracy"],
                    every=every,
                )
                row = {
                    "repeat": repeat,
                    "model": name,
                    "ancestor": theirs,
                    "course": ours,
                    "floor_seconds": pure_seconds * ours["num_steps"] / part,
                    "floor_cpu_seconds": pure_cpu * ours["num_steps"] / part,
                    "reach": reach,
                }
                rows.append(row)
                print(
                    f"repeat {repeat + 1} of {repeats}, {name}: "
                    f"fit {theirs['fit_seconds']:.1f} s against {ours['fit_seconds']:.1f} s",
                    flush=True,
                )
            rows.append(
                {
                    "repeat": repeat,
                    "loader_epoch_seconds": course.run(tasks.loader_epoch, seed=repeat),
                    "step_seconds": pure.run(tasks.alternating_steps, seed=repeat, steps=steps),
                }
            )
        peak = {side.name: side.peak_memory for side in (ancestor, course)}
    return {
        **facts,
        "epochs": epochs,
        "repeats": repeats,
        "workers": [training_workers, evaluation_workers],
        "rows": rows,
        "memory_before_mb": memory_before,
        "peak_memory_mb": peak,
    }


def summarise(measured: dict[str, Any]) -> dict[str, Any]:
    """Medians over the repeats, and the ratios for which there are goals.

    Ratios are taken within a repeat, then their median: what disturbs a repeat disturbs both sides.

    Returns
    -------
    dict
        ``models`` (for each the medians and ratios), ``whole`` and ``goals``: a list of name,
        value, bound and whether it was reached (None where it could not be measured).
    """
    fits = [row for row in measured["rows"] if "model" in row]
    others = [row for row in measured["rows"] if "model" not in row]
    models = {}
    for name in MODELS:
        rows = [row for row in fits if row["model"] == name]
        medians = {
            f"{side}_{key}": statistics.median(row[side][key] for row in rows)
            for side in ("ancestor", "course")
            for key in (
                "fit_seconds",
                "fit_cpu_seconds",
                "test_seconds",
                "val_accuracy",
                "test_accuracy",
                "ood_auroc",
            )
        }  # fmt: skip
        reached = [row for row in rows if row["reach"]["seconds"] is not None]
        complete = len(reached) == len(rows)
        models[name] = medians | {
            "fit_ratio": _median_ratio(rows, "fit_seconds"),
            "test_ratio": _median_ratio(rows, "test_seconds"),
            "over_floor": statistics.median(
                row["course"]["fit_seconds"] / row["floor_seconds"] for row in rows
            ),
            "cpu_over_floor": statistics.median(
                row["course"]["fit_cpu_seconds"] / row["floor_cpu_seconds"] for row in rows
            ),
            "cpu_fit_ratio": _median_ratio(rows, "fit_cpu_seconds"),
            "reach_seconds": (
                statistics.median(row["reach"]["seconds"] for row in rows) if complete else None
            ),
            "reach_ratio": (
                statistics.median(
                    row["ancestor"]["fit_seconds"] / row["reach"]["seconds"] for row in rows
                )
                if complete
                else None
            ),
        }
    totals = []
    for repeat in range(measured["repeats"]):
        rows = [row for row in fits if row["repeat"] == repeat]
        totals.append({side: sum(_work(row[side]) for row in rows) for side in _SIDES})
    whole = {side: statistics.median(total[side] for total in totals) for side in _SIDES}
    whole["ratio"] = statistics.median(total["ancestor"] / total["course"] for total in totals)

    loader = statistics.median(row["loader_epoch_seconds"] for row in others)
    epoch = models["LeNet"]["course_fit_seconds"] / measured["epochs"]
    step = {
        name: statistics.median(second for row in others for second in row["step_seconds"][name])
        for name in MODELS
    }
    values = [("whole work, times faster", "", whole["ratio"])]
    for name in MODELS:
        values.append(
            ("sooner to the ancestor's accuracy, times", name, models[name]["reach_ratio"])
        )
    values.append(("loader's share of a LeNet epoch", "", loader / epoch))
    for name in MODELS:
        values.append(("fit over its pure computation", name, models[name]["over_floor"]))
    for name in ("DE-2", "PE-4"):
        values.append((f"{name} step in LeNet steps", "", step[name] / step["LeNet"]))
    goals = []
    for goal, name, value in values:
        comparison, bound = GOALS[goal]
        reached = None
        if value is not None:
            reached = value >= bound if comparison == ">=" else value <= bound
        title = f"{goal} ({name})" if name else goal
        goals.append(
            {"goal": title, "value": value, "bound": f"{comparison} {bound}", "reached": reached}
        )
    return {"models": models, "whole": whole, "step_seconds": step, "goals": goals}


_SIDES = ("ancestor", "course")


def _work(side: dict[str, float]) -> float:
    return side["fit_seconds"] + side["test_seconds"]


def _median_ratio(rows: list[dict[str, Any]], key: str) -> float:
    return statistics.median(row["ancestor"][key] / row["course"][key] for row in rows)


def report(measured: dict[str, Any], summary: dict[str, Any]) -> str:
    """The table that is printed."""
    lines = [
        f"{measured['device']}, {measured['threads']} thread(s), {measured['source']} data, "
        f"{measured['epochs']} epochs, medians of {measured['repeats']} repeat(s)",
        "",
        f"{'':6}{'fit, s':>22}{'test, s':>22}{'test accuracy, %':>22}{'OOD AUROC, %':>20}",
        f"{'':6}" + f"{'ancestor':>11}{'course':>11}" * 3 + f"{'ancestor':>10}{'course':>10}",
    ]
    for name, model in summary["models"].items():
        line = f"{name:6}"
        for key, factor, width in (
            ("fit_seconds", 1, 11),
            ("test_seconds", 1, 11),
            ("test_accuracy", 100, 11),
            ("ood_auroc", 100, 10),
        ):
            line += "".join(f"{model[f'{side}_{key}'] * factor:>{width}.2f}" for side in _SIDES)
        lines.append(line)
    whole, peak, before = summary["whole"], measured["peak_memory_mb"], measured["memory_before_mb"]
    lines += [
        "",
        f"Whole work: {whole['ancestor']:.1f} s against {whole['course']:.1f} s.",
        "Peak memory with all processes: "
        f"{peak['ancestor']:.0f} MB against {peak['course']:.0f} MB "
        f"(of these libraries and images: {before['ancestor']:.0f} and {before['course']:.0f}).",
        "",
    ]
    for name, model in summary["models"].items():
        seconds = model["reach_seconds"]
        way = "not in the same epochs" if seconds is None else f"in {seconds:.1f} s"
        lines.append(
            f"{name}: the ancestor ends at {model['ancestor_val_accuracy']:.1%} of the validation "
            f"digits after {model['ancestor_fit_seconds']:.1f} s; the course passes that {way}."
        )
    lines += [
        "",
        "Seconds of processors, which other work on this machine hardly changes:",
        *(
            f"{name:6}fit {model['ancestor_fit_cpu_seconds']:.1f} against "
            f"{model['course_fit_cpu_seconds']:.1f}, "
            f"{model['cpu_over_floor']:.3f} times pure computation"
            for name, model in summary["models"].items()
        ),
        "",
    ]
    words = {True: "reached", False: "MISSED", None: "not measured"}
    for goal in summary["goals"]:
        value = "-" if goal["value"] is None else f"{goal['value']:.3f}"
        lines.append(
            f"{goal['goal']:52}{value:>9}   goal {goal['bound']:8} {words[goal['reached']]}"
        )
    if measured["source"] != "full":
        lines += ["", "The goals are for the full data set; this was the sample."]
    return "\n".join(lines)


def result_path(device: str, folder: Path) -> Path:
    """``against_ancestor-cpu.json``, ``against_ancestor-nvidia-h100.json`` …"""
    words = "".join(letter if letter.isalnum() else " " for letter in device.lower()).split()
    return folder / f"against_ancestor-{'-'.join(words)}.json"


def main(arguments: list[str] | None = None) -> Path:
    """Measure, print, and write the JSON; returns its path."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, help="of PyTorch; by default what it chooses")
    parser.add_argument(
        "--workers",
        type=int,
        nargs=2,
        default=(8, 4),
        metavar=("TRAINING", "EVALUATION"),
        help="of the ancestor's loaders; by default 8 and 4, as published",
    )
    parser.add_argument(
        "--sample", action="store_true", help="on the bundled sample, to see that it works"
    )
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent)
    given = parser.parse_args(arguments)
    if given.repeats < 1 or given.epochs < 1:
        parser.error("--repeats and --epochs must be at least 1.")
    if given.sample:
        os.environ["COURSE_DATA"] = "sample"
    elif settings.data_mode() == "sample":
        parser.error("COURSE_DATA=sample: the benchmark needs the full data, or --sample.")
    else:
        os.environ["COURSE_DATA"] = "full"  # inherited by the processes
        try:
            load_mnist("val")
            load_fashion_mnist("train")
        except ImagesError as error:
            sys.exit(
                f"The benchmark needs all of MNIST and Fashion-MNIST: {error}\n"
                "Or see that it works on the bundled sample: --sample."
            )
    start = time.perf_counter()
    measured = measure(given.repeats, given.epochs, given.threads, *given.workers)
    summary = summarise(measured)
    print(f"\n{report(measured, summary)}\n\n{time.perf_counter() - start:.0f} s in all.")
    record = {
        "command": "python benchmarks/against_ancestor.py "
        + " ".join(sys.argv[1:] if arguments is None else arguments),
        "summary": summary,
        "measured": measured,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {
            package: version(package).split("+")[0]
            for package in ("torch", "torchvision", "torch-uncertainty", "lightning")
        },
    }
    path = result_path(measured["device"], given.folder)
    if given.sample:
        path = path.with_name(path.name.replace(".json", "-sample.json"))
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
