"""Exercises of chapter 1: images, and how to keep them apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import guard
from .exercise import NotYet
from .kinds import Choice, Function, Misconception, Number, as_array


# --- 1.1 ----------------------------------------------------------------------------------------
def _auroc(digit_scores: np.ndarray, clothes_scores: np.ndarray, tie: float = 0.5) -> float:
    clothes = clothes_scores[:, None]
    return float(np.mean((clothes > digit_scores) + tie * (clothes == digit_scores)))


def _beats_the_mean(digit_scores: np.ndarray, clothes_scores: np.ndarray) -> float:
    return float((clothes_scores > digit_scores.mean()).mean())


def _scores_of_digits_and_clothes() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(11)
    votes = generator.integers(0, 5, 30) / 4, generator.integers(1, 6, 30) / 4  # many ties
    return [
        (np.array([0.1, 0.4, 0.4, 0.7]), np.array([0.4, 0.9, 0.3, 0.8])),
        votes,
        (generator.normal(0, 1, 25), generator.normal(0.8, 2, 25)),
    ]


def _more_clothes_than_digits(auroc: Callable[..., Any]) -> None:
    # not among the inputs: NumPy itself would refuse whoever compares one to one, without a hint
    digits, clothes = np.arange(6.0), np.arange(1.5, 16.0)
    value = guard.call(auroc, digits, clothes)
    if not np.isclose(as_array(value, ()), _auroc(digits, clothes)):
        raise NotYet(
            f"with {len(digits)} digits and {len(clothes)} pieces of clothing it is wrong. How "
            "many pairs are there?"
        )


ex1_1 = Function(
    name="ex1_1",
    title="The AUROC in one line",
    objective=(
        'say what "out-of-distribution" means here, measure how well a score finds it, and name '
        "two traps in a ready-made loader"
    ),
    minutes=6,
    task=(
        "Write the AUROC without a library: form all pairs of one digit and one piece of clothing. "
        "A pair counts 1 if the clothes have the higher score, one half if the two scores are "
        "equal, and 0 otherwise. Return the mean over the pairs. The scores are two NumPy arrays, "
        "one of the digits and one of the clothes."
    ),
    stub='''def auroc(digit_scores, clothes_scores):
    """Probability that random clothes score higher than a random digit; ties count half."""
    return ...''',
    passed="auroc",
    hints=(
        "*All* pairs: each piece of clothing meets every digit. What shape does that table have?",
        "`clothes_scores[:, None]` has the shape [N, 1]. Compared with an array of length M it "
        "gives a table of [N, M] answers.",
        "Two tables, one with `>` and one with `==`. Half of the second added to the first, and "
        "then `.mean()`.",
    ),
    answer='''def auroc(digit_scores, clothes_scores):
    """Probability that random clothes score higher than a random digit; ties count half."""
    higher = clothes_scores[:, None] > digit_scores
    equal = clothes_scores[:, None] == digit_scores
    return (higher + 0.5 * equal).mean()''',
    why=(
        "The AUROC looks at the order of the scores only: no threshold, no unit. A score that is "
        "the same for all images gets one half, as guessing does."
    ),
    reference=_auroc,
    inputs=_scores_of_digits_and_clothes,
    examine=_more_clothes_than_digits,
    misconceptions=(
        Misconception(
            lambda digits, clothes: _auroc(digits, clothes, tie=0.0),
            "pairs of equal scores count nothing here. They count one half: a coin would decide "
            "them.",
        ),
        Misconception(
            lambda digits, clothes: _auroc(digits, clothes, tie=1.0),
            "pairs of equal scores count as a success here. They count one half: a coin would "
            "decide them.",
        ),
        Misconception(
            lambda digits, clothes: 1 - _auroc(digits, clothes),
            "the direction is reversed: a pair counts where the *clothes* have the higher score.",
        ),
        Misconception(
            lambda digits, clothes: float(
                ((clothes > digits) + 0.5 * (clothes == digits)).mean(),
            ),
            "the first digit meets only the first piece of clothing, the second the second, and so "
            "on. All pairs are asked for: each piece of clothing meets every digit.",
        ),
        Misconception(
            _beats_the_mean,
            "the clothes are compared with the mean digit. A mean says nothing about how widely "
            "the digits are spread: compare with each of them.",
        ),
    ),
)

# --- 1.2 ----------------------------------------------------------------------------------------
ex1_2 = Number(
    name="ex1_2",
    title="How many windows?",
    objective="draw a random crop, and name changes that would make a label false",
    minutes=2,
    task=(
        "With a border of 4 pixels the image has 36 by 36 pixels. How many different windows of 28 "
        "by 28 can be cut out of it?"
    ),
    stub="num_windows = ...",
    passed="num_windows",
    hints=(
        "Where can the left edge of the window lie?",
        "The first column of the window may be column 0, 1, … of the padded image. What is the "
        "last that is possible?",
        "36 - 28 = 8, so columns 0 to 8, and the same for rows.",
    ),
    answer="num_windows = (36 - 28 + 1) ** 2",
    why=(
        "9 places across and 9 down, the middle included. So a network that passes over the "
        "training images a few times rarely sees the same picture twice."
    ),
    expected=81,
    tolerance=0.5,
    misconceptions=(
        Misconception(64, "from 0 to 8 there are nine places, not eight."),
        Misconception(9, "this is one direction. Rows and columns are chosen separately."),
        Misconception(16, "the border is on *both* sides: the window can move by twice 4 pixels."),
        Misconception(
            25,
            "the border is on *both* sides: the window can move by twice 4 pixels, "
            "4 to the left and 4 to the right.",
        ),
        Misconception(36 * 36, "these are the pixels of the padded image. The window must fit in."),
    ),
)


# --- 1.3 ----------------------------------------------------------------------------------------
def _shared(first: np.ndarray, second: np.ndarray) -> int:
    known = {image.tobytes() for image in second}
    return sum(image.tobytes() in known for image in first)


def _shared_distinct(first: np.ndarray, second: np.ndarray) -> int:
    return len({image.tobytes() for image in first} & {image.tobytes() for image in second})


def _shared_ink(first: np.ndarray, second: np.ndarray) -> int:
    return int(np.isin(first.sum(axis=(1, 2)), second.sum(axis=(1, 2))).sum())


def _same_place(first: np.ndarray, second: np.ndarray) -> int:
    return int((first == second).all(axis=(1, 2)).sum())


def _two_sets() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(13)
    images = generator.integers(0, 256, (20, 28, 28), dtype=np.uint8)
    moved = np.roll(images[5], 3, axis=1)  # as much ink, another image
    first = np.stack([images[i] for i in (0, 1, 2, 3, 4, 5, 3, 6)])
    second = np.stack([*images[10:13], images[3], moved, images[1], images[1], images[1]])
    third = np.stack([images[i] for i in (7, 8, 9, 15, 16, 17, 18, 19)])
    return [(first, second), (second, first), (first, third)]


ex1_3 = Function(
    name="ex1_3",
    title="Do two sets share images?",
    objective=(
        "show with a few lines of code how choosing on the test set flatters the winner, and check "
        "that two sets share no image"
    ),
    minutes=8,
    task=(
        "Three sets are worth something only if they share no image. Write a function that counts "
        "how many images of the first array are also somewhere in the second, pixel for pixel. An "
        "image that stands twice in the first array counts twice. Both arrays are uint8 of shape "
        "[N, 28, 28]."
    ),
    stub='''def num_shared(first, second):
    """How many images of the first array are also in the second."""
    return ...''',
    passed="num_shared",
    hints=(
        "An image may stand at another place in the second array. With a loop over both it works, "
        "and takes a while for 55,000 times 10,000 images.",
        "A `set` finds its elements at once, but cannot hold arrays. It can hold `bytes`.",
        "`known = {image.tobytes() for image in second}`; then count the images of the first array "
        "with `image.tobytes() in known`.",
    ),
    answer='''def num_shared(first, second):
    """How many images of the first array are also in the second."""
    known = {image.tobytes() for image in second}
    return sum(image.tobytes() in known for image in first)''',
    why=(
        "An image in both sets is a question that was asked before. Try your function on "
        "`data_train.images` and `data_test.images`. It finds exact copies only: the same digit "
        "shifted by a pixel, or another digit of the same writer, is harder to find."
    ),
    reference=_shared,
    inputs=_two_sets,
    misconceptions=(
        Misconception(
            _same_place,
            "images are compared only where they stand at the same place in both arrays. A copy "
            "may stand anywhere.",
        ),
        Misconception(
            _shared_ink,
            "it looks as if the *sums* of the pixels were compared. A shifted digit has as much "
            "ink and is another image.",
        ),
        Misconception(
            _shared_distinct,
            "an image that stands twice in the first array counts once here. Both take part in "
            "training: count both.",
        ),
        Misconception(
            lambda first, second: _shared(second, first),
            "the roles are exchanged: this counts images of the second array.",
        ),
        Misconception(
            lambda first, second: int(_shared(first, second) > 0),
            "this says whether there is any. How many are there?",
        ),
        Misconception(
            lambda first, second: len(first) - _shared(first, second),
            "these are the images of the first array that are *not* in the second.",
        ),
    ),
)

# --- 1.4 ----------------------------------------------------------------------------------------
ex1_4 = Number(
    name="ex1_4",
    title="How many digits for a thousandth?",
    objective=(
        "show with a few lines of code how choosing on the test set flatters the winner, and check "
        "that two sets share no image"
    ),
    minutes=4,
    task=(
        "A network errs on about one digit in a hundred. How many digits must you test it on, so "
        "that the standard error of its error rate is one in a **thousand**? (Round as you like.)"
    ),
    stub="needed_digits = ...",
    passed="needed_digits",
    hints=(
        "The formula for the standard error stands above. Which of its letters is asked for?",
        "Square both sides of s = √(e (1 - e) / n), and solve for n.",
        "n = e (1 - e) / s², with e = 1/100 and s = 1/1000.",
    ),
    answer="needed_digits = 0.01 * (1 - 0.01) / 0.001**2",
    why=(
        "About ten thousand, which is all of MNIST's test set. Two networks there that differ by "
        "one error in a thousand are not far apart. (If both answer the *same* digits, their "
        "difference is known better than if each had digits of its own, since both err on the same "
        "hard ones. Chapter 6 makes use of it.)"
    ),
    expected=9_900,
    tolerance=150,
    unit="digits",
    misconceptions=(
        Misconception(
            0.25 / 0.001**2,
            "this is the worst case, a network that errs on every second digit. Ours errs rarely, "
            "and e (1 - e) is much smaller.",
        ),
        Misconception(
            1.96**2 * 0.0099 / 0.001**2,
            "this makes half of the interval with the factor 1.96 one in a thousand. One standard "
            "error is asked for.",
        ),
        Misconception(
            9.9, "is the standard error squared? It stands under a root, so n grows with 1/s²."
        ),
        Misconception(
            1_000,
            "with a thousand digits the standard error is about three in a thousand, as the table "
            "shows.",
        ),
        Misconception(
            99_000, "check the powers of ten: s² is one in a million, and e one in a hundred."
        ),
    ),
)

# --- 1.5 ----------------------------------------------------------------------------------------
ex1_5 = Choice(
    name="ex1_5",
    title="Which images to choose with?",
    objective=(
        'say what "out-of-distribution" means here, measure how well a score finds it, and name '
        "two traps in a ready-made loader"
    ),
    minutes=3,
    task=(
        "You have two scores that should find clothes among digits, and want to keep the better "
        "one. With its AUROC you will report how well it works. Which images do you use to "
        "*choose*?\n\n"
        "- `a` MNIST's test digits and Fashion-MNIST's test images: those count in the end.\n"
        "- `b` The first thousand images of each of these two test sets; the rest is for the "
        "report.\n"
        "- `c` The validation digits and as many of Fashion-MNIST's training images.\n"
        "- `d` The training digits and Fashion-MNIST's training images: there are many more."
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "Two questions to each answer: will these images be used again for the report? Has the "
        "network been fitted to them?",
        "A network has seen its training digits, and is surer of them than of new ones.",
        "Remember also who wrote the first half of MNIST's test set.",
    ),
    answer='choice = "c"',
    why=(
        "Both kinds of images are new to the network, and none of them comes back in the report. "
        "One to one, because some measures depend on the ratio."
    ),
    correct="c",
    options={
        "a": "test digits, test clothes",
        "b": "the first thousand of each",
        "c": "validation digits, training clothes",
        "d": "training digits, training clothes",
    },
    reasons={
        "a": "what you choose on flatters the winner, also when the choice is between two scores. "
        "On these images you want to report.",
        "b": "the two parts do not overlap, which is good, but the first part of MNIST's test set "
        "is not like the rest: another group of people wrote it, and it is much harder.",
        "d": "the network was fitted to these digits and is surer of them than of new ones. Digits "
        "and clothes look easier to tell apart than they are.",
    },
)
