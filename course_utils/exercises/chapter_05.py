"""Exercises of chapter 5: what members disagree about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from course_utils.metrics import detection

from .kinds import Choice, Function, Misconception

if TYPE_CHECKING:
    import torch

SPLIT = "split the uncertainty about one image into two parts, and read both"
LIBRARY = "get the same numbers from torch-uncertainty, and say which entropy it reports"
AGREE = "count how often two members agree"
DETECT = "test whether a score sets clothes apart from digits, and against what to compare it"


# --- 5.1 ----------------------------------------------------------------------------------------
def _entropy(probabilities: np.ndarray) -> np.ndarray:
    logarithms = np.log(np.where(probabilities > 0, probabilities, 1))  # 0 ln 0 = 0
    return -(probabilities * logarithms).sum(axis=-1)


def _parts(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _entropy(probabilities.mean(axis=1)), _entropy(probabilities).mean(axis=1)


def _columns(total: np.ndarray, expected: np.ndarray, mutual: np.ndarray) -> np.ndarray:
    return np.stack([total, expected, mutual], axis=1)


def _split(probabilities: np.ndarray) -> np.ndarray:
    total, expected = _parts(probabilities)
    return _columns(total, expected, total - expected)


def _split_as(
    make: Callable[[np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> Callable[[np.ndarray], np.ndarray]:
    """A misconception: the three columns from the two right parts and the number of members."""

    def answer(probabilities: np.ndarray) -> np.ndarray:
        return _columns(*make(*_parts(probabilities), probabilities.shape[1]))

    return answer


def _member_probabilities() -> list[tuple[np.ndarray]]:
    generator = np.random.default_rng(37)
    disputed = np.array([[[1.0, 0, 0], [0, 1, 0], [0, 1, 0], [0.5, 0, 0.5]]])
    return [(generator.dirichlet([0.4] * 5, (6, 3)),), (disputed,)]


ex5_1 = Function(
    name="ex5_1",
    title="Split the entropy",
    objective=SPLIT,
    minutes=8,
    task=(
        "Write the split for many images. You get the members' probabilities, a NumPy array of "
        "shape [N, M, C]. Return an array of shape [N, 3] with the columns *entropy of the mean*, "
        "*expected entropy*, *mutual information*, in nats (natural logarithm). A probability may "
        "be exactly 0: it adds nothing to an entropy, although its logarithm is minus infinity."
    ),
    stub='''def split_entropy(probabilities):
    """Entropy of the mean, expected entropy, mutual information: [N, M, C] -> [N, 3]."""
    return ...''',
    passed="split_entropy",
    hints=(
        "Write a small function for the entropy along the last axis, and use it twice: once on the "
        "mean, and once on the members.",
        "The mutual information is the difference of the other two. To avoid the logarithm of 0, "
        "replace zeros by 1 *inside the logarithm only*: `np.log(np.where(p > 0, p, 1))`.",
        "`total = entropy(probabilities.mean(axis=1))` and "
        "`expected = entropy(probabilities).mean(axis=1)`; then `np.stack([…], axis=1)`.",
    ),
    answer='''def split_entropy(probabilities):
    """Entropy of the mean, expected entropy, mutual information: [N, M, C] -> [N, 3]."""

    def entropy(p):
        logarithms = np.log(np.where(p > 0, p, 1))
        return -(p * logarithms).sum(axis=-1)

    total = entropy(probabilities.mean(axis=1))
    expected = entropy(probabilities).mean(axis=1)
    return np.stack([total, expected, total - expected], axis=1)''',
    why=(
        "Entropy of the mean or mean of the entropies: what lies between the two orders is what "
        "the members disagree about. Try it on `modest.probabilities[[disputed, ambiguous]]`."
    ),
    reference=_split,
    inputs=_member_probabilities,
    misconceptions=(
        Misconception(
            lambda probabilities: _split(probabilities) / np.log(2),
            "all three are in bits, with the logarithm to base 2. For nats take `np.log`.",
        ),
        Misconception(
            _split_as(lambda total, expected, _: (expected, expected, 0 * total)),
            "the first column is the mean of the members' entropies. The entropy *of the mean* "
            "takes the mean first, then the entropy.",
        ),
        Misconception(
            _split_as(lambda total, expected, _: (expected, total, expected - total)),
            "the first two columns are swapped, which is why the third is negative.",
        ),
        Misconception(
            _split_as(lambda total, expected, _: (expected, total, total - expected)),
            "the first two columns are swapped: the mean of the entropies stands first.",
        ),
        Misconception(
            _split_as(lambda total, expected, _: (total, expected, expected - total)),
            "the third column has the wrong sign. Which of the first two is larger?",
        ),
        Misconception(
            _split_as(lambda total, expected, _: (total, expected, total + expected)),
            "the third column is the sum of the first two. The first *is* the sum of the others.",
        ),
        Misconception(
            _split_as(lambda total, expected, m: (total, m * expected, total - m * expected)),
            "the members' entropies are summed. Take their mean.",
        ),
        Misconception(
            lambda probabilities: -_split(probabilities),
            "the sign is missing: logarithms of probabilities are negative, an entropy isn't.",
        ),
        Misconception(
            lambda probabilities: np.tile(
                _split(probabilities).mean(axis=0), (len(probabilities), 1)
            ),
            "these are averages over the images. Each image has three numbers of its own.",
        ),
    ),
)

# --- 5.2 ----------------------------------------------------------------------------------------
ex5_2 = Choice(
    name="ex5_2",
    title="Two kinds of half and half",
    objective=SPLIT,
    minutes=2,
    task=(
        "The ensemble gives the same mean answer to two images: half 3, half 5. For image A four "
        "of the eight members say 3 and four say 5, each quite sure. For image B every member says "
        "half 3, half 5. Which sentence is right?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "Which of the three numbers are computed from the mean alone?",
        "How large is the entropy of a member that is quite sure?",
        "For A each member's entropy is nearly 0, and so is the expected entropy. What remains of "
        "the total, ln 2?",
    ),
    answer='choice = "d"',
    why=(
        "The same total, ln 2, for two reasons. For A it helps to find out which members are "
        "right, for instance with more training digits of that kind. For B only a better look at "
        "the image helps."
    ),
    correct="d",
    options={
        "a": "The entropy of the mean is larger for A, because the members contradict each other.",
        "b": "For A nearly all of the entropy is expected entropy, for B none of it.",
        "c": "The ensemble can't tell A from B.",
        "d": "For A nearly all of the entropy is mutual information, for B none of it.",
    },
    reasons={
        "a": "the entropy of the mean depends on the mean only, and that's the same for both.",
        "b": "the expected entropy is the mean of the members' own entropies. How unsure is each "
        "member about A?",
        "c": "their *mean* is the same. But you still have what each member said, and that "
        "differs.",
    },
)


# --- 5.3 ----------------------------------------------------------------------------------------
def _averages(probabilities: torch.Tensor) -> np.ndarray:
    return _split(probabilities.numpy().astype(np.float64)).mean(axis=0)


def _tensors() -> list[tuple[torch.Tensor]]:
    import torch

    return [(torch.tensor(probabilities),) for (probabilities,) in _member_probabilities()]


def _average_as(
    make: Callable[[float, float, float], tuple[float, float, float]],
) -> Callable[[torch.Tensor], np.ndarray]:
    return lambda probabilities: np.array(make(*_averages(probabilities)))


ex5_3 = Function(
    name="ex5_3",
    title="Ask the library",
    objective=LIBRARY,
    minutes=4,
    task=(
        "Get the same three numbers, averaged over the images, from torch-uncertainty's metrics. "
        "You get the members' probabilities as a tensor of shape [N, M, C]. `Entropy()` and "
        "`MutualInformation()` make metrics, which you call with probabilities. Return *entropy of "
        "the mean*, *expected entropy* and *mutual information*. Careful: `Entropy` takes [N, C] "
        "as well as [N, M, C], and does something different with each."
    ),
    stub='''def library_split(probabilities):
    """Average entropy of the mean, expected entropy and mutual information: three numbers."""
    return ...''',
    passed="library_split",
    hints=(
        "`Entropy()(p)` averages over everything but the classes. What must you give it, so that "
        "it sees the ensemble's answer?",
        "The mean over the members is `probabilities.mean(dim=1)`, of shape [N, C].",
        "`Entropy()(probabilities.mean(dim=1))` is the first, `Entropy()(probabilities)` the "
        "second. `MutualInformation()` wants all members.",
    ),
    answer='''def library_split(probabilities):
    """Average entropy of the mean, expected entropy and mutual information: three numbers."""
    mean = probabilities.mean(dim=1)
    total = Entropy()(mean)
    expected = Entropy()(probabilities)
    mutual = MutualInformation()(probabilities)
    return total, expected, mutual''',
    why=(
        "Given all members, `Entropy` averages *their* entropies. So whenever you report the "
        "entropy of an ensemble, say which one. Of the numbers that `trainer.test` returns, "
        "`cls/Entropy` is that of the mean, `ens_Entropy` the expected entropy, and `ens_MI` the "
        "mutual information."
    ),
    reference=_averages,
    inputs=_tensors,
    tolerance=1e-5,
    misconceptions=(
        Misconception(
            _average_as(lambda total, expected, mutual: (expected, expected, mutual)),
            "the first number is the mean of the members' entropies: given [N, M, C], `Entropy` "
            "averages over the members. Take the mean of the probabilities first.",
        ),
        Misconception(
            _average_as(lambda total, expected, mutual: (total, total, mutual)),
            "the second number is the entropy of the mean once more. For the expected entropy, "
            "`Entropy` needs all members.",
        ),
        Misconception(
            _average_as(lambda total, expected, mutual: (expected, total, mutual)),
            "the first two are swapped. Which of the two shapes averages over members before the "
            "entropy?",
        ),
        Misconception(
            _average_as(lambda total, expected, mutual: (total, expected, 0.0)),
            "the mutual information is 0, as if there were one member. Give the metric all of "
            "them.",
        ),
        Misconception(
            lambda probabilities: _averages(probabilities) / np.log(2),
            "these are in bits. Leave them in nats, as the library returns them.",
        ),
        Misconception(
            lambda probabilities: len(probabilities) * _averages(probabilities),
            "these are sums over the images. Without arguments the metrics return means.",
        ),
    ),
)


# --- 5.4 ----------------------------------------------------------------------------------------
def _agreement(votes: np.ndarray) -> np.ndarray:
    return (votes[:, :, None] == votes[:, None, :]).mean(axis=0)


def _with_all(votes: np.ndarray) -> np.ndarray:
    """Row i, column j: images on which members i and j agree, in numbers."""
    return len(votes) * _agreement(votes)


def _votes() -> list[tuple[np.ndarray]]:
    generator = np.random.default_rng(54)
    return [
        (generator.integers(0, 3, (11, 4)),),
        (np.array([[7, 7, 1], [7, 1, 1], [2, 2, 2], [5, 0, 5]]),),
    ]


ex5_4 = Function(
    name="ex5_4",
    title="A table of agreement",
    objective=AGREE,
    minutes=5,
    task=(
        "You get the members' votes, whole numbers of shape [N, M]. Return an array of shape "
        "[M, M]: in row i and column j stands the share of the images on which members i and j "
        "vote for the same class."
    ),
    stub='''def agreement(votes):
    """Share of images on which two members agree: [N, M] -> [M, M]."""
    return ...''',
    passed="agreement",
    hints=(
        "Two loops over the members, or one comparison of two arrays with an extra axis each.",
        "`votes[:, i] == votes[:, j]` is true for each image on which the two agree.",
        "The mean of such a comparison is a share. Start from `np.ones((num_members, "
        "num_members))` and fill it in.",
    ),
    answer='''def agreement(votes):
    """Share of images on which two members agree: [N, M] -> [M, M]."""
    num_members = votes.shape[1]
    shares = np.ones((num_members, num_members))
    for i in range(num_members):
        for j in range(num_members):
            shares[i, j] = (votes[:, i] == votes[:, j]).mean()
    return shares''',
    why=(
        "One minus the mean over all pairs is torch-uncertainty's `Disagreement`. It counts votes "
        "only, and so it can't tell a narrow vote from a clear one."
    ),
    reference=_agreement,
    inputs=_votes,
    misconceptions=(
        Misconception(
            lambda votes: 1 - _agreement(votes),
            "this is the share on which they *differ*.",
        ),
        Misconception(
            lambda votes: _agreement(votes) - np.eye(votes.shape[1]),
            "the diagonal is 0. How often does a member agree with itself?",
        ),
        Misconception(_with_all, "these are numbers of images. Divide them by all images."),
        Misconception(
            lambda votes: 100 * _agreement(votes),
            "these are percentages. A share lies between 0 and 1.",
        ),
        Misconception(
            lambda votes: np.tril(_agreement(votes)),
            "the upper half is empty: i agrees with j as often as j with i.",
        ),
        Misconception(
            lambda votes: np.triu(_agreement(votes)),
            "the lower half is empty: i agrees with j as often as j with i.",
        ),
    ),
)


# --- 5.5 ----------------------------------------------------------------------------------------
def _strictly(known: np.ndarray, ood: np.ndarray) -> float:
    return float((ood[:, None] > known).mean())


def _known_and_ood() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(55)
    return [
        (generator.normal(0, 1, 30), generator.normal(1, 1, 20)),
        (np.array([0.0, 0.0, 0.25, 0.5]), np.array([0.0, 0.25, 0.5, 0.5, 0.75])),
        (np.zeros(3), np.zeros(2)),
    ]


ex5_5 = Function(
    name="ex5_5",
    title="AUROC from pairs",
    objective=DETECT,
    minutes=5,
    task=(
        "Take one digit and one piece of clothing at random. The AUROC of a score is the "
        "probability that the clothing has the higher score; a tie counts half. You get the "
        "scores of the digits and those of the clothes, two arrays of different lengths. Compare "
        "every pair, and return the AUROC."
    ),
    stub='''def auroc(digits, clothes):
    """Share of pairs in which the clothing has the higher score; ties count half."""
    return ...''',
    passed="auroc",
    hints=(
        "Loop over the clothes. Which share of the digits has a lower score than this one?",
        "`(digits < score).mean()` is that share, and `(digits == score).mean()` the share of the "
        "ties.",
        "Add the first and half of the second for each piece of clothing, and return the mean.",
    ),
    answer='''def auroc(digits, clothes):
    """Share of pairs in which the clothing has the higher score; ties count half."""
    shares = []
    for score in clothes:
        lower = (digits < score).mean()
        ties = (digits == score).mean()
        shares.append(lower + ties / 2)
    return np.mean(shares)''',
    why=(
        "Half is chance, 1 is a perfect separation, and no threshold is needed. "
        "`sklearn.metrics.roc_auc_score` sorts instead of comparing all pairs, and gives the same "
        "number."
    ),
    reference=detection.auroc,
    inputs=_known_and_ood,
    misconceptions=(
        Misconception(_strictly, "ties count nothing here. They should count half."),
        Misconception(
            lambda known, ood: float((ood[:, None] >= known).mean()),
            "ties count in full here. They should count half.",
        ),
        Misconception(
            lambda known, ood: 1 - detection.auroc(known, ood),
            "this is the other way round: the share in which the *digit* has the higher score.",
        ),
        Misconception(
            lambda known, ood: 100 * detection.auroc(known, ood),
            "this is a percentage. A probability lies between 0 and 1.",
        ),
        Misconception(
            lambda known, ood: len(known) * len(ood) * detection.auroc(known, ood),
            "this is the number of pairs. Divide it by all pairs.",
        ),
        Misconception(
            lambda known, ood: float(ood.mean() > known.mean()),
            "you compare the two means. Compare every piece of clothing with every digit.",
        ),
    ),
)


# --- 5.6 ----------------------------------------------------------------------------------------
def _between(images: np.ndarray, low: int = 20, high: int = 235) -> np.ndarray:
    return ((images > low) & (images < high)).mean(axis=(1, 2))


def _grey_values() -> list[tuple[np.ndarray]]:
    generator = np.random.default_rng(56)
    edges = np.array([[[0, 20, 21, 100]], [[234, 235, 255, 0]], [[0, 255, 0, 0]]], np.uint8)
    return [(generator.integers(0, 256, (4, 5, 6)).astype(np.uint8),), (edges,)]


ex5_6 = Function(
    name="ex5_6",
    title="A detector that has learned nothing",
    objective=DETECT,
    minutes=4,
    task=(
        "Digits are nearly black and white, clothes have shades. Chapter 1 counted grey pixels; do "
        "it with a margin. You get images, whole numbers from 0 to 255 of shape [N, 28, 28]. "
        "Return for each image the share of its pixels above 20 and below 235."
    ),
    stub='''def grey_pixels(images):
    """Share of pixels above 20 and below 235: [N, H, W] -> [N]."""
    return ...''',
    passed="grey_pixels",
    hints=(
        "Two comparisons give two arrays of true and false. Both must hold.",
        "`&` joins two comparisons, and each needs its parentheses: `(images > 20) & …`.",
        "The mean of a comparison is a share. Which axes does it go over, so that one number for "
        "each image is left?",
    ),
    answer='''def grey_pixels(images):
    """Share of pixels above 20 and below 235: [N, H, W] -> [N]."""
    above = images > 20
    below = images < 235
    return (above & below).mean(axis=(1, 2))''',
    why=(
        "This rule has never seen a label and was trained on nothing. Whatever an ensemble "
        "achieves on clothes should be compared with it."
    ),
    reference=_between,
    inputs=_grey_values,
    misconceptions=(
        Misconception(
            lambda images: ((images >= 20) & (images <= 235)).mean(axis=(1, 2)),
            "20 and 235 themselves don't count as grey.",
        ),
        Misconception(
            lambda images: ((images > 20) | (images < 235)).mean(axis=(1, 2)),
            "every pixel is above 20 *or* below 235. Both must hold.",
        ),
        Misconception(
            lambda images: 1 - _between(images),
            "this is the share of pixels that are *not* grey.",
        ),
        Misconception(
            lambda images: 100 * _between(images), "these are percentages. Return shares."
        ),
        Misconception(
            lambda images: ((images > 20) & (images < 235)).sum(axis=(1, 2)),
            "these are numbers of pixels. Divide by all pixels of the image.",
        ),
        Misconception(
            lambda images: images.mean(axis=(1, 2)),
            "this is how bright the image is, not how many of its pixels are grey.",
        ),
    ),
)
