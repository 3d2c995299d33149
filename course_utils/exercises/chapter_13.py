"""The quiz at the end: ten questions, each with a reason for every answer."""

from __future__ import annotations

from .kinds import Choice

STUB = "answer = ..."


def _question(
    place: int,
    title: str,
    objective: str,
    text: str,
    options: dict[str, tuple[str, str]],
    correct: str,
    why: str,
    hints: tuple[str, str, str],
) -> Choice:
    """A question; `options` are letter -> (text, what is said to who chooses it wrongly)."""
    return Choice(
        name=f"ex13_{place}",
        title=title,
        objective=objective,
        minutes=2,
        task=text,
        stub=STUB,
        passed="answer",
        hints=hints,
        answer=f'answer = "{correct}"',
        why=why,
        correct=correct,
        options={letter: words for letter, (words, _) in options.items()},
        reasons={letter: reason for letter, (_, reason) in options.items() if letter != correct},
    )


ex13_1 = _question(
    1,
    "Where to look first",
    "say which images a choice may be made on",
    "You try five recipes and keep the one with the highest accuracy on the test digits. What is "
    "wrong with reporting that accuracy?",
    {
        "a": (
            "Nothing: all five saw the same digits.",
            "they did, but luck on these digits helped to choose the winner.",
        ),
        "b": (
            "It is expected to be too high: luck on these digits helped to choose the winner.",
            "",
        ),
        "c": (
            "It is expected to be too low: the test digits are harder.",
            "whether they are harder does not matter here. Who wins a contest among equals?",
        ),
    },
    "b",
    "Whoever chooses on a set also chooses its luck. Choose on validation, report on test, once.",
    ("Suppose all five recipes are equally good.", "Their accuracies still differ, by chance.",
     "The largest of five noisy numbers lies above their common mean."),
)  # fmt: skip
ex13_2 = _question(
    2,
    "A foreign set",
    "recognise an evaluation that flatters itself",
    "A loader calls `FashionMNIST(root)` for the images that a digit network should refuse, and "
    "evaluates 10,000 of them. Which trap is in it?",
    {
        "a": ("The images are in colour.", "they are grey, 28 by 28, as MNIST's."),
        "b": (
            "Without `train=False` these are Fashion-MNIST's training images.",
            "",
        ),
        "c": (
            "Foreign images must never be evaluated.",
            "they must: how else would one know what the network does with them?",
        ),
    },
    "b",
    "torchvision's default is the training part. The numbers come out nearly alike, which is why "
    "nobody notices; a method tuned on these images would be judged on them.",
    ("Look at the arguments that are not there.", "What is the default of `train`?",
     "`train=True` is the default."),
)  # fmt: skip
ex13_3 = _question(
    3,
    "Nine in ten",
    "say what a probability from a network is worth, and check it",
    "A network has an ECE of nearly 0. What follows?",
    {
        "a": (
            "Each single confidence is right.",
            "within a bin, images that are promised too much and too little cancel: the grouping "
            "loss measures this.",
        ),
        "b": (
            "Averaged over images of like confidence, it is as often right as it says.",
            "",
        ),
        "c": (
            "It makes few errors.",
            "a network that says 10 % everywhere and guesses is calibrated, too.",
        ),
    },
    "b",
    "Calibration is a statement about groups of like confidence. It does not say that the "
    "accuracy is high, and nothing about smaller groups within them.",
    ("Of how many images does a bin speak?", "Could two halves of a bin differ?",
     "A statement about an average is not one about its parts."),
)  # fmt: skip
ex13_4 = _question(
    4,
    "Certain to improve",
    "say what averaging is certain to improve",
    "You average the probabilities of four networks. Which of these is true for any networks and "
    "any images?",
    {
        "a": (
            "The accuracy is at least the mean accuracy of the members.",
            "three wrong members may outvote the right one.",
        ),
        "b": ("The NLL is at most the mean NLL of the members.", ""),
        "c": (
            "The ECE is at most the mean ECE of the members.",
            "averaging makes answers less sure: members that were cautious already become too "
            "cautious.",
        ),
    },
    "b",
    "The logarithm is concave: Jensen's inequality, image by image. The accuracy often gains, the "
    "ECE may gain or lose; neither is certain, so one has to look.",
    ("One of the three is a theorem.", "Which measure is a convex function of the probability?",
     "-ln p is convex in p."),
)  # fmt: skip
ex13_5 = _question(
    5,
    "Two kinds of doubt",
    "split a doubt into hesitation and contradiction",
    "Eight members each say: 4 with one half, 9 with one half. What is the mutual information?",
    {
        "a": ("Zero.", ""),
        "b": (
            "ln 2.",
            "this is the entropy of the mean. How much of it is left when you know the member?",
        ),
        "c": ("ln 8.", "the number of members bounds it, but here they all say the same."),
    },
    "a",
    "Everybody hesitates, nobody contradicts: all of the entropy is expected entropy. More members "
    "do not help here; another look at the image might.",
    ("Mutual information: what would you learn by knowing which member is right?",
     "Do the members differ?", "Entropy of the mean minus the mean of the entropies."),
)  # fmt: skip
ex13_6 = _question(
    6,
    "Rows of an ensemble",
    "sort the output of an ensemble by image and member",
    "torch-uncertainty's ensemble of 4 returns 8 rows for 2 images. Whose are rows 0 and 1?",
    {
        "a": (
            "Members 0 and 1, both about image 0.",
            "that is the order that `view(2, 4, 10)` takes for granted.",
        ),
        "b": ("Member 0 about image 0, and member 0 about image 1.", ""),
        "c": ("It is not defined.", "it is: `(m b) c`, member after member."),
    },
    "b",
    "The order is `(m b) c`. Whoever reads it as `(b m) c` mixes images, without any error.",
    ("Einops writes it with two letters in brackets.", "In `(m b)` the last letter runs fastest.",
     "First all images of the first member."),
)  # fmt: skip
ex13_7 = _question(
    7,
    "Four in one",
    "compute the cost of a Packed-Ensemble",
    "A Packed-Ensemble with alpha = 2 and M = 4: what does a hidden layer of it cost, in weights, "
    "compared with the same layer of the ordinary network?",
    {
        "a": ("Four times as much.", "each member is narrower, on both sides of the layer."),
        "b": ("Twice as much.", "this holds for the first and the last layer only."),
        "c": ("The same.", ""),
    },
    "c",
    "Alpha squared over M: 4 / 4 = 1. Four members of half the width have a quarter of the weights "
    "each.",
    ("How wide is one member?", "Half as wide: how many weights has a layer between two halves?",
     "M · (alpha / M)² = alpha² / M."),
)  # fmt: skip
ex13_8 = _question(
    8,
    "Only the order counts",
    "choose a threshold on validation and defend it on test",
    "You divide all logits of a single network by a temperature of 2. What happens to the ranking "
    "of the digits by the maximum probability, for two classes?",
    {
        "a": ("It is reversed.", "a less sure answer stays less sure than a surer one."),
        "b": (
            "It stays; the confidences change.",
            "",
        ),
        "c": (
            "It improves, which is why one calibrates.",
            "calibration fixes what the numbers say, not which image comes first.",
        ),
    },
    "b",
    "For two classes the map is monotone, so every risk-coverage curve stays as it is. With more "
    "classes a few digits change places.",
    ("What would change a risk-coverage curve?", "Only another order of the digits.",
     "Is the new confidence a growing function of the old one?"),
)  # fmt: skip
ex13_9 = _question(
    9,
    "The threshold travels",
    "measure what shift and foreign images do to a fixed threshold",
    "A threshold was chosen on clean validation digits for a risk of one in a hundred. Then shoes "
    "come in with the digits. What does the threshold promise?",
    {
        "a": ("The same risk.", "the promise was about images like those it was chosen on."),
        "b": (
            "The same coverage.",
            "shoes are answered less often than digits, as far as the score notices them.",
        ),
        "c": ("Nothing: every answered shoe is an error that validation never saw.", ""),
    },
    "c",
    "A threshold is a choice for a stream. Put some OOD images into validation, or watch the "
    "coverage in use: if it falls, the stream has changed.",
    ("On which images was the promise made?", "Is a shoe ever answered rightly?",
     "Every answer to a shoe is wrong."),
)  # fmt: skip
ex13_10 = _question(
    10,
    "A promise with a number",
    "build prediction sets with a promised coverage",
    "A conformal predictor promises: the set holds the true class with probability at least one "
    "minus alpha. Over what is this probability?",
    {
        "a": (
            "Over the images, for this one calibration set.",
            "one calibration set may be lucky or unlucky; its own coverage varies.",
        ),
        "b": ("Over calibration sets and new images together.", ""),
        "c": (
            "For each class and each image alone.",
            "that would be conditional coverage, which cannot be promised without assumptions.",
        ),
    },
    "b",
    "The guarantee is marginal. It holds on average over both draws, if calibration images and new "
    "ones are exchangeable: shift breaks it.",
    ("Two things are drawn at random.", "The calibration images are drawn, too.",
     "Marginal: averaged over everything that is random."),
)  # fmt: skip
