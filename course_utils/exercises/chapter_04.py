"""Exercises of chapter 4: several networks, one answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .kinds import Choice, Function, Misconception, Number

if TYPE_CHECKING:
    import torch

AVERAGE = (
    "average the members' answers, and show on numbers that the average has at most their mean NLL"
)
ORDER = "sort the output of an ensemble by image and member, and name two ways to get it wrong"
SPLIT = "split the uncertainty about one image into two parts, and read both"


# --- 3.1 ----------------------------------------------------------------------------------------
def _softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    weights = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis, keepdims=True)


def _mean_of_probabilities(logits: np.ndarray) -> np.ndarray:
    return _softmax(logits).mean(axis=1)


def _shares_of_votes(logits: np.ndarray) -> np.ndarray:
    return np.eye(logits.shape[2])[logits.argmax(axis=2)].mean(axis=1)


def _member_logits() -> list[tuple[np.ndarray]]:
    generator = np.random.default_rng(31)
    sure_of_two_things = np.array([[[9.0, 0, 0], [0, 3, 0], [0, 3, 1], [-1, 4, 0]]])
    return [(generator.normal(0, 2, (5, 3, 4)),), (sure_of_two_things,)]


ex4_1 = Function(
    name="ex4_1",
    title="The answer of an ensemble",
    objective=AVERAGE,
    minutes=4,
    task=(
        "Write the answer of a Deep Ensemble. You get the members' logits, a NumPy array of shape "
        "[N, M, C]: images, members, classes. Return the ensemble's probabilities, of shape [N, C]."
    ),
    stub='''def ensemble_answer(member_logits):
    """Probabilities [N, C] of a Deep Ensemble, from logits [N, M, C]."""
    return ...''',
    passed="ensemble_answer",
    hints=(
        "Two steps, softmax and mean. In which order, and over which axis each?",
        "Each member gives probabilities to the classes, the last axis. Then the members, axis 1, "
        "are averaged.",
        "`softmax` from above works along the last axis. What remains is `.mean(axis=1)`.",
    ),
    answer='''def ensemble_answer(member_logits):
    """Probabilities [N, C] of a Deep Ensemble, from logits [N, M, C]."""
    return softmax(member_logits).mean(axis=1)''',
    why="Softmax first, then the mean: a mixture of the members, in which their doubt survives.",
    reference=_mean_of_probabilities,
    inputs=_member_logits,
    misconceptions=(
        Misconception(
            lambda logits: _softmax(logits.mean(axis=1)),
            "this averages logits, and takes the softmax of the mean (the normalised product of "
            "the members' probabilities is the same). The loudest member wins.",
        ),
        Misconception(
            lambda logits: _softmax(_mean_of_probabilities(logits)),
            "the softmax is applied twice. The mean of probabilities sums to 1 as it is.",
        ),
        Misconception(
            lambda logits: _softmax(logits, axis=1).mean(axis=1),
            "the softmax runs over the members, not over the classes.",
        ),
        Misconception(
            _shares_of_votes,
            "these are the shares of votes. A member's vote says nothing about how sure it is.",
        ),
        Misconception(
            lambda logits: _softmax(logits).sum(axis=1),
            "this is the sum over the members. Probabilities of all classes must sum to 1.",
        ),
        Misconception(
            lambda logits: logits.mean(axis=1),
            "these are averaged logits. The softmax of each member is missing.",
        ),
        Misconception(
            lambda logits: _softmax(logits)[:, 0],
            "this is the answer of the first member alone.",
        ),
    ),
)

# --- 3.2 ----------------------------------------------------------------------------------------
ex4_2 = Choice(
    name="ex4_2",
    title="Is it not the same?",
    objective=AVERAGE,
    minutes=3,
    task=(
        "A colleague averages the members' *logits*, takes one softmax at the end, and says: "
        '"Probabilities or logits, it comes to the same." Which reply is right?\n\n'
        "- `a` It does: the softmax is increasing, so the order of mean and softmax is free.\n"
        "- `b` The predicted class is always the same, only the confidence differs.\n"
        "- `c` Confidence and even the predicted class can differ. A bound on the NLL holds in "
        "both cases.\n"
        "- `d` They differ, and with averaged logits the NLL can exceed the mean of the members'."
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "Try it: three members, two classes, and one of the members is very sure.",
        'Look again at the third of the "limits" above.',
        "Logits [12, 0], [0, 2], [0, 2]: compute both means. Which class has the larger "
        "probability in each?",
    ),
    answer='choice = "c"',
    why=(
        "Logits [12, 0], [0, 2], [0, 2]: the mean of the logits prefers the first class, the mean "
        "of the probabilities the second, as do two of the three members."
    ),
    correct="c",
    options={
        "a": "the same",
        "b": "the same class",
        "c": "another class is possible; both keep the bound",
        "d": "averaged logits break the bound",
    },
    reasons={
        "a": "the softmax is not linear, and only a linear function may change places with a mean. "
        "The example above has shown two different results.",
        "b": "a logit has no upper limit and a probability has: one very sure member can outshout "
        "all others in logits, and counts at most 1/M in probabilities.",
        "d": "the cross-entropy is a convex function of the logits, so the bound holds for their "
        "mean as well. What is lost is something else.",
    },
)


# --- 3.3 ----------------------------------------------------------------------------------------
def _by_image(outputs: torch.Tensor, num_members: int) -> torch.Tensor:
    return outputs.reshape(num_members, -1, outputs.shape[1]).transpose(0, 1)


def _stacked_outputs() -> list[tuple[torch.Tensor, int]]:
    import torch

    generator = torch.Generator().manual_seed(33)
    return [
        (torch.randn(num_members * num_images, num_classes, generator=generator), num_members)
        for num_members, num_images, num_classes in ((3, 4, 5), (2, 2, 3), (4, 3, 2))
    ]


def _view(outputs: torch.Tensor, num_members: int) -> torch.Tensor:
    return outputs.reshape(-1, num_members, outputs.shape[1])


ex4_3 = Function(
    name="ex4_3",
    title="Back to images and members",
    objective=ORDER,
    minutes=6,
    task=(
        "Do by hand what `rearrange` did. You get the output of an ensemble, a tensor of M·B rows "
        "in the order `(m b)`, and the number of members. Return a tensor of shape [B, M, C] with "
        "PyTorch alone."
    ),
    stub='''def by_image(outputs, num_members):
    """Logits [B, M, C] from stacked logits [M * B, C]."""
    return ...''',
    passed="by_image",
    hints=(
        "In which order do the rows lie in memory? Which of M and B changes more slowly?",
        "A `view` can split the rows into members and images, in *their* order. A second step must "
        "exchange the two axes.",
        "`outputs.view(num_members, -1, outputs.shape[1])` has the shape [M, B, C]; `.transpose` "
        "takes the numbers of the two axes.",
    ),
    answer='''def by_image(outputs, num_members):
    """Logits [B, M, C] from stacked logits [M * B, C]."""
    return outputs.view(num_members, -1, outputs.shape[1]).transpose(0, 1)''',
    why=(
        "`view` splits an axis and cannot change the order of what lies in it. First split as the "
        "rows lie, then exchange."
    ),
    reference=_by_image,
    inputs=_stacked_outputs,
    misconceptions=(
        Misconception(
            _view,
            "this is `view(b, m, c)`, or does the same: it takes the first M rows, which are M "
            "*images* of the first member, for the M answers to one image.",
        ),
        Misconception(
            lambda outputs, num_members: outputs.T.reshape(_view(outputs, num_members).shape),
            "rows and classes are exchanged before the rows are split.",
        ),
        Misconception(
            lambda outputs, num_members: _by_image(outputs, num_members).flip(1),
            "the images are right, and the members come in the reverse order.",
        ),
    ),
)


# --- 3.4 ----------------------------------------------------------------------------------------
def _joint_loss(outputs: torch.Tensor, labels: torch.Tensor, num_members: int) -> float:
    return _cross_entropy(outputs, labels.repeat(num_members))


def _cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    import torch

    return float(torch.nn.functional.cross_entropy(logits, labels))


def _nll_of_the_mean(outputs: torch.Tensor, labels: torch.Tensor, num_members: int) -> float:
    mean = _by_image(outputs, num_members).softmax(dim=2).mean(dim=1)
    return _cross_entropy(mean.log(), labels)


def _outputs_and_labels() -> list[tuple[torch.Tensor, torch.Tensor, int]]:
    import torch

    generator = torch.Generator().manual_seed(34)
    batches = []
    for num_members, num_images in ((3, 5), (2, 6)):
        outputs = 2 * torch.randn(num_members * num_images, 4, generator=generator)
        batches.append((outputs, torch.arange(num_images) * 3 % 4, num_members))
    return batches


ex4_4 = Function(
    name="ex4_4",
    title="The loss of all rows",
    objective=ORDER,
    minutes=6,
    task=(
        "Write the loss of joint training: the mean of the cross-entropy over all M·B rows of the "
        "output, each with the label of *its* image. You get the output [M·B, C] in the order "
        "`(m b)`, the labels [B] and the number of members; all tensors. PyTorch's "
        "`torch.nn.functional.cross_entropy` takes logits and labels, and returns the mean."
    ),
    stub='''def joint_loss(outputs, labels, num_members):
    """Mean cross-entropy over all rows of a stacked output."""
    return ...''',
    passed="joint_loss",
    hints=(
        "There are M times as many rows as labels. Which label belongs to row B, the first row of "
        "the second member?",
        "The whole list of labels comes again for each member: 7 2 1, 7 2 1, and not 7 7 2 2 1 1.",
        "A tensor has two methods that repeat: `repeat_interleave` and `repeat`. One of them "
        "repeats the whole list.",
    ),
    answer='''def joint_loss(outputs, labels, num_members):
    """Mean cross-entropy over all rows of a stacked output."""
    return torch.nn.functional.cross_entropy(outputs, labels.repeat(num_members))''',
    why=(
        "`RepeatTarget` does the same for torch-uncertainty's routine. Since all members have "
        "equally many rows, the mean over rows is the mean of the members' losses."
    ),
    reference=_joint_loss,
    inputs=_outputs_and_labels,
    misconceptions=(
        Misconception(
            lambda outputs, labels, num_members: _cross_entropy(
                outputs, labels.repeat_interleave(num_members)
            ),
            "the labels are repeated one by one (`repeat_interleave`), but the rows come member "
            "after member. Most rows get the label of another image.",
        ),
        Misconception(
            lambda outputs, labels, num_members: (
                num_members * _joint_loss(outputs, labels, num_members)
            ),
            "this is the *sum* of the members' losses. The mean over all rows is asked for, and "
            "the learning rate of the next section counts on it.",
        ),
        Misconception(
            lambda outputs, labels, num_members: (
                len(outputs) * _joint_loss(outputs, labels, num_members)
            ),
            "this is the sum over all rows. Take the mean.",
        ),
        Misconception(
            _nll_of_the_mean,
            "this is the NLL of the averaged answer. It is at most as large as the loss, and with "
            "it the members would be trained to complete each other, not each on its own.",
        ),
        Misconception(
            lambda outputs, labels, num_members: _cross_entropy(
                _by_image(outputs, num_members).mean(dim=1), labels
            ),
            "the logits are averaged before the loss. Each row has a loss of its own.",
        ),
        Misconception(
            lambda outputs, labels, num_members: _cross_entropy(outputs[: len(labels)], labels),
            "only the first member is asked. The other rows count as well.",
        ),
    ),
)

# --- 3.5 ----------------------------------------------------------------------------------------
ex4_5 = Choice(
    name="ex4_5",
    title="A recipe for five",
    objective=(
        "train members jointly with the right learning rate and weight decay, and say why these "
        "are so"
    ),
    minutes=3,
    task=(
        "Alone, a network is trained by SGD with `lr=0.04, weight_decay=5e-4`. Now **five** of "
        "them are trained jointly, with the mean over all rows as the loss. Which recipe lets each "
        "go the way it would have gone alone?\n\n"
        "- `a` `lr=0.04, weight_decay=5e-4`\n"
        "- `b` `lr=0.2, weight_decay=5e-4`\n"
        "- `c` `lr=0.2, weight_decay=1e-4`\n"
        "- `d` `lr=0.008, weight_decay=25e-4`"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "How large is the gradient that reaches one member, compared with training alone?",
        "A fifth of the gradient times five times the learning rate. And what does the learning "
        "rate do to the weight decay?",
        "A step is lr · (gradient + weight_decay · w). Put in a fifth of the gradient, and compare "
        "both terms with those of a network alone.",
    ),
    answer='choice = "c"',
    why=(
        "Both terms of the step are as alone: 0.2 times a fifth of the gradient, and 0.2 · 1e-4 "
        "is 0.04 · 5e-4. With Adam the learning rate stays as alone; its weight decay is still "
        "divided by 5, AdamW's is not."
    ),
    correct="c",
    options={
        "a": "both as alone",
        "b": "learning rate times 5",
        "c": "learning rate times 5, weight decay by 5",
        "d": "learning rate by 5, weight decay times 5",
    },
    reasons={
        "a": "the mean over five members divides each one's gradient by five, so each would learn "
        "with a fifth of the learning rate.",
        "b": "the learning rate is right. But the weight decay does not pass through the loss, is "
        "not divided by five there, and is multiplied by the larger learning rate.",
        "d": "the other way round: the gradient of each member has *become* smaller, and the step "
        "must make up for it.",
    },
)


# --- 3.6 ----------------------------------------------------------------------------------------
def _share_of_the_last(measured: Sequence[np.ndarray]) -> float:
    """What the last member brings, in percent of what all bring; NLL is the second measure."""
    nll = [subsets[:, 1].mean() for subsets in measured]
    return 100 * (nll[-2] - nll[-1]) / (nll[0] - nll[-1])


ex4_6 = Number(
    name="ex4_6",
    title="What does the eighth bring?",
    objective=(
        "draw accuracy, NLL and calibration against the number of members, and say what the bars "
        "mean"
    ),
    minutes=2,
    task=(
        "Predict before you look at the figure below. Eight members have a lower NLL than one. How "
        "much of this gain is due to the **eighth**, in percent of the whole? The check computes "
        "it from the numbers that you have just measured, as means over subsets. A prediction "
        "within 1 of it counts as right."
    ),
    stub="guess = ...  # in percent of the gain",
    passed="guess, measured",
    hints=(
        "If each member brought the same, it would be a seventh.",
        "The part of the members' variance that they do not share falls like 1/M in their mean. "
        "How much of the fall from 1 to 1/8 is the last step?",
        "From 1 to 1/8 it falls by 7/8, and from 1/7 to 1/8 by 1/56.",
    ),
    answer="guess = 100 * (1 / 7 - 1 / 8) / (1 - 1 / 8)",
    why=(
        "As a mean of eight numbers hardly moves when a ninth is added, so it is with members. The "
        "rule 1/M is a rule of thumb: it holds where members differ little, and some digits divide "
        "them by orders of magnitude. Read in the figure what the second brought."
    ),
    expected=_share_of_the_last,
    tolerance=1,
    unit="percent",
    misconceptions=(
        Misconception(
            100 / 7, "so much would it be if each brought the same. But the first few bring most."
        ),
        Misconception(
            100 / 2, "that is more like what the *second* brings. The eighth comes last."
        ),
        Misconception(
            0,
            "the mean over subsets still falls with every member: Jensen's inequality is strict "
            "wherever members differ.",
        ),
    ),
)


# --- 3.7 ----------------------------------------------------------------------------------------
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


ex4_7 = Function(
    name="ex4_7",
    title="Split the entropy",
    objective=SPLIT,
    minutes=10,
    task=(
        "Write the split for many images. You get the members' probabilities, a NumPy array of "
        "shape [N, M, C]. Return an array of shape [N, 3] with the columns *entropy of the mean*, "
        "*expected entropy*, *mutual information*, in nats. A probability may be exactly 0. It "
        "contributes nothing to an entropy, though its logarithm is minus infinity."
    ),
    stub='''def split_entropy(probabilities):
    """Entropy of the mean, expected entropy, mutual information: [N, M, C] -> [N, 3]."""
    return ...''',
    passed="split_entropy",
    hints=(
        "Write a small function for the entropy along the last axis first, and use it twice: once "
        "before and once after the mean over the members.",
        "The mutual information is the difference of the other two. To avoid the logarithm of 0, "
        "replace zeros by 1 *inside the logarithm only*: `np.log(np.where(p > 0, p, 1))`.",
        "`total = entropy(probabilities.mean(axis=1))` and "
        "`expected = entropy(probabilities).mean(axis=1)`; then `np.stack([…], axis=1)`.",
    ),
    answer='''def split_entropy(probabilities):
    """Entropy of the mean, expected entropy, mutual information: [N, M, C] -> [N, 3]."""

    def entropy(p):
        return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1)

    total = entropy(probabilities.mean(axis=1))
    expected = entropy(probabilities).mean(axis=1)
    return np.stack([total, expected, total - expected], axis=1)''',
    why=(
        "Mean of the entropies or entropy of the mean: the order of two operations, and all that "
        "members disagree about lies between. Try it on `predictions_eight.probabilities`."
    ),
    reference=_split,
    inputs=_member_probabilities,
    misconceptions=(
        Misconception(
            lambda probabilities: _split(probabilities) / np.log(2),
            "all three are in bits: this is the logarithm to base 2. Nats come from `np.log`.",
        ),
        Misconception(
            _split_as(lambda total, expected, _: (expected, expected, 0 * total)),
            "the first column is the mean of the members' entropies. The entropy *of the mean* "
            "takes the mean first, and then the entropy.",
        ),
        Misconception(
            _split_as(lambda total, expected, _: (expected, total, expected - total)),
            "the first two columns are exchanged: mean of the entropies for entropy of the mean. "
            "No wonder that the third is negative.",
        ),
        Misconception(
            _split_as(lambda total, expected, _: (expected, total, total - expected)),
            "the first two columns are exchanged: the mean of the entropies stands first.",
        ),
        Misconception(
            _split_as(lambda total, expected, _: (total, expected, expected - total)),
            "the third column has the wrong sign. The total is the larger one.",
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
            "the sign is missing: logarithms of probabilities are negative, an entropy is not.",
        ),
    ),
)

# --- 3.8 ----------------------------------------------------------------------------------------
ex4_8 = Choice(
    name="ex4_8",
    title="Two kinds of half and half",
    objective=SPLIT,
    minutes=3,
    task=(
        "The mean answer to two images is the same: half 3, half 5. To image A four of the eight "
        "members say 3 and four say 5, each quite sure. To image B every member says half 3, half "
        "5. Which sentence is right?\n\n"
        "- `a` The entropy of the mean is larger for A, because the members contradict each "
        "other.\n"
        "- `b` For A nearly all of the entropy is mutual information, for B none of it.\n"
        "- `c` For A nearly all of the entropy is expected entropy, for B none of it.\n"
        "- `d` The ensemble cannot tell A from B."
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "Which of the three numbers are computed from the mean alone?",
        "How large is the entropy of a member that is quite sure?",
        "For A each member's entropy is nearly 0, so the expected entropy is. What is left of ln "
        "2?",
    ),
    answer='choice = "b"',
    why=(
        "The same total, ln 2, for two reasons. For A it helps to learn which members are right, "
        "with more training digits of that kind, say. For B only a better look at the image does."
    ),
    correct="b",
    options={
        "a": "larger for A",
        "b": "A: mutual information",
        "c": "A: expected entropy",
        "d": "cannot tell",
    },
    reasons={
        "a": "the entropy of the mean sees the mean only, and that is the same for both.",
        "c": "the expected entropy is the mean of the members' own entropies. How unsure is each "
        "member about A, for itself?",
        "d": "the *mean answer* cannot. The members' answers are kept apart, and they differ.",
    },
)
