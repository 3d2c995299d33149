"""What the page computes is what ``course_utils.metrics`` computes, on the same cases."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from widget_helpers import make_predictions

from course_utils.figures import style
from course_utils.images import centring, load_mnist
from course_utils.metrics import calibration, classification, scores, selective
from course_utils.metrics.calibration import calibration_bins
from course_utils.metrics.desk import Desk, round_of
from course_utils.metrics.detection import ood_detection
from course_utils.metrics.intervals import wilson_interval
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.subsets import Choices
from course_utils.widgets.desk import AbstentionDesk
from course_utils.widgets.sending import ranked

COMPUTED = ("Maximum probability", "Entropy", "Expected entropy")  # in the page
HERE = Path(__file__).parent / "front_end"
NODE = shutil.which("node")
pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(NODE is None, reason="Node is an authors' tool; the bundle needs none"),
]


def plain(value: Any) -> Any:
    """As JSON, where NaN and infinity are words."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(one) for one in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else str(float(value))
    return value.item() if isinstance(value, np.generic) else value


def outputs(predictions: Predictions) -> dict[str, Any]:
    logits = predictions.logits
    values = predictions.given_probabilities if logits is None else logits
    return {
        "kind": "probabilities" if logits is None else "logits",
        "values": values.ravel(),
        "labels": predictions.labels,
        "shape": values.shape,
    }


def prediction_case(name: str, predictions: Predictions, foreign: Predictions | None = None):
    bins = calibration_bins(predictions)
    expected: dict[str, Any] = {
        "mean": predictions.mean.ravel(),
        "predicted": predictions.predicted,
        "scores": {name: scores.SCORES[name](predictions) for name in COMPUTED},
        "accuracy": predictions.correct.mean(),
        "bins": {
            "count": bins.count,
            "accuracy": bins.accuracy,
            "confidence": bins.confidence,
            "error": bins.error,
        },
        "choices": [],
    }
    if predictions.logits is not None:
        cooler = calibration.scale(predictions, mean=2.5)
        expected["cooler"] = {
            "nll": classification.negative_log_likelihood(cooler),
            "confidence": cooler.mean.max(axis=1),
            "uncertainty": scores.max_probability(cooler),
        }
    choices = Choices(predictions, foreign)
    for choice, values in choices.table.items():
        mask = sum(1 << member for member in choice)
        expected["choices"].append([mask, dict(zip(choices.metrics, values, strict=True))])
    case = {"name": name, **outputs(predictions), "expected": expected}
    if foreign is not None:
        case["foreign"] = {**outputs(foreign), "labels": [0] * len(foreign)}
    return case


def curve_case(name: str, uncertainty: Any, correct: Any):
    uncertainty, correct = np.asarray(uncertainty, np.float64), np.asarray(correct, bool)
    curve = selective.risk_coverage(uncertainty, correct)
    middle = float(np.median(uncertainty))
    thresholds = [-np.inf, uncertainty.min() - 1, middle, uncertainty.max(), np.inf]
    costs, desks = [], []
    for wrong, refer in ((10.0, 1.0), (1.0, 1.0), (0.0, 2.0), (3.0, 0.0), (0.0, 0.0), (1e6, 1e-3)):
        curve_of_costs = selective.cost_curve(uncertainty, correct, wrong, refer)
        optimum = curve_of_costs.optimum.threshold
        costs.append([wrong, refer, curve_of_costs.cost, optimum])
        for threshold in thresholds:
            answered = uncertainty <= threshold
            each = wrong * (answered & ~correct) + refer * ~answered
            error = 1.96 * each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else 0.0
            desks.append([threshold, wrong, refer, each.mean(), error])
    expected = {
        "threshold": curve.threshold,
        "answered": curve.num_answered,
        "wrong": curve.num_wrong,
        "aurc": curve.aurc,
        "at_coverage": [
            [share, curve.risk_at_coverage(share), curve.threshold_for_coverage(share)]
            for share in (0.0, 0.07, 0.3, 0.5, 0.9, 1.0)
        ],
        "at_risk": [
            [risk, curve.threshold_for_risk(risk)] for risk in (0.0, 0.01, 0.05, 0.25, 1.0)
        ],
        "at_threshold": [[one, curve.at_threshold(one).coverage] for one in thresholds],
        "costs": costs,
        "desks": desks,
    }
    return {
        "name": name,
        "uncertainty": uncertainty,
        "correct": correct.astype(int),
        "expected": expected,
    }


def desk_case() -> dict[str, Any]:
    """Two models, OOD images, and decisions of all kinds; what the best known rival would cost."""
    val = {"A": make_predictions(150, 1, seed=11), "B": make_predictions(150, 3, seed=11, skill=4)}
    test = {"A": make_predictions(260, 1, seed=12), "B": make_predictions(260, 3, seed=12, skill=4)}
    ood = {
        name: Predictions(np.random.default_rng(5).normal(size=(120, one.num_members, 10)), None)
        for name, one in val.items()
    }
    desk = AbstentionDesk(val, test, ood)
    rounds = []
    for model, score, coverage, wrong, refer, ood_share in (
        ("A", "Maximum probability", 0.8, 10.0, 1.0, 0.0),
        ("B", "Mutual information", 0.6, 3.0, 1.0, 0.2),
        ("B", "Entropy", 0.0, 10.0, 1.0, 0.1),
        ("A", "Energy", 1.0, 1.0, 2.0, 0.05),
        ("B", "Variation ratio", 0.9, 0.0, 0.0, 0.0),
    ):
        curve = desk.validation.ranking(model, score, ood_share).curve
        threshold = -np.inf if coverage == 0 else curve.threshold_for_coverage(coverage)
        state = Desk(model, score, threshold, wrong, refer, ood_share, True)
        ranking = desk.test.ranking(model, score, ood_share)
        errors = 1 - ranking.correct.mean()
        rival = "A" if model == "B" else "B"
        known_scores = desk.test.rankings.scores_of(rival)
        of_rival = replace(
            state, model=rival, score=score if score in known_scores else "Maximum probability"
        )
        cheapest = desk.validation.costs(of_rival).optimum.threshold
        other = desk.test.costs(of_rival).cost_at(cheapest)
        found = round_of(desk.validation, desk.test, state)
        queue_ranking = desk.validation.ranking(model, score, ood_share)
        answered = queue_ranking.uncertainty <= threshold
        rounds.append(
            {
                "state": asdict(state),
                "expected": {
                    **found,
                    "within": abs(found["cost"] - found["promised"]) <= found["error"],
                    "cheaper": rival if other < found["cost"] else "",
                    "queue": len(answered),
                    "answered": int(answered.sum()),
                    "wrong": int((answered & ~queue_ranking.correct).sum()),
                    "ood": int(answered[150:].sum()),
                    "items": len(ranking.correct),
                    "bounds": [errors * min(wrong, refer), errors * wrong, refer],
                },
                "others": [other],
            }
        )

    def queue(of: Any) -> list[dict[str, Any]]:
        return [
            {"name": name, "says": ranked(one), "labels": one.labels, "ood": ranked(of.ood[name])}
            for name, one in of.rankings.models.items()
        ]

    return {
        "name": "two models and OOD images",
        "validation": queue(desk.validation),
        "test": queue(desk.test),
        "rounds": rounds,
    }


def drawings() -> list[dict[str, Any]]:
    generator = np.random.default_rng(3)
    found = {"an empty sheet": np.zeros((112, 112), np.uint8)}
    dot = np.zeros((112, 112), np.uint8)
    dot[100, 5] = 255
    found["a dot in a corner"] = dot
    line = np.zeros((112, 112), np.uint8)
    line[30:38, 10:100] = generator.integers(1, 256, (8, 90))
    found["a broad line"] = line
    blob = np.zeros((112, 112), np.uint8)
    blob[20:107, 31:80] = generator.integers(0, 256, (87, 49))
    found["a blob"] = blob
    for index, digit in enumerate(load_mnist("test").images[:5]):
        found[f"digit {index}"] = digit
        found[f"digit {index}, large"] = np.kron(digit, np.ones((4, 4), np.uint8))
    return [
        {
            "name": name,
            "drawing": one.ravel(),
            "side": len(one),
            "centred": centring.as_mnist(one).ravel(),
            "small": centring.shrunk(one).ravel(),
        }
        for name, one in found.items()
    ]


def the_lenets() -> dict[str, Any]:
    """Three networks as the pad carries them, and what torch says of 1,000 digits."""
    torch = pytest.importorskip("torch")

    from course_utils.networks import zoo
    from course_utils.widgets.drawing_pad import lenet_weights, packed_weights

    names = ["lenet-0", "lenet-5", "modest-lenet-1"]
    images = load_mnist("test").images[:1000]
    inputs = torch.from_numpy(images).unsqueeze(1).float().div(255).sub(0.1307).div(0.3081)
    with torch.inference_mode():
        answers = [zoo.load(name)(inputs).double().softmax(-1).numpy() for name in names]
    networks = [packed_weights(lenet_weights(zoo.load(name))) for name in names]
    return {
        "networks": networks,
        "images": images.reshape(1000, -1),
        "probabilities": np.stack(answers, axis=1),
    }


def all_cases() -> dict[str, Any]:
    generator = np.random.default_rng(1)
    members = make_predictions(200, 4, seed=2)
    foreign = Predictions(generator.normal(size=(90, 4, 10)), None)
    coarse = Predictions(np.round(members.logits), members.labels)  # many ties
    certain = Predictions(
        np.eye(10, dtype=np.float32)[members.labels][:, None] * 800, members.labels
    )
    two = make_predictions(40, 3, 2, seed=5, skill=1.0)
    foreign_model = Predictions.from_probabilities(members.probabilities, members.labels)
    predictions = [
        prediction_case("four members", members, foreign),
        prediction_case("one member", members.subset([2])),
        prediction_case("ties", coarse),
        prediction_case("two classes", two),
        prediction_case("certain of everything", certain),
        prediction_case("one image", members.take([3])),
        prediction_case("probabilities only", foreign_model),
    ]
    noise = generator.normal(size=300)
    right = generator.random(300) < 0.8
    curves = [
        curve_case("no ties", noise, right),
        curve_case("ties", np.round(noise), right),
        curve_case("all tie", np.zeros(50), right[:50]),
        curve_case("all right", noise, np.ones(300)),
        curve_case("all wrong", noise, np.zeros(300)),
        curve_case("one image, right", [0.3], [True]),
        curve_case("one image, wrong", [0.3], [False]),
        curve_case("a score of a hundred", np.arange(100) / 100, np.arange(100) % 7 > 0),
    ]
    aurocs = [
        [known, foreign, ood_detection(np.array(known, float), np.array(foreign, float)).auroc]
        for known, foreign in (
            ([1, 2, 3], [4, 5]),
            ([4, 5], [1, 2, 3]),
            ([1, 1, 2, 3], [1, 3, 3, 4, 4]),
            (noise[:120], noise[120:] + 0.5),
        )
    ]
    intervals = [
        [hits, count, *map(float, wilson_interval(hits, count))]
        for hits, count in ((0, 1), (1, 1), (0, 40), (3, 40), (40, 40), (9876, 10_000))
    ]
    return {
        "predictions": predictions,
        "curves": curves,
        "aurocs": aurocs,
        "intervals": intervals,
        "desks": [desk_case()],
        "percents": [
            [share, style.percent(share)]
            for share in (0, 1, 0.5, 0.00994, 0.01, 0.999, 0.9991, 0.99996, 0.9999999, 1e-9, 3e-5)
        ],
        "drawings": drawings(),
        "lenet": the_lenets(),
    }


def test_the_page_computes_what_metrics_computes(tmp_path):
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps(plain(all_cases())), encoding="utf-8")
    done = subprocess.run(
        [str(NODE), "--test", str(HERE / "metrics.test.mjs")],
        env={**os.environ, "CASES": str(cases)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
