"""Measure every number that the course's texts use, and write the results ledger.

    python tools/author/results.py

Evaluates all networks of the zoo that are there on the 10,000 test digits and the 10,000 test
images of Fashion-MNIST, measures what chapters 5 and 6 claim (``result_lessons.py``), adds what
``benchmarks/three_epochs.py`` and ``benchmarks/*.entries.json`` hold, judges the claims of
``result_claims.py``, and stores ``course_utils/assets/results.json``.
What is missing is named and left out, so the command can run before the zoo is complete.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from course_utils._support.atomic import write_whole
from course_utils.images import ImageSet, load_fashion_mnist, load_mnist
from course_utils.metrics import ledger, scores, selective
from course_utils.metrics.calibration import expected_calibration_error
from course_utils.metrics.classification import brier_terms, log_loss_terms
from course_utils.metrics.detection import auroc, ood_detection
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.resampling import (
    Resamples,
    percentile_interval,
    ranking_draws,
    reflected_interval,
)
from course_utils.networks import evaluation, training, zoo
from course_utils.networks.registry import NETWORKS
from tools.author import result_lessons
from tools.author.result_claims import (
    ToJudge,
    claims_to_judge,
    difference_on_images,
    stored_claim,
    t_half_width,
)

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
NUM_RESAMPLES = 1000
MINIMUM_SEEDS = 5
PERCENT = 100  # shares are kept in percent
PACKAGES = ("torch", "torch-uncertainty", "torchmetrics", "scikit-learn", "numpy")
# of their members, every choice is evaluated
WITH_SUBSETS = ("deep-ensemble-8", "modest-deep-ensemble-8")
LIVE_NAMES = {"LeNet": "live-lenet", "DE-2": "live-deep-ensemble-2", "PE-4": "live-packed-4"}
# networks that differ in their seed only -> name of what they have in common
SEEDS = {"lenet": "lenet-", "packed-4": "packed-4-", "modest-lenet": "modest-lenet-"}


class Results:
    """Entries of the ledger in the making, with the bootstrap draws that claims need."""

    def __init__(self, test: ImageSet, foreign: ImageSet) -> None:
        self.test, self.foreign = test, foreign
        self.entries: dict[str, list] = {}
        self.values: dict[str, float] = {}
        self.draws: dict[str, NDArray] = {}
        self.sources: dict[str, dict] = {}
        self.weights: dict[str, dict[str, str]] = {}
        self.test_draws = Resamples(len(test), NUM_RESAMPLES, seed=0)
        self.foreign_draws = Resamples(len(foreign), NUM_RESAMPLES, seed=1)

    def add(self, key, number, low, high, interval, unit, n, source) -> None:
        """One entry, rounded to six digits."""
        self.values[key] = float(number)
        ends = [None if end is None else _short(end) for end in (low, high)]
        self.entries[key] = [_short(number), *ends, interval, unit, n, source]

    def add_drawn(self, key, estimate, draws, unit, n, *, kind="images", scale=1) -> None:
        """One entry with its bootstrap interval; the draws are kept for differences."""
        estimate, draws = estimate * scale, draws * scale
        make = reflected_interval if kind == "images-reflected" else percentile_interval
        interval = make(estimate, draws)
        self.draws[key] = draws
        low, high = interval.low, interval.high
        if kind == "images-reflected":
            # where noise is all there is, reflection may lead below 0
            low = max(low, 0.0)
        # nor do percentiles of a measure with a fold in it, such as a distance, always hold it
        low, high = min(low, estimate), max(high, estimate)
        self.add(key, estimate, low, high, kind, unit, n, "evaluation")


def measure_model(results: Results, name: str, on_test: Predictions, on_foreign: Predictions):
    """Everything about one network on the test digits and on the images of clothes."""
    n = len(on_test)
    correct = on_test.correct
    draws = results.test_draws
    per_image = terms(on_test)
    means = draws.means(np.stack(list(per_image.values()), axis=1))
    for (measure, values), drawn in zip(per_image.items(), means.T, strict=True):
        unit, scale = {"accuracy": ("%", PERCENT), "nll": ("nats", 1), "brier": ("", 1)}[measure]
        key = f"{name}.test.{measure}"
        results.add_drawn(key, values.mean(), drawn, unit, n, scale=scale)
    confidence = on_test.mean.max(axis=1)
    results.add_drawn(
        f"{name}.test.ece",
        expected_calibration_error(on_test),
        draws.calibration_error(confidence, correct),
        "%",
        n,
        kind="images-reflected",
        scale=PERCENT,
    )
    add_selective(results, name, scores.max_probability(on_test), correct)
    for score in scores.available(on_test).values():
        slug = score.key
        known, foreign = score(on_test), score(on_foreign)
        if score.name != scores.DEFAULT_SCORE:
            curve, drawn = (
                selective.risk_coverage(known, correct),
                draws.risk_coverage(known, correct),
            )
            for measure in ("aurc", "augrc"):
                key = f"{name}.test.{slug}.{measure}"
                results.add_drawn(
                    key, getattr(curve, measure), drawn[measure], "%", n, scale=PERCENT
                )
        found = ood_detection(known, foreign)
        drawn = ranking_draws(known, foreign, draws, results.foreign_draws)
        for measure in ("auroc", "aupr", "fpr95"):
            results.add_drawn(
                f"{name}.ood.{slug}.{measure}",
                getattr(found, measure),
                drawn[measure],
                "%",
                n + len(on_foreign),
                scale=PERCENT,
            )


def terms(predictions: Predictions) -> dict[str, NDArray[np.float64]]:
    """What each image adds to accuracy, NLL and Brier score (summed over classes, 0 to 2)."""
    return {
        "accuracy": predictions.correct.astype(np.float64),
        "nll": log_loss_terms(predictions.mean, predictions.labels),
        "brier": brier_terms(predictions.mean, predictions.labels),
    }


def add_selective(results: Results, name: str, uncertainty: NDArray, correct: NDArray) -> None:
    """Areas and operating points of the maximum probability."""
    n, draws = len(correct), results.test_draws
    curve, drawn = (
        selective.risk_coverage(uncertainty, correct),
        draws.risk_coverage(uncertainty, correct),
    )
    for measure in ("aurc", "augrc"):
        key = f"{name}.test.{measure}"
        results.add_drawn(key, getattr(curve, measure), drawn[measure], "%", n, scale=PERCENT)
    for risk, words in ((0.05, "5-percent"), (0.01, "1-percent"), (0.001, "1-permille")):
        results.add_drawn(
            f"{name}.test.coverage-at-{words}-risk",
            curve.coverage_at_risk(risk),
            draws.coverage_at_risk(uncertainty, correct, risk),
            "%",
            n,
            scale=PERCENT,
        )
    key = f"{name}.test.risk-at-80-percent-coverage"
    risk = curve.risk_at_coverage(0.8)
    results.add_drawn(
        key, risk, draws.risk_at_coverage(uncertainty, correct, 0.8), "%", n, scale=PERCENT
    )
    if risk == 0:
        # no error to draw: without this the interval would be 0 to 0
        answered = int(curve.num_answered[np.searchsorted(curve.coverage, 0.8)])
        high = PERCENT * (1 - 0.025 ** (1 / answered))
        results.add(key, 0.0, 0.0, high, "binomial", "%", answered, "evaluation")


def measure_subsets(results: Results, name: str, on_test: Predictions, on_foreign: Predictions):
    """Ensembles of 1 to M of the members: mean over all choices, and their range."""
    for count in range(1, on_test.num_members + 1):
        choices = list(itertools.combinations(range(on_test.num_members), count))
        values: dict[str, list[float]] = {}
        sums: dict[str, NDArray] = {}
        for choice in choices:
            test, foreign = on_test.subset(choice), on_foreign.subset(choice)
            for measure, of_images in terms(test).items():
                sums[measure] = sums.get(measure, 0) + of_images
                values.setdefault(f"test.{measure}", []).append(of_images.mean())
            known, unknown = scores.max_probability(test), scores.max_probability(foreign)
            curve = selective.risk_coverage(known, test.correct)
            more = {
                "test.ece": expected_calibration_error(test),
                "test.coverage-at-1-permille-risk": curve.coverage_at_risk(0.001),
                "ood.max-probability.auroc": auroc(known, unknown),
            }
            for measure, value in more.items():
                values.setdefault(measure, []).append(value)
        for measure, found in values.items():
            unit = {"test.nll": "nats", "test.brier": ""}.get(measure, "%")
            scaled = np.array(found) * (PERCENT if unit == "%" else 1)
            results.add(
                f"{name}.members-{count}.{measure}",
                scaled.mean(),
                scaled.min(),
                scaled.max(),
                "subsets",
                unit,
                len(choices),
                "evaluation",
            )
        for measure, total in sums.items():
            scale = PERCENT if measure == "accuracy" else 1
            key = f"{name}.members-{count}.test.{measure}"
            results.draws[key] = results.test_draws.means(total / len(choices)) * scale


def add_seeds(results: Results) -> None:
    """Mean and range over networks that differ in their seed only."""
    for family, start in SEEDS.items():
        measured = [name for name in results.weights if name.removeprefix(start).isdigit()]
        if len(measured) < MINIMUM_SEEDS:
            print(f"{family}: {len(measured)} seeds, {MINIMUM_SEEDS} are needed for a mean.")
            continue
        for key in [key for key in results.entries if key.startswith(f"{measured[0]}.")]:
            measure = key.removeprefix(f"{measured[0]}.")
            unit, source = results.entries[key][4], results.entries[key][6]
            found = [results.values[f"{name}.{measure}"] for name in measured]
            row = (statistics.fmean(found), min(found), max(found), "seeds", unit, len(found))
            if measure in ("parameters", "flops"):
                row = (results.entries[key][0], None, None, "exact", unit, None)
            results.add(f"{family}.seeds.{measure}", *row, source)


def add_costs(results: Results, name: str) -> None:
    """Parameters, floating-point operations of one image, and seconds of training."""
    model, facts = zoo.load(name), zoo.facts(name)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    results.add(f"{name}.parameters", parameters, None, None, "exact", "", None, "evaluation")
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(torch.zeros(1, 1, 28, 28))
    flops = counter.get_total_flops()
    results.add(f"{name}.flops", flops, None, None, "exact", "", None, "evaluation")
    parts = [zoo.facts(member) for member in facts.get("members", [name])]
    seconds = sum(part["seconds"] for part in parts)
    source = f"training, {parts[0]['device']}"
    hashes = {images: known for images, known in ledger.KNOWN_DATA.items() if known in
              {part["data_hash"] for part in parts}}  # fmt: skip
    results.sources.setdefault(
        source,
        {
            "device": parts[0]["device"],
            "versions": parts[0]["versions"],
            "data": {},
            "command": "make zoo",
        },
    )["data"].update(hashes)
    results.add(f"{name}.train.seconds", seconds, None, None, "single", "s", None, source)
    results.weights[name] = {part["name"]: part["sha256"] for part in parts}


def other_recipe(name: str) -> str:
    """Where the training of a stored network departs from its recipe; empty where it does not.

    The zoo may hold a short first version under a name: it must not be reported as the real one.
    """
    if name not in NETWORKS:
        return ""
    facts, recipe = zoo.facts(name), asdict(NETWORKS[name].recipe)
    return ", ".join(
        f"{part} {facts.get(part, 'unknown')} instead of {wanted}"
        for part, wanted in recipe.items()
        if facts.get(part) != wanted
    )


def predictions_of_zoo(*image_sets: ImageSet) -> Iterator[tuple[str, list[Predictions]]]:
    """Each complete network of the zoo with its predictions; every stored one runs once."""
    known: dict[str, list[Predictions]] = {}
    for name in zoo.names():
        members = zoo.facts(name).get("members")
        try:
            if members is None:
                if other := other_recipe(name):
                    print(f"{name}: left out, trained with {other}; make zoo trains it again.")
                    continue
                model = zoo.load(name)
                torch.manual_seed(0)  # MC-dropout draws its masks
                known[name] = [evaluation.predict(model, images) for images in image_sets]
            else:
                parts = [known[member] for member in members]
                known[name] = [
                    Predictions.combine(of_images) for of_images in zip(*parts, strict=True)
                ]
        except (zoo.ZooError, KeyError) as error:
            print(f"{name}: left out, {error}", flush=True)
            continue
        # fresh objects: what is derived from them would otherwise stay in memory
        yield name, [Predictions(found.logits, found.labels) for found in known[name]]


def add_live(results: Results, path: Path) -> dict[str, dict]:
    """What the lessons' three epochs reach, over paired seeds; returns the claims' differences."""
    if not path.exists():
        print(f"{path.name} is not there: run benchmarks/three_epochs.py --seeds {MINIMUM_SEEDS}.")
        return {}
    record = json.loads(path.read_text(encoding="utf-8"))
    by_model = {
        name: {row["seed"]: row for row in record["rows"] if row["model"] == name}
        for name in LIVE_NAMES
    }
    seeds = sorted(set.intersection(*(set(rows) for rows in by_model.values())))
    if any(row["source"] != "full" for row in record["rows"]) or len(seeds) < MINIMUM_SEEDS:
        print(
            f"{path.name}: {len(seeds)} paired seeds, left out: at least {MINIMUM_SEEDS} on the"
            f" full data are needed (benchmarks/three_epochs.py --seeds {MINIMUM_SEEDS})."
        )
        return {}
    results.sources["live"] = {
        "device": record["rows"][0]["device"],
        "versions": record["versions"],
        "data": {name: ledger.KNOWN_DATA[name] for name in ("MNIST train", "MNIST test")},
        "command": f"python benchmarks/three_epochs.py --seeds {len(seeds)}",
    }
    accuracies = {}
    for name, rows in by_model.items():
        accuracy = np.array([rows[seed]["accuracy"] for seed in seeds])
        accuracies[f"{LIVE_NAMES[name]}.test.accuracy"] = accuracy
        half = t_half_width(accuracy)
        mean = accuracy.mean()
        key = f"{LIVE_NAMES[name]}.test.accuracy"
        results.add(
            key, mean, mean - half, min(mean + half, 100.0), "seeds-t", "%", len(seeds), "live"
        )
        seconds = [rows[seed]["seconds"] for seed in seeds]
        results.add(
            f"{LIVE_NAMES[name]}.train.seconds",
            statistics.median(seconds),
            min(seconds),
            max(seconds),
            "seeds",
            "s",
            len(seeds),
            "live",
        )
    return accuracies


def add_files(results: Results) -> None:
    """Entries that other commands left in benchmarks/*.entries.json."""
    for path in sorted(BENCHMARKS.glob("*.entries.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        source = path.name.removesuffix(".entries.json")
        results.sources[source] = {
            part: record[part] for part in ("device", "versions", "data", "command")
        }
        for key, row in record["entries"].items():
            if key in results.entries:
                sys.exit(f"{path.name} holds {key}, which is measured already: rename it there.")
            if len(row) == 2:  # published: number and unit
                row = [row[0], None, None, "published", row[1], None]
            results.add(key, *row, source)


def add_benchmarks(results: Results) -> None:
    """Ratios of the comparison with the ancestor, by device (`make bench`), without interval."""
    for path in sorted(BENCHMARKS.glob("against_ancestor-*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        measured, summary = record["measured"], record["summary"]
        if measured["source"] != "full":
            continue
        device = path.stem.removeprefix("against_ancestor-")
        source = f"benchmark, {measured['device']}"
        results.sources[source] = {
            "device": f"{measured['device']}, {record['cores']} cores,"
            f" {measured['threads']} thread(s)",
            "versions": record["versions"],
            "data": {name: ledger.KNOWN_DATA[name] for name in ("MNIST train", "MNIST test")},
            "command": record["command"],
        }
        found = {"whole.times-faster": summary["whole"]["ratio"]}
        for name, of_model in summary["models"].items():
            for measure, key in (
                ("fit_ratio", "fit-times-faster"),
                ("reach_ratio", "times-sooner"),
                ("over_floor", "over-floor"),
            ):
                if of_model[measure] is not None:
                    found[f"{name.lower()}.{key}"] = of_model[measure]
            steps = summary["step_seconds"]
            found[f"{name.lower()}.lenet-steps"] = steps[name] / steps["LeNet"]
        for key, ratio in found.items():
            row = (ratio, None, None, "single", "", measured["repeats"], source)
            results.add(f"benchmark-{device}.{key}", *row)


def judged(results: Results, live: dict[str, NDArray]) -> dict[str, dict]:
    """Verdicts on all claims whose keys are there."""
    decided, open_claims = {}, []
    for claim in claims_to_judge(best_lenet()):
        if not all(key in results.values for key in (*claim.first, *claim.second)):
            open_claims.append(claim.id)
            continue
        unit = results.entries[claim.first[0]][4]
        unit = "percentage points" if unit == "%" else unit
        if claim.first[0] in live:
            decided[claim.id] = live_difference(claim, live, unit)
            continue
        found = difference_on_images(claim, results.values, results.draws)
        kind, count = (results.entries[claim.first[0]][column] for column in (3, 5))
        # a mean over subsets of an ensemble counts the subsets; what was drawn are the images
        n = len(results.test) if kind == "subsets" else count
        decided[claim.id] = {**found, "unit": unit, "n": n}
    for claim_id, found in decided.items():
        row = (found[part] for part in ("difference", "low", "high", "interval", "unit", "n"))
        source = "live" if found["interval"] == "seeds-t" else "evaluation"
        results.add(f"claims.{claim_id}.difference", *row, source)
    if open_claims:
        print(f"Not judged, networks are missing: {', '.join(open_claims)}.")
    return decided


def live_difference(claim: ToJudge, live: dict[str, NDArray], unit: str) -> dict:
    """Difference seed by seed, with Student's interval."""
    differences = live[claim.first[0]] - live[claim.second[0]]
    mean, half = differences.mean(), t_half_width(differences)
    return stored_claim(
        claim, mean, mean - half, mean + half, "seeds-t", unit=unit, n=len(differences)
    )


def best_lenet() -> str:
    """The member of the Deep Ensemble with the lowest validation NLL."""
    there = [name for name in (f"lenet-{seed}" for seed in range(8)) if name in zoo.names()]
    return min(there, default="lenet-0", key=lambda name: zoo.facts(name)["metrics"]["val NLL"])


def written(results: Results, claims: dict[str, dict]) -> str:
    """The ledger as JSON, an entry a line, so that changes can be read."""

    def lines(mapping: dict) -> str:
        body = ",\n".join(
            f" {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}"
            for key, value in sorted(mapping.items())
        )
        return f"{{\n{body}\n}}"

    parts = {
        "sources": lines(results.sources),
        "weights": lines(results.weights),
        "entries": lines(results.entries),
        "claims": lines(claims),
    }
    body = ",\n".join(f'"{name}": {part}' for name, part in parts.items())
    return f'{{\n"version": {ledger.VERSION},\n{body}\n}}\n'


def _short(number: float) -> float | int:
    if isinstance(number, int):
        return number
    return float(f"{number:.6g}")


def main() -> None:
    """Measure, judge, write, and say what came out."""
    started = time.perf_counter()
    test, foreign = load_mnist("test"), load_fashion_mnist("test")
    validation, ood = load_mnist("val"), load_fashion_mnist("val")
    everything = (test, foreign, validation, ood)
    for images in everything:
        if ledger.KNOWN_DATA[images.name] != images.content_hash:
            sys.exit(
                f"The ledger is made on the full data sets, and {images.name} is not: set"
                " COURSE_DATA_MIRROR to a copy of them."
            )
    training.quiet()
    results = Results(test, foreign)
    where = training.device()
    results.sources["evaluation"] = {
        "device": "CPU" if where.type == "cpu" else torch.cuda.get_device_name(where),
        "versions": {name: version(name).split("+")[0] for name in PACKAGES},
        "data": {images.name: images.content_hash for images in everything},
        "command": "make results",
    }
    for_lessons = {}
    for name, (on_test, on_foreign) in predictions_of_zoo(test, foreign):
        if name in result_lessons.NETWORKS:
            for_lessons[name] = (on_test, on_foreign)
        add_costs(results, name)
        measure_model(results, name, on_test, on_foreign)
        if name in WITH_SUBSETS:
            measure_subsets(results, name, on_test, on_foreign)
        print(f"{name}: {results.entries[f'{name}.test.accuracy'][0]:.2f} %", flush=True)
    add_seeds(results)
    result_lessons.measure_lessons(results, for_lessons, validation, ood)
    live = add_live(results, BENCHMARKS / "three_epochs-full.json")
    add_files(results)
    add_benchmarks(results)
    claims = judged(results, live)
    text = written(results, claims)
    checked = ledger.Ledger(json.loads(text))
    write_whole(ledger.FILE, text.encode())
    if len(checked.claims()):
        print(checked.claims()[["difference", "low", "high", "unit", "verdict"]].to_string())
    print(
        f"{len(results.entries)} entries and {len(claims)} claims in {ledger.FILE.name}"
        f" ({len(text) / 1000:.0f} kB), {time.perf_counter() - started:.0f} s"
    )


if __name__ == "__main__":
    main()
