"""The quiz at the end: twenty questions, each with a reason for every answer."""

from __future__ import annotations

from .kinds import Choice

STUB = "answer = ..."


def _question(
    place: int,
    chapter: int,
    title: str,
    objective: str,
    text: str,
    options: dict[str, tuple[str, str]],
    correct: str,
    why: str,
    hints: tuple[str, str, str],
) -> Choice:
    """A question on a chapter; `options` are letter -> (text, what is said if it is wrong)."""
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
        why=f"{why} (Chapter {chapter}.)",
        correct=correct,
        options={letter: words for letter, (words, _) in options.items()},
        reasons={letter: reason for letter, (_, reason) in options.items() if letter != correct},
    )


ex13_1 = _question(
    1,
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
            "whether they are harder doesn't matter here. Who wins a contest among equals?",
        ),
    },
    "b",
    "The winner owes part of its score to chance, and that part doesn't come back on new digits. "
    "Choose on validation, report on test, once.",
    ("Suppose all five recipes are equally good.", "Their accuracies still differ, by chance.",
     "The largest of five noisy numbers lies above their common mean."),
)  # fmt: skip
ex13_2 = _question(
    2,
    1,
    "A foreign set",
    "recognise an evaluation that flatters itself",
    "A loader calls `FashionMNIST(root)` for the images that a digit network should refuse, and "
    "evaluates 10,000 of them. What is wrong?",
    {
        "a": ("The images are in colour.", "they are grey, 28 by 28, like MNIST's."),
        "b": (
            "Without `train=False` these are Fashion-MNIST's training images.",
            "",
        ),
        "c": (
            "Foreign images must never be evaluated.",
            "they should be: how else would you know what the network does with them?",
        ),
    },
    "b",
    "torchvision's default is the training part. The numbers come out nearly alike, so nobody "
    "notices; but a method tuned on these images would be judged on them.",
    ("Look at the arguments that are missing.", "What is the default of `train`?",
     "`train=True` is the default."),
)  # fmt: skip
ex13_3 = _question(
    3,
    9,
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
            "Among images of like confidence, it is right as often as it says.",
            "",
        ),
        "c": (
            "It makes few errors.",
            "a network that guesses and says 10 % everywhere is calibrated, too.",
        ),
    },
    "b",
    "Calibration is a statement about groups of like confidence. It doesn't say that the "
    "accuracy is high, and it says nothing about smaller groups within them.",
    ("How many images does a bin speak of?", "Could two halves of a bin differ?",
     "A statement about an average is not one about its parts."),
)  # fmt: skip
ex13_4 = _question(
    4,
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
    "ECE may gain or lose; neither is certain, so measure them.",
    ("One of the three is a theorem.", "Which measure is a convex function of the probability?",
     "-ln p is convex in p."),
)  # fmt: skip
ex13_5 = _question(
    5,
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
    "All members hesitate, and none contradicts another: all of the entropy is expected entropy. "
    "More members of this kind don't help.",
    ("Mutual information: what would you learn by knowing which member is right?",
     "Do the members differ?", "Entropy of the mean minus the mean of the entropies."),
)  # fmt: skip
ex13_6 = _question(
    6,
    4,
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
    "The order is `(m b) c`. Read as `(b m) c`, members and images get mixed, without an error.",
    ("Einops writes it with two letters in brackets.", "In `(m b)` the last letter runs fastest.",
     "First all images of the first member."),
)  # fmt: skip
ex13_7 = _question(
    7,
    6,
    "Four in one",
    "compute the sizes and the cost of a Packed-Ensemble",
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
    ("How wide is one member?", "How many weights are there between two halves?",
     "M · (alpha / M)² = alpha² / M."),
)  # fmt: skip
ex13_8 = _question(
    8,
    9,
    "Only the order counts",
    "choose a threshold on validation and defend it on test",
    "A network tells two classes apart. You divide all its logits by a temperature of 2. What "
    "happens to the ranking of the images by their maximum probability?",
    {
        "a": ("It is reversed.", "of two answers, the less certain one stays the less certain."),
        "b": (
            "It stays; the confidences change.",
            "",
        ),
        "c": (
            "It improves: that's the point of calibration.",
            "calibration fixes what the numbers say, not which image comes first.",
        ),
    },
    "b",
    "For two classes the new confidence grows with the old one, so every risk-coverage curve stays "
    "as it is. With more classes a few images change places.",
    ("What would change a risk-coverage curve?", "Only another order of the images.",
     "Is the new confidence a growing function of the old one?"),
)  # fmt: skip
ex13_9 = _question(
    9,
    8,
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
    "A threshold is chosen for a stream. Put some OOD images into validation, or watch the "
    "coverage in use: if it falls, the stream has changed.",
    ("On which images was the promise made?", "Can any answer to a shoe be right?",
     "Every digit is a wrong answer to a shoe."),
)  # fmt: skip
ex13_10 = _question(
    10,
    9,
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
    "ones are exchangeable; shift breaks it.",
    ("Two things are drawn at random.", "The calibration images are drawn, too.",
     "Marginal: averaged over everything that is random."),
)  # fmt: skip
ex13_11 = _question(
    11,
    1,
    "True to its label",
    "say which changes of an image keep its label",
    "You enlarge the training set with changed copies of its digits, each under the label of its "
    "original. Which change should you leave out?",
    {
        "a": (
            "A shift to the right by one pixel.",
            "a digit stays the same digit, wherever it stands.",
        ),
        "b": ("A mirror image.", ""),
        "c": (
            "Ink that is a little paler.",
            "a pale 7 is a 7: people read it, and so should a network.",
        ),
    },
    "b",
    "A mirrored 2 is no digit at all, and a network trained on it learns to accept such things. A "
    "change is good where the label stays true.",
    ("Would you read the same digit afterwards?", "Try each change on a 2.",
     "One of them makes something that nobody writes."),
)  # fmt: skip
ex13_12 = _question(
    12,
    2,
    "A silent schedule",
    "recognise mistakes that raise no error",
    "A learning-rate schedule is planned for a thousand steps, and Lightning moves it on once per "
    "epoch. You train for ten epochs. What happens?",
    {
        "a": (
            "An error: the schedule isn't finished.",
            "PyTorch complains about a schedule with too many steps, not about one with too few.",
        ),
        "b": (
            "Training ends after ten steps.",
            "a schedule sets the learning rate. It has no say in how long training takes.",
        ),
        "c": ("No error; the learning rate stays close to its first value.", ""),
    },
    "c",
    "Ten steps out of a thousand are made. Set the interval to `step`, log the learning rate, and "
    "look at its curve.",
    ("How often is the schedule moved on?", "Ten times out of a thousand.",
     "Who would notice that?"),
)  # fmt: skip
ex13_13 = _question(
    13,
    2,
    "A prior in disguise",
    "say which prior weight decay stands for",
    "The loss is the mean cross-entropy over N images plus half of lambda times the squared norm "
    "of the weights. As MAP estimation, which prior is this?",
    {
        "a": ("A Gaussian with variance 1 / (N lambda).", ""),
        "b": (
            "A Gaussian with variance 1 / lambda.",
            "this would hold for the sum of the cross-entropies. The loss takes their mean.",
        ),
        "c": (
            "A flat one: an ordinary network has no prior.",
            "a flat prior would add nothing to the loss.",
        ),
    },
    "a",
    "Multiply the loss by N: the cross-entropies add up to the negative log-likelihood, and the "
    "penalty becomes N lambda / 2 times the squared norm, a Gaussian's negative logarithm.",
    ("Make the mean a sum.", "Multiply the whole loss by N, the penalty, too.",
     "A Gaussian with variance v has the penalty 1 / (2 v) times the squared norm."),
)  # fmt: skip
ex13_14 = _question(
    14,
    3,
    "The same order",
    "pick the measure that answers your question",
    "Two networks give the same answers. Their confidences differ, but they put the images in the "
    "same order. Which measure is certain to be the same for both?",
    {
        "a": ("AURC.", ""),
        "b": ("ECE.", "it compares the confidences themselves with the accuracy."),
        "c": ("NLL.", "it takes the logarithm of a probability, and the probabilities differ."),
    },
    "a",
    "A risk-coverage curve asks which image comes first, and whether its answer is right. Both are "
    "the same here, so the area is, too.",
    ("Which of the three uses only ranks?", "Think of how its curve is drawn.",
     "Sort by confidence, then count mistakes."),
)  # fmt: skip
ex13_15 = _question(
    15,
    4,
    "Four times one",
    "recognise mistakes that raise no error",
    "You make a Deep Ensemble of four from one trained LeNet, with `reset_model_parameters=False`. "
    "What is the mutual information of its answers?",
    {
        "a": (
            "As large as that of four networks trained apart.",
            "those began with other weights. What would make these four differ?",
        ),
        "b": ("Zero for every image.", ""),
        "c": (
            "It isn't defined before the ensemble is trained.",
            "four equal answers have a mean and an entropy, like any others.",
        ),
    },
    "b",
    "The ensemble holds four copies of one member, and copies can't disagree. No error tells you.",
    ("What does `False` leave as it is?", "All four have the same weights.",
     "Mutual information measures how far members disagree."),
)  # fmt: skip
ex13_16 = _question(
    16,
    6,
    "Half a channel",
    "compute the sizes and the cost of a Packed-Ensemble",
    "The hidden layers of LeNet have 6, 16, 120 and 84 channels. Packed, each has alpha times as "
    "many, in M groups of the same size. Which of these can't be built?",
    {
        "a": ("alpha = 2, M = 4.", "12 channels make four groups of 3; the others divide, too."),
        "b": ("alpha = 3, M = 4.", ""),
        "c": ("alpha = 4, M = 4.", "with alpha = M every member is a whole LeNet."),
    },
    "b",
    "18 channels don't make four equal groups. For LeNet, 2 alpha must be a multiple of M.",
    ("The first layer decides.", "How many channels would a member have there?",
     "6 times alpha, divided by M."),
)  # fmt: skip
ex13_17 = _question(
    17,
    7,
    "Certain and wrong",
    "pick the measure that answers your question",
    "Of 10,000 images, the one with the highest confidence is answered wrongly. Which area suffers "
    "out of all proportion?",
    {
        "a": (
            "AUGRC.",
            "it divides mistakes by all images: a single one adds 1 / 10,000 at the most.",
        ),
        "b": ("AURC.", ""),
        "c": (
            "Neither: only the number of mistakes counts.",
            "both areas also depend on the ranks at which the mistakes stand.",
        ),
    },
    "b",
    "AURC divides by the number of answered images. At the lowest coverage this is 1, so the risk "
    "begins at 100 %; AUGRC divides by all images, and keeps a mistake in proportion.",
    ("By what does each area divide?", "What is the risk if a single image is answered?",
     "One mistake in one answer is a risk of 100 %."),
)  # fmt: skip
ex13_18 = _question(
    18,
    8,
    "The price of asking",
    "compute what a decision costs",
    "A mistake costs 1, a referral costs 0.1, a right answer costs nothing. The probabilities can "
    "be trusted. When should you answer?",
    {
        "a": (
            "Where the confidence is above 0.1.",
            "at a confidence of 0.2 an answer costs 0.8 on average. And a referral?",
        ),
        "b": (
            "Where the confidence is above 0.5.",
            "at a confidence of 0.6 an answer costs 0.4 on average. And a referral?",
        ),
        "c": ("Where the confidence is above 0.9.", ""),
    },
    "c",
    "An answer costs 1 minus the confidence on average, a referral 0.1. Answering is cheaper where "
    "1 minus the confidence is below 0.1: Chow's rule.",
    ("What does an answer cost on average, at a confidence of p?", "1 - p. And a referral?",
     "For which p is 1 - p less than 0.1?"),
)  # fmt: skip
ex13_19 = _question(
    19,
    10,
    "An alarm without labels",
    "notice a shift without labels",
    "Your network is in use, nobody labels the images, and the camera gets dirty. Which of these "
    "can still warn you?",
    {
        "a": ("The accuracy.", "who would tell you which answers are right?"),
        "b": ("The ECE.", "it compares confidence with accuracy, and accuracy needs labels."),
        "c": ("The mean entropy of the answers.", ""),
    },
    "c",
    "Entropy and disagreement come from the answers alone. They are alarms, not cures: they tell "
    "you that something has changed, not how many answers are wrong.",
    ("Two of the three need something that you don't have.", "Who knows the right answers?",
     "Pick what you can compute from probabilities alone."),
)  # fmt: skip
ex13_20 = _question(
    20,
    11,
    "The prices change",
    "compute what a decision costs",
    "On a stream, policy A costs less than policy B. Then the price of a mistake becomes ten times "
    "as high, and that of a referral stays. Which policy is cheaper now?",
    {
        "a": (
            "Still A: the images are the same.",
            "the images are, but the cost weighs mistakes against referrals. What if A makes more "
            "mistakes?",
        ),
        "b": (
            "Still A: both costs grow tenfold.",
            "only the mistakes' part grows. What if A makes more mistakes?",
        ),
        "c": ("It depends on how many mistakes each makes.", ""),
    },
    "c",
    "If B makes fewer mistakes and refers more, it may win now. A policy is good or bad for given "
    "costs and a given mix of images.",
    ("What does a policy's cost consist of?", "Which of the two parts has changed?",
     "Suppose that A never refers, and that B refers a lot."),
)  # fmt: skip
