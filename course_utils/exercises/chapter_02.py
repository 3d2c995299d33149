"""Exercises of chapter 2: one network, and what it is worth."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_utils.figures import Picture

from . import guard
from .exercise import NotAttempted, NotYet
from .kinds import Built, Choice, Function, Misconception, Number

# --- 2.1 ----------------------------------------------------------------------------------------
ex2_1 = Number(
    name="ex2_1",
    title="Three classes",
    objective="write LeNet in PyTorch and count its parameters by hand",
    minutes=4,
    task=(
        "LeNet has 44,426 parameters with ten classes. How many would it have if it only had to "
        "tell **three** classes apart? Only the last layer changes; it sees 84 numbers. Compute it "
        "by hand, then check."
    ),
    stub="num_parameters = ...",
    passed="num_parameters",
    hints=(
        "Which tensors belong to the last layer, and how many numbers are in each?",
        "A linear layer from 84 to C numbers has one weight per pair and one bias per output.",
        "Ten classes: 84 · 10 + 10 = 850. Take these away, and add those of three classes.",
    ),
    answer="num_parameters = 44_426 - (84 * 10 + 10) + (84 * 3 + 3)",
    why=(
        "Every class costs 84 weights and one bias, 85 parameters, so seven classes less save 595. "
        "Most of LeNet sits before the last layer."
    ),
    expected=43_831,
    tolerance=0.5,
    misconceptions=(
        Misconception(
            44_426 - 84 * 7, "the weights are right, but each output also has a bias of its own."
        ),
        Misconception(255, "this is the last layer alone; the others are still there."),
        Misconception(44_426 - 850, "the old last layer is gone. Now add the new one."),
        Misconception(
            44_426 * 0.3,
            "not all layers shrink with the number of classes: only the last one does.",
        ),
    ),
)


# --- 2.2 ----------------------------------------------------------------------------------------
def _nll(logits: np.ndarray, labels: np.ndarray) -> float:
    return float(-_log_softmax(logits)[np.arange(len(labels)), labels].mean())


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _logits_and_labels() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(2)
    first = generator.normal(0, 3, (6, 4))
    large = np.array([[1000.0, 0.0, -3.0], [2.0, 1001.0, 1000.0]])
    return [(first, np.array([0, 3, 1, 2, 2, 0])), (large, np.array([0, 2]))]


def _of_label(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return values[np.arange(len(labels)), labels]


def _twice(logits: np.ndarray, labels: np.ndarray) -> float:
    return _nll(np.exp(_log_softmax(logits)), labels)


ex2_2 = Function(
    name="ex2_2",
    title="The NLL from logits",
    objective="explain every row of the table of metrics, and compute each of them in one line",
    minutes=8,
    task=(
        "Write the negative log-likelihood: the mean over images of -ln of the probability that "
        "the softmax gives to the true class. It gets logits [N, C] and labels [N], both NumPy "
        "arrays. One of the tests has logits around 1000: a softmax that takes `exp` of them as "
        "they are overflows."
    ),
    stub='''def nll_of_logits(logits, labels):
    """Mean of -ln softmax(logits) at the labels, in nats."""
    return ...''',
    passed="nll_of_logits",
    hints=(
        "The softmax does not change if the same number is taken away from all logits of a row.",
        "ln softmax(z)_y = z_y - ln Σ exp(z_c). Take away each row's maximum first.",
        "`shifted = logits - logits.max(axis=1, keepdims=True)`; then `np.exp`, `sum(axis=1)`, "
        "`np.log`; pick with `[np.arange(len(labels)), labels]`; change the sign, take the mean.",
    ),
    answer='''def nll_of_logits(logits, labels):
    """Mean of -ln softmax(logits) at the labels, in nats."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_probabilities[np.arange(len(labels)), labels].mean()''',
    why=(
        "Working with the logarithm all the way keeps what a float cannot hold as a probability. "
        "PyTorch's `cross_entropy` does just this, which is why it wants logits and not "
        "probabilities."
    ),
    reference=_nll,
    inputs=_logits_and_labels,
    misconceptions=(
        Misconception(
            _twice,
            "it looks as if the softmax is applied twice: first by hand, then inside the NLL. The "
            "answers become much less sure than the network is.",
        ),
        Misconception(
            lambda logits, labels: -_nll(logits, labels),
            "the sign is missing: the logarithm of a probability is negative, a loss is not.",
        ),
        Misconception(
            lambda logits, labels: _nll(logits, labels) * len(labels),
            "this is the sum over the images. The mean does not depend on how many there are.",
        ),
        Misconception(
            lambda logits, labels: _nll(logits, labels) / logits.shape[1],
            "the mean runs over the classes as well. Only the true class counts, once per image.",
        ),
        Misconception(
            lambda logits, labels: -_log_softmax(logits).mean(),
            "the labels are not used: this averages -ln p over all classes.",
        ),
        Misconception(
            lambda logits, labels: -_of_label(logits, labels).mean(),
            "these are the logits themselves. The softmax, and its logarithm, are missing.",
        ),
        Misconception(
            lambda logits, labels: float(
                (-_log_softmax(logits).max(axis=1)).mean(),
            ),
            "this takes the largest probability of each image, not that of the true class.",
        ),
    ),
)


# --- 2.3 ----------------------------------------------------------------------------------------
def _ece(
    confidence: np.ndarray,
    correct: np.ndarray,
    num_bins: int = 10,
    *,
    centres: bool = False,
    drop_one: bool = False,
    closed_below: bool = False,
) -> float:
    upper = np.ceil(confidence * num_bins) / num_bins
    if closed_below:
        upper = np.minimum(np.floor(confidence * num_bins) + 1, num_bins) / num_bins
    if drop_one:
        upper = np.where(confidence == 1, np.nan, upper)
    error = 0.0
    for edge in np.unique(upper[~np.isnan(upper)]):
        inside = upper == edge
        claimed = edge - 0.5 / num_bins if centres else confidence[inside].mean()
        error += inside.sum() * abs(correct[inside].mean() - claimed)
    return float(error / len(confidence))


def _gaps(confidence: np.ndarray, correct: np.ndarray) -> list[float]:
    upper = np.ceil(confidence * 10)
    return [
        correct[upper == edge].mean() - confidence[upper == edge].mean()
        for edge in np.unique(upper)
    ]


def _confidences() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(3)
    confidence = generator.uniform(0.25, 0.999, 60).round(3) + 1e-4
    correct = generator.uniform(size=60) < confidence**2
    with_certain = np.concatenate([confidence[:20], np.ones(12)])
    right = np.concatenate([correct[:20], np.arange(12) % 4 > 0])
    # 0.5 is the one edge that is exact however the edges were computed
    on_edge = np.array([0.45, 0.5, 0.5, 0.5, 0.55, 0.58])
    return [
        (confidence, correct),
        (with_certain, right),
        (on_edge, np.array([True, False, False, True, True, False])),
    ]


ex2_3 = Function(
    name="ex2_3",
    title="The calibration error",
    objective="explain every row of the table of metrics, and compute each of them in one line",
    minutes=12,
    task=(
        "Write the expected calibration error with ten bins of equal width, (0, 0.1], (0.1, 0.2] … "
        "(0.9, 1]. In each bin that is not empty take the absolute difference between the share of "
        "right answers and the **mean confidence**; average over the bins, each weighted by how "
        "many images it holds. It gets confidence [N] and correct [N] (true or false)."
    ),
    stub='''def calibration_error(confidence, correct):
    """Expected calibration error with ten bins, a share between 0 and 1."""
    return ...''',
    passed="calibration_error",
    hints=(
        "Which bin does a confidence belong to? `np.ceil(10 * confidence)` numbers them 1 to 10.",
        "Loop over the ten bins with a mask; `mask.any()` tells whether one is empty. "
        "Weigh each difference with `mask.mean()`.",
        "`gap = abs(correct[mask].mean() - confidence[mask].mean())`, and add up "
        "`mask.mean() * gap`.",
    ),
    answer='''def calibration_error(confidence, correct):
    """Expected calibration error with ten bins, a share between 0 and 1."""
    number = np.ceil(10 * confidence)
    error = 0.0
    for bin_number in range(1, 11):
        mask = number == bin_number
        if mask.any():
            error += mask.mean() * abs(correct[mask].mean() - confidence[mask].mean())
    return error''',
    why=(
        "Where most answers sit near 1, the last bin decides, and what is exactly 1 belongs to it. "
        "A small error does not mean that every confidence is right: within a bin, too high and "
        "too low cancel."
    ),
    reference=_ece,
    inputs=_confidences,
    misconceptions=(
        Misconception(
            lambda confidence, correct: _ece(confidence, correct, centres=True),
            "you compare with the centres of the bins. The images in a bin need not lie around its "
            "centre: take the mean of their confidences.",
        ),
        Misconception(
            lambda confidence, correct: _ece(confidence, correct, drop_one=True),
            "images with a confidence of exactly 1 fall out of all bins. The last bin must include "
            "its right end.",
        ),
        Misconception(
            lambda confidence, correct: _ece(confidence, correct, drop_one=True, closed_below=True),
            "images with a confidence of exactly 1 fall out of all bins. A bin holds its right "
            "end, not its left.",
        ),
        Misconception(
            lambda confidence, correct: _ece(confidence, correct, closed_below=True),
            "a confidence on an edge, such as 0.5, counts in the bin above it here. (0.4, 0.5] "
            "holds its right end.",
        ),
        Misconception(
            lambda confidence, correct: float(np.mean(np.abs(_gaps(confidence, correct)))),
            "all bins count alike here. A bin with three images would weigh as much as one with "
            "three thousand: weigh each with its share of images.",
        ),
        Misconception(
            lambda confidence, correct: float(abs(correct.mean() - confidence.mean())),
            "this is the difference of the two overall means, as if there were a single bin: too "
            "much and too little confidence cancel.",
        ),
        Misconception(
            lambda confidence, correct: float(np.max(np.abs(_gaps(confidence, correct)))),
            "this is the largest gap, the *maximum* calibration error. The expected one averages.",
        ),
    ),
)

# --- 2.4 ----------------------------------------------------------------------------------------
ex2_4 = Choice(
    name="ex2_4",
    title="A point in the diagram",
    objective="read a reliability diagram, a confusion matrix and a histogram of scores",
    minutes=3,
    task=(
        "In a reliability diagram a point lies at confidence 90 %, accuracy 70 %, and its bin "
        "holds 2,000 of 10,000 images. Which sentence is right?\n\n"
        "- `a` The network is underconfident there, and the bin adds 4 points to the ECE.\n"
        "- `b` The network is overconfident there, and the bin adds 4 points to the ECE.\n"
        "- `c` The network is overconfident there, and the bin adds 20 points to the ECE.\n"
        "- `d` The network errs on 10 % of these images."
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "Which of the two numbers is a claim, and which one was counted?",
        "It claims 90 % and reaches 70 %.",
        "The gap of 20 points counts with the share of images: 2,000 of 10,000.",
    ),
    answer='choice = "b"',
    why=(
        "It claims more than it reaches, by 20 points, and a fifth of the images is concerned: "
        "20 · 0.2 = 4 points."
    ),
    correct="b",
    options={
        "a": "underconfident, 4 points",
        "b": "overconfident, 4 points",
        "c": "overconfident, 20 points",
        "d": "errs on 10 %",
    },
    reasons={
        "a": "points *below* the diagonal reach less than they claim. What is that called?",
        "c": "the ECE weighs each bin with its share of the images; this one holds a fifth.",
        "d": "10 % would be the error rate if the claim were true. The accuracy was counted: 70 %.",
    },
)


# --- 2.5 ----------------------------------------------------------------------------------------
def _try_show(show: Any) -> None:
    if isinstance(show, Picture):
        raise NotYet(
            "this is one diagram, already drawn. `interact` needs the function itself, to call it "
            "again whenever the slider moves."
        )
    if not callable(show):
        raise NotYet("pass your function, once `interact` has it: `show`, without parentheses.")
    if not hasattr(show, "widget"):
        raise NotYet(
            "this function has no slider. Hand it to `ipywidgets.interact`, together with the "
            "smallest and the largest number of bins."
        )
    controls = [one for one in show.widget.children if hasattr(one, "value")]
    if len(controls) != 1 or not isinstance(getattr(controls[0], "max", None), int):
        raise NotYet(
            "there should be one slider, and it should move in whole numbers: give `interact` a "
            "pair of them, such as `(2, 30)`."
        )
    few, many = (guard.call(show, bins) for bins in (4, 20))
    if few is ...:
        raise NotAttempted
    if few is None:
        raise NotYet("`show` draws a diagram but returns nothing: is the `return` missing?")
    if not isinstance(few, Picture):
        raise NotYet("`show` should return what `figures.reliability_diagram` returns.")
    if few.alt == many.alt:
        raise NotYet(
            "the diagram is the same for 4 and for 20 bins. Does the number reach "
            "`reliability_diagram`?"
        )


ex2_5 = Built(
    name="ex2_5",
    title="A handle for a figure",
    objective="read a reliability diagram, a confusion matrix and a histogram of scores",
    minutes=4,
    task=(
        "How much of the diagram is the network, and how much is the choice of 15 bins? Put a "
        "slider on it. `ipywidgets.interact(function, name=(2, 30))` calls a function whenever "
        "its slider moves, and shows what the function returns. Write `show(bins)`, which returns "
        "`figures.reliability_diagram` of `predictions` with so many bins, and hand it to "
        "`interact`. Then move the slider: what stays, and what comes and goes with the bins?"
    ),
    stub="show = ...",
    passed="show",
    hints=(
        "First write the function alone, and call it with 5 and with 30.",
        "`reliability_diagram` takes a dictionary of models and `bins`, the number of bins.",
        '`return figures.reliability_diagram({"LeNet": predictions}, bins=bins)`; then '
        "`import ipywidgets` and `ipywidgets.interact(show, bins=(2, 30))`.",
    ),
    answer='''import ipywidgets


def show(bins):
    """The reliability diagram with so many bins."""
    return figures.reliability_diagram({"LeNet": predictions}, bins=bins)


ipywidgets.interact(show, bins=(2, 30))''',
    why=(
        "Few bins hide what happens inside them, many bins hold a handful of images each, and the "
        "points jump about by chance. The ECE moves along. Numbers from different bins cannot be "
        "compared."
    ),
    try_out=_try_show,
)
