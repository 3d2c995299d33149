"""One example of every figure, on small made-up predictions; the tests walk over all of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils import figures
from course_utils.metrics import scores, selective
from course_utils.metrics.predictions import Predictions

N, M, C = 400, 8, 10


def make_predictions(
    count: int = N, members: int = M, classes: int = C, *, seed: int = 0, skill: float = 3.0
) -> Predictions:
    """Members that share a belief about each image and differ by their own noise."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, count)
    shared = generator.normal(size=(count, 1, classes))
    shared[np.arange(count), 0, labels] += skill
    own = 0.8 * generator.normal(size=(count, members, classes))
    return Predictions((2 * (shared + own)).astype(np.float32), labels)


def make_images(count: int = N, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28)).astype(np.uint8)


IMAGES = make_images()
DEEP = make_predictions()
PACKED = DEEP.subset([0, 2, 4, 6])
SINGLE = DEEP.subset([0])
OOD = make_predictions(300, seed=1, skill=0.3)
MODELS = {"LeNet": SINGLE, "DE-8": DEEP, "PE-4": PACKED}
UNCERTAINTY = {name: scores.max_probability(model) for name, model in MODELS.items()}
CURVES = {
    name: selective.risk_coverage(UNCERTAINTY[name], model.correct)
    for name, model in MODELS.items()
}
COSTS = {
    name: selective.cost_curve(UNCERTAINTY[name], model.correct, 10, 1)
    for name, model in MODELS.items()
}
DAYS = {
    "answer everything": np.geomspace(700, 12_000, 20),
    "this policy": np.linspace(200, 600, 20),
    "best in hindsight": np.linspace(100, 400, 20),
    "cheapest on the validation digits": np.linspace(0, 700, 20),
}
EPOCHS = np.arange(12.0)
LOGS = {
    name: {
        "epoch": EPOCHS,
        "train_loss": np.exp(-EPOCHS / (2 + speed)),
        "val/cls/NLL": 1.2 * np.exp(-EPOCHS / (2 + speed)),
        "val/cls/Acc": 1 - 0.5 * np.exp(-EPOCHS / (2 + speed)),
    }
    for speed, name in enumerate(MODELS)
}
MEMBERS = np.arange(1, 9)
ACCURACY = figures.MemberSeries(
    MEMBERS,
    0.98 - 0.01 / MEMBERS,
    0.98 - 0.014 / MEMBERS,
    0.98 - 0.006 / MEMBERS,
    percent=True,
    references={"PE-4": 0.9755},
)
NLL = figures.MemberSeries(MEMBERS, 0.05 + 0.03 / MEMBERS, higher_is_better=False)
SIZES = np.repeat(np.arange(1, 5), [4, 6, 4, 1])
BAND = (np.linspace(0.1, 1, 10), np.linspace(0, 0.05, 10), np.linspace(0.02, 0.3, 10))


def side_by_side(
    index: int, models: dict[str, Predictions] = MODELS, **options: object
) -> figures.Picture:
    """One image as several models see it."""
    first = next(iter(models.values()))
    rows = {name: model.probabilities[index] for name, model in models.items()}
    return figures.model_comparison(IMAGES[index], rows, int(first.labels[index]), **options)


SHARES = {
    "maximum probability": np.linspace(0.01, 0.7, 30) ** 2,
    "disagreement": np.where(np.arange(30) % 3, 0.02, 1.0),
}
RISKS = {
    "largest coverage": np.random.default_rng(5).normal(0.01, 0.003, 300).clip(0),
    "Bonferroni": np.append(np.random.default_rng(6).normal(0.005, 0.001, 200), [np.nan] * 100),
    "fixed sequence": np.random.default_rng(7).normal(0.007, 0.001, 300),
}
UNDER_SHIFT = {
    kind: {
        "error rate": np.linspace(0.03, 0.03 + 0.1 * worse, 6),
        "coverage": np.linspace(0.9, 0.9 - 0.15 * worse, 6),
        "risk": np.append(np.linspace(0.01, 0.01 + 0.05 * worse, 5), np.nan),
    }
    for worse, kind in enumerate(("blur", "Gaussian noise", "rotation"), start=1)
}
ALPHABET = [chr(ord("A") + letter) for letter in range(26)]
LETTERS = make_predictions(300, 4, 26, seed=2, skill=4)
TINY = make_predictions(2, 2, 2, seed=3, skill=-3)
TWO = Predictions.from_probabilities(np.array([[[0.9, 0.1]], [[0.4, 0.6]]]), np.array([0, 0]))
LONG = ("a rather long name", "another")
LONG_MODELS = (
    "LeNet",
    "Deep Ensemble of eight LeNets, long budget",
    "Packed-Ensemble (M = 4, alpha = 2), 75 epochs",
    "anunbrokennameofmorelettersthanfitbesideit",
)

#: Other numbers of classes, images and members than the course's own.
EXTREMES: dict[str, Callable[..., figures.Picture]] = {
    "grid of 26": lambda: figures.sample_grid(
        IMAGES[:300], LETTERS.labels, class_names=ALPHABET, per_class=20
    ),
    "grid of 2": lambda: figures.sample_grid(IMAGES[:2], np.array([0, 1]), class_names=LONG),
    "gallery of 26": lambda: figures.misclassified_gallery(
        IMAGES[:300], LETTERS, class_names=ALPHABET
    ),
    "gallery of 2": lambda: figures.misclassified_gallery(IMAGES[:2], TINY, class_names=LONG),
    "reliability of 26": lambda: figures.reliability_diagram({"mine": LETTERS}),
    "reliability of 2": lambda: figures.reliability_diagram({"mine": TINY}),
    "confusion of 26": lambda: figures.confusion_matrix(LETTERS, class_names=ALPHABET),
    "confusion of 2": lambda: figures.confusion_matrix(TINY, class_names=("cat", "horse")),
    "sheet of 26": lambda: figures.disagreement_sheet(
        IMAGES[0], LETTERS.probabilities[0], class_names=ALPHABET, label=0
    ),
    "sheet of 2": lambda: figures.disagreement_sheet(
        IMAGES[0], TINY.probabilities[0], class_names=("cat", "horse")
    ),
    "comparison of 26": lambda: side_by_side(
        0, {"LeNet": LETTERS.subset([0]), "DE-4": LETTERS}, class_names=ALPHABET
    ),
    "comparison of 2": lambda: side_by_side(0, {LONG[0]: TINY}, class_names=LONG),
    "comparison of 6 models": lambda: side_by_side(
        1, {f"a model with a long name {i}": DEEP.subset(range(i + 1)) for i in range(6)}
    ),
    "agreement of 2": lambda: figures.agreement_matrix(TINY),
    "agreement of 16": lambda: figures.agreement_matrix(Predictions.combine([DEEP] * 2)),
    "ranking of 2": lambda: figures.score_ranking(
        TWO, {"a score of my own with a long name": scores.entropy}
    ),
    "packed 26": lambda: figures.packed_diagram(4, 2, num_classes=26),
    "packed 6": lambda: figures.packed_diagram(6, 6),
    "histogram of 2": lambda: figures.score_histograms(
        scores.entropy(TINY), TINY.correct, threshold=0.1
    ),
    "roc of 1": lambda: figures.roc_and_precision_recall({"mine": ([0.1], [0.2])}),
    "risk of 2": lambda: figures.risk_coverage_curves(
        {"mine": selective.risk_coverage(scores.entropy(TINY), TINY.correct)}
    ),
    "risk of 6 alike": lambda: figures.risk_coverage_curves(
        {f"model {i}": CURVES["DE-8"] for i in range(6)}
    ),
    "risk of long names": lambda: figures.risk_coverage_curves(
        dict.fromkeys(LONG_MODELS, CURVES["DE-8"]),
        operating_points=dict.fromkeys(LONG_MODELS[:2], 0.1),
        reference=LONG_MODELS[1],
    ),
    "costs of long names": lambda: figures.cost_curves(
        dict.fromkeys(LONG_MODELS, COSTS["DE-8"]), thresholds={LONG_MODELS[1]: 0.3}
    ),
    "one run": lambda: figures.training_curves({"LeNet": {"epoch": [0], "train_loss": [1.0]}}),
    "one panel": lambda: figures.metric_against_members({"accuracy": ACCURACY}),
    "three panels": lambda: figures.metric_against_members(
        {"accuracy": ACCURACY, "NLL": NLL, "ECE": ACCURACY}
    ),
}

EXAMPLES: dict[str, Callable[..., figures.Picture]] = {
    "sample_grid": lambda: figures.sample_grid(IMAGES, DEEP.labels),
    "sample_grid fashion": lambda: figures.sample_grid(
        IMAGES, DEEP.labels, class_names=figures.FASHION
    ),
    "augmentation_sheet": lambda: figures.augmentation_sheet(
        IMAGES[:3], IMAGES[:24].reshape(3, 8, 28, 28), name="random crop, padding 4"
    ),
    "augmentation_sheet named": lambda: figures.augmentation_sheet(
        IMAGES[:4],
        IMAGES[:20].reshape(4, 5, 28, 28),
        column_names=("mirrored", "upside down", "turned by 90°", "turned by 180°", "half out"),
    ),
    "crop_windows": lambda: figures.crop_windows(IMAGES[0], padding=4, corners=[(1, 0), (6, 7)]),
    "misclassified_gallery": lambda: figures.misclassified_gallery(IMAGES, DEEP),
    "misclassified_gallery fashion": lambda: figures.misclassified_gallery(
        IMAGES, DEEP, class_names=figures.FASHION
    ),
    "misclassified_gallery single": lambda: figures.misclassified_gallery(IMAGES, SINGLE),
    "misclassified_gallery 32": lambda: figures.misclassified_gallery(
        IMAGES, Predictions.combine([DEEP] * 4)
    ),
    "misclassified_gallery none": lambda: figures.misclassified_gallery(
        IMAGES[DEEP.correct], DEEP.take(DEEP.correct)
    ),
    "training_curves": lambda: figures.training_curves(LOGS),
    "reliability_diagram": lambda: figures.reliability_diagram(MODELS),
    "reliability_diagram equal mass": lambda: figures.reliability_diagram(MODELS, equal_mass=True),
    "confusion_matrix": lambda: figures.confusion_matrix(DEEP),
    "confusion_matrix fashion": lambda: figures.confusion_matrix(DEEP, class_names=figures.FASHION),
    "disagreement_sheet": lambda: figures.disagreement_sheet(
        IMAGES[0], DEEP.probabilities[0], label=int(DEEP.labels[0])
    ),
    "disagreement_sheet fashion": lambda: figures.disagreement_sheet(
        IMAGES[1],
        DEEP.probabilities[1],
        label=9,
        class_names=figures.FASHION,
        active=[True, False] * 4,
    ),
    "disagreement_sheet 32": lambda: figures.disagreement_sheet(
        IMAGES[0], np.tile(DEEP.probabilities[0], (4, 1)), label="a bag"
    ),
    "disagreement_sheet single": lambda: figures.disagreement_sheet(
        IMAGES[0], SINGLE.probabilities[0]
    ),
    "model_comparison": lambda: side_by_side(0),
    "model_comparison chosen": lambda: side_by_side(1, chosen="DE-8"),
    "model_comparison fashion": lambda: side_by_side(2, class_names=figures.FASHION),
    "model_comparison single": lambda: side_by_side(3, {"LeNet": SINGLE}),
    "model_comparison 32": lambda: side_by_side(
        4, {"DE-16": Predictions.combine([DEEP] * 2), "DE-32": Predictions.combine([DEEP] * 4)}
    ),
    "agreement_matrix": lambda: figures.agreement_matrix(DEEP),
    "agreement_matrix 32": lambda: figures.agreement_matrix(Predictions.combine([DEEP] * 4)),
    "score_histograms": lambda: figures.score_histograms(
        scores.entropy(DEEP),
        DEEP.correct,
        scores.entropy(OOD),
        score_name="entropy of the mean",
        ood_name="Fashion-MNIST",
        threshold=0.7,
    ),
    "score_histograms linear": lambda: figures.score_histograms(
        scores.entropy(DEEP), DEEP.correct, log=False, threshold=0.02
    ),
    "roc_and_precision_recall": lambda: figures.roc_and_precision_recall(
        {
            "LeNet": (UNCERTAINTY["LeNet"], scores.max_probability(OOD)),
            "DE-8": (UNCERTAINTY["DE-8"], scores.max_probability(OOD)),
        },
        ood_name="Fashion",
    ),
    "risk_coverage_curves": lambda: figures.risk_coverage_curves(
        CURVES,
        operating_points={"LeNet": CURVES["LeNet"].threshold_for_coverage(0.8), "DE-8": 0.1},
        bands={"DE-8": BAND},
    ),
    "cost_curves": lambda: figures.cost_curves(COSTS, thresholds={"LeNet": 0.3}, unit="euros"),
    "metric_against_members": lambda: figures.metric_against_members(
        {"accuracy": ACCURACY, "NLL": NLL}
    ),
    "metric_against_members 4": lambda: figures.metric_against_members(
        {"accuracy": ACCURACY, "NLL": NLL, "ECE": NLL, "AUROC": ACCURACY}
    ),
    "best_of_many": lambda: figures.best_of_many(
        np.array([1, 3, 10, 30, 100, 300, 1_000]),
        np.array([0.1, 0.126, 0.147, 0.163, 0.179, 0.191, 0.202]),
        np.full(7, 0.1),
    ),
    "choices_of_members": lambda: figures.choices_of_members(
        SIZES, 0.98 - 0.01 / SIZES, metric="accuracy", percent=True
    ),
    "choices_of_members sampled": lambda: figures.choices_of_members(
        np.arange(1, 33),
        1.0 / np.arange(1, 33),
        metric="Brier score",
        higher_is_better=False,
        sampled=True,
    ),
    "choices_of_members one": lambda: figures.choices_of_members(
        [1], [1.0], metric="accuracy", percent=True
    ),
    "score_ranking": lambda: figures.score_ranking(PACKED, {"mine": scores.entropy}),
    "packed_diagram": lambda: figures.packed_diagram(4, 2),
    "packed_diagram 16": lambda: figures.packed_diagram(16, 8),
    "packed_diagram 1": lambda: figures.packed_diagram(1, 1),
    "packed_cost_bars": lambda: figures.packed_cost_bars(4, 2),
    "packed_cost_bars 16": lambda: figures.packed_cost_bars(16, 16),
    "packed_cost_bars 1": lambda: figures.packed_cost_bars(1, 8),
    "wrong_answers": lambda: figures.wrong_answers(
        IMAGES[:19], np.arange(19) % 10, np.arange(-1, 18) % 11 - 1
    ),
    "wrong_answers one": lambda: figures.wrong_answers(IMAGES[:1], [4], [-1]),
    "daily_costs": lambda: figures.daily_costs(DAYS, yours="this policy"),
    "daily_costs free": lambda: figures.daily_costs({"one day": np.zeros(1)}),
    "mistake_weights": lambda: figures.mistake_weights(10_000),
    "mistake_weights two": lambda: figures.mistake_weights(2),
    "hidden_mistakes": lambda: figures.hidden_mistakes(SHARES),
    "hidden_mistakes one": lambda: figures.hidden_mistakes({"entropy": np.array([0.2])}),
    "risks_of_rules": lambda: figures.risks_of_rules(RISKS, 0.01),
    "risks_of_rules none": lambda: figures.risks_of_rules({"refuse": np.full(9, np.nan)}, 0.01),
    "fixed_threshold": lambda: figures.fixed_threshold(UNDER_SHIFT),
    "fixed_threshold one": lambda: figures.fixed_threshold({"blur": UNDER_SHIFT["blur"]}),
    "message": lambda: figures.message("Nothing to see."),
}
