"""Exercises of chapter 10: shift, and scores for what is no digit."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import guard
from .exercise import NotYet
from .kinds import Choice, Function, Misconception

SCORES = "compute an energy score and compare five scores for out-of-distribution images"
OWN = "bring images of your own into the form the network knows"

# --- 10.1 -----------------------------------------------------------------------------------------
ex10_1 = Choice(
    name="ex10_1",
    title="An alarm without labels",
    objective=(
        "draw accuracy, calibration and disagreement against the severity of a corruption, and say "
        "which of them needs no labels"
    ),
    minutes=2,
    task=(
        "Your ensemble reads envelopes day and night, and nobody writes down what the right "
        "answers would have been. You want an alarm for the day on which the scanner gets dirty. "
        "Which measure can you watch?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "For which of the four must somebody know which digit it really was?",
        "ECE compares confidence with something. With what?",
        "Three of them use the labels. The fourth compares members with each other.",
    ),
    answer='choice = "d"',
    why=(
        "Members can be compared with each other at any time. What they cannot tell you is how "
        "many answers are wrong: for that, some images must be labelled."
    ),
    correct="d",
    options={
        "a": "Its ECE",
        "b": "Its accuracy",
        "c": "Its NLL",
        "d": "The mean disagreement of its members",
    },
    reasons={
        "a": "ECE compares the confidence with the share of right answers. Who counts those?",
        "b": "accuracy is the share of right answers, and nobody knows which ones are right.",
        "c": "the NLL takes the probability of the *true* class, which nobody writes down.",
    },
)


# --- 10.2 -----------------------------------------------------------------------------------------
def _log_sum_exp(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.logaddexp.reduce(values, axis=-1))


def _energy(logits: np.ndarray) -> np.ndarray:
    return -_log_sum_exp(logits.mean(axis=1))


def _member_logits() -> list[tuple[np.ndarray]]:
    generator = np.random.default_rng(10)
    return [(generator.normal(1, 3, shape),) for shape in ((5, 3, 4), (6, 2, 10))]


def _examine_large(energy: Any) -> None:
    large = np.array([[[1000.0, 0.0], [1200.0, 2.0]]])
    if not np.allclose(np.asarray(guard.call(energy, large), dtype=float), -1100):
        raise NotYet(
            "right for small logits. With a logit of 1000, `np.exp` is infinite: subtract the "
            "largest logit of each image before, and add it again after the logarithm."
        )


ex10_2 = Function(
    name="ex10_2",
    title="The energy score",
    objective=SCORES,
    minutes=5,
    task=(
        "Write the third score. `logits` is [images, members, classes]. Average the logits over "
        "the members, and return one energy for each image. Mind that logits can be large: "
        "`np.exp(1000)` is infinite."
    ),
    stub='''def energy(logits):
    """The energy of each image, higher for less certain."""
    return ...''',
    passed="energy",
    hints=(
        "Which axis holds the members, and which one the classes?",
        "ln Σ exp(z) = m + ln Σ exp(z - m) for any m. The largest logit of the image is a good m.",
        "With `z = logits.mean(axis=1)` and `largest = z.max(axis=1)`, no term of "
        "`np.exp(z - largest[:, None])` is above 1.",
    ),
    answer='''def energy(logits):
    """The energy of each image, higher for less certain."""
    z = logits.mean(axis=1)
    largest = z.max(axis=1)
    total = np.exp(z - largest[:, None]).sum(axis=1)
    return -(largest + np.log(total))''',
    why=(
        "The sum lies between its largest term and C times that, so the energy is minus the "
        "largest logit, up to ln C. That's why the two scores order images nearly alike."
    ),
    reference=_energy,
    inputs=_member_logits,
    examine=_examine_large,
    misconceptions=(
        Misconception(
            lambda z: -_energy(z), "the sign is missing: a sure image has a *low* energy."
        ),
        Misconception(
            lambda z: -_log_sum_exp(z).mean(axis=1),
            "this averages the members' energies. Average their logits first.",
        ),
        Misconception(
            lambda z: -_log_sum_exp(z.sum(axis=1)),
            "this adds up the members' logits.",
        ),
        Misconception(
            lambda z: -z.mean(axis=1).max(axis=1), "this is the maximum logit, the second score."
        ),
        Misconception(
            lambda z: -np.exp(z.mean(axis=1)).sum(axis=1), "the logarithm of the sum is missing."
        ),
        Misconception(
            lambda z: -z.mean(axis=1).sum(axis=1),
            "this is the sum of the logits: the logarithm comes after the sum, not before.",
        ),
    ),
)


# --- 10.3 -----------------------------------------------------------------------------------------
ex10_3 = Choice(
    name="ex10_3",
    title="Same scores, other number",
    objective=SCORES,
    minutes=3,
    task=(
        "The AUROC of the entropy is higher with batches of 10 than with batches of 1,000, by the "
        "same metric and for the same images. You write a report. What do you do?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "AUROC is the probability that a piece of clothing scores higher than a digit. Does that "
        "depend on how images are fed to a computer?",
        "Averaging a number that is wrong with one that is right does not help.",
        "Batches of 1,000 are right only as long as *every* batch has a score outside 0 to 1.",
    ),
    answer='choice = "c"',
    why=(
        "The area belongs to the scores, not to the batches, so it is computed from all scores "
        "together. In small batches some were squeezed by a sigmoid and others not; that moved "
        "digits and clothes apart, which no network did."
    ),
    correct="c",
    options={
        "a": "Report the small batches: it is the better result",
        "b": "Report the mean over several batch sizes, with its standard deviation",
        "c": "Keep the scores of all images and compute the area once, outside the metric",
        "d": "Report batches of 1,000, and use the same size for everything",
    },
    reasons={
        "a": "the network is the same in both. What got better is the mistake of the metric.",
        "b": "this is no noise that averages out: some batches are squeezed, others are not.",
        "d": "with a better network a batch of 1,000 digits may hold no entropy above 1, and then "
        "you are back in the trap without noticing.",
    },
)


# --- 10.4 -----------------------------------------------------------------------------------------
def _border(images: np.ndarray) -> np.ndarray:
    mask = np.ones((28, 28), dtype=bool)
    mask[1:-1, 1:-1] = False
    return images[:, mask]


def _bright_ink(images: np.ndarray) -> np.ndarray:
    bright = np.median(_border(images), axis=1) > 127
    return np.where(bright[:, None, None], 255 - images, images)


def _both_kinds() -> list[tuple[np.ndarray]]:
    images = np.zeros((5, 28, 28), dtype=np.uint8)
    images[:, 8:20, 12:16] = 230
    images[1] = 255 - images[1]
    images[2, 2:-2, 2:-2] = 250  # much ink on dark paper
    images[3, 2:-2, 2:-2] = 250
    images[3] = 255 - images[3]
    images[4, 0] = 255  # a bright edge
    return [(images,)]


ex10_4 = Function(
    name="ex10_4",
    title="Which way round is the ink?",
    objective=OWN,
    minutes=6,
    task=(
        "A folder may hold both kinds. Invert only the images whose paper is bright: the median of "
        "the outermost pixels (first and last row, first and last column) is above 127. `images` "
        "is uint8 [images, 28, 28], with values from 0 to 255. Return all images in their order, "
        "as uint8."
    ),
    stub='''def bright_ink(images):
    """All images, those on bright paper inverted."""
    return ...''',
    passed="bright_ink",
    hints=(
        "The ink may fill most of an image. Why does the task look at the edge only?",
        "A mask of 28 by 28, true at the edge: `images[:, mask]` is then [images, 108].",
        "Copy the images. With `bright` true or false for each, `result[bright] = 255 - "
        "result[bright]` inverts some.",
    ),
    answer='''def bright_ink(images):
    """All images, those on bright paper inverted."""
    edge = np.ones((28, 28), dtype=bool)
    edge[1:-1, 1:-1] = False
    bright = np.median(images[:, edge], axis=1) > 127
    result = images.copy()
    result[bright] = 255 - result[bright]
    return result''',
    why=(
        "No error would have told you. Black and white are numbers like any others, so look at "
        "images before you measure anything on them."
    ),
    reference=_bright_ink,
    inputs=_both_kinds,
    misconceptions=(
        Misconception(
            lambda x: 255 - x, "this inverts all images. Those on dark paper must stay as they are."
        ),
        Misconception(lambda x: x, "nothing has changed. Which images have bright paper?"),
        Misconception(
            lambda x: 255 - _bright_ink(x), "this is the wrong way round: the paper must be dark."
        ),
        Misconception(
            lambda x: np.where((x.mean(axis=(1, 2)) > 127)[:, None, None], 255 - x, x),
            "this looks at the mean of all pixels, and a thick digit fools it. Look at the edge.",
        ),
        Misconception(
            lambda x: np.where((_border(x).max(axis=1) > 127)[:, None, None], 255 - x, x),
            "a single bright pixel at the edge decides here. Take the median.",
        ),
        Misconception(
            lambda x: _bright_ink(x) / 255,
            "keep the scale from 0 to 255: these are divided by 255.",
        ),
    ),
)
