"""The bug hunt: ten functions that run and are wrong, and a scoreboard that says what is gone.

The notebook holds the ten faulty functions (`Exercise.stub`), here are the right ones
(`Exercise.answer`), and for each a check that calls the learner's function where the fault shows.
It looks at what a function does, never at how it is written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from . import guard
from .exercise import NOT_ATTEMPTED, NOT_YET, Exercise, Folded, NotYet, Verdict, card, inline
from .kinds import Function, Misconception, as_array

if TYPE_CHECKING:
    import torch

    from course_utils.images import ImageSet
    from course_utils.images.loaders import Split

FEWEST = 500  # images a report must rest on
OBJECTIVE = "find a fault from its symptom, in a script that runs without an error"


@dataclass(eq=False, kw_only=True)
class Examined(Exercise):
    """A function that is judged by a function of ours: ``examine(function)`` raises `NotYet`."""

    examine: Callable[[Callable[..., Any]], None]

    def grade(self, *answers: Any) -> str | None:
        """Call the learner's function, and look at what it does."""
        (function,) = answers
        if not callable(function):
            raise NotYet(f"`{self.passed}` is no longer a function: define it again.")
        self.examine(function)
        return None


# --- 1 and 2: which images ----------------------------------------------------------------------
@cache
def _images(kind: str, split: Split) -> frozenset[bytes]:
    """Every image of a part, as bytes, to look up where images come from."""
    from course_utils.images import load_fashion_mnist, load_mnist

    load = {"digits": load_mnist, "clothes": load_fashion_mnist}[kind]
    return frozenset(image.tobytes() for image in load(split).images)


def _share(images: ImageSet, kind: str, split: Split) -> float:
    known = _images(kind, split)
    return float(np.mean([image.tobytes() in known for image in images.images]))


def _need_images(value: Any, what: str) -> ImageSet:
    from course_utils.images import ImageSet

    if value is ...:
        raise NotYet(f"nothing is returned for {what}.")
    if not isinstance(value, ImageSet):
        raise NotYet(f"{what} must be an `ImageSet`, as the loaders and `.subset` return them.")
    if len(value) < FEWEST:
        raise NotYet(f"{what}: {len(value)} images are too few; keep at least {FEWEST}.")
    return value


_TRAINED_ON = "digits that you report on are among those that you train on."


def _examine_digits(digits: Callable[[], Any]) -> None:
    from course_utils.images import SPLITS

    parts = guard.call(digits)
    if not isinstance(parts, (tuple, list)) or len(parts) != 3:
        raise NotYet("`digits` must return three sets: to train on, to choose on, to report on.")
    names = ("the digits to train on", "the digits to choose on", "the digits to report on")
    train, val, test = (_need_images(*pair) for pair in zip(parts, names, strict=True))
    if {image.tobytes() for image in train.images} & {image.tobytes() for image in test.images}:
        raise NotYet(_TRAINED_ON)
    if {image.tobytes() for image in val.images} & {image.tobytes() for image in test.images}:
        raise NotYet("digits that you report on are digits that you choose on.")
    for images, name, split in zip((train, val, test), names, SPLITS, strict=True):
        if _share(images, "digits", split) < 1:
            raise NotYet(f"{name} are not from the part {split!r} of MNIST.")


_NOT_TEST = "the clothes of the report are not those that were set apart for a report."


def _examine_clothes(clothes: Callable[[], Any]) -> None:
    images = _need_images(guard.call(clothes), "the clothes")
    if _share(images, "clothes", "test") == 1:
        return
    if _share(images, "clothes", "test") == 0 and _share(images, "clothes", "val") == 1:
        raise NotYet(_NOT_TEST)
    raise NotYet("the clothes must come from the part 'test' of Fashion-MNIST, and from no other.")


@contextlib.contextmanager
def _own_chance() -> Iterator[None]:
    """Random numbers that leave the learner's as they were."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


# --- 3: what Lightning takes from a recipe ------------------------------------------------------
NUM_STEPS, NUM_EPOCHS = 40, 4
_NEVER_MOVES = "the learning rate never moves: it is the same at the last step as at the first."


def _examine_recipe(recipe: Callable[..., Any]) -> None:
    from torch import nn

    own: list[Any] = []

    @wraps(recipe)
    def remembered(model: Any, num_steps: int) -> Any:  # a check gets a copy of the model
        own.extend(map(id, model.parameters()))
        return recipe(model, num_steps)

    with _own_chance():
        made = guard.call(remembered, nn.Linear(2, 2), NUM_STEPS)
    optimizer, schedule, interval, frequency = _as_lightning_takes_it(made)
    moved = [id(one) for group in optimizer.param_groups for one in group["params"]]
    if sorted(moved) != sorted(own):
        raise NotYet("the optimizer must move the parameters of `model`, all of them, no others.")
    if schedule is None:
        raise NotYet(_NEVER_MOVES)
    if not hasattr(schedule, "step"):
        raise NotYet("the entry for the schedule holds no scheduler.")
    first = optimizer.param_groups[0]["lr"]
    for step in range(1, NUM_STEPS + 1):
        optimizer.step()
        if step % (frequency * (1 if interval == "step" else NUM_STEPS // NUM_EPOCHS)) == 0:
            schedule.step()
    last = optimizer.param_groups[0]["lr"]
    if last > 0.2 * first:
        raise NotYet(
            f"the learning rate goes from {first:g} to {last:g} in {NUM_STEPS} steps and "
            f"{NUM_EPOCHS} epochs; it should end near zero. Is the schedule moved at every step?"
        )


def _as_lightning_takes_it(made: Any) -> tuple[Any, Any, str, int]:
    """Optimizer, scheduler, interval and frequency; of a dict Lightning takes two keys only."""
    from torch.optim import Optimizer

    if isinstance(made, Optimizer):
        return made, None, "epoch", 1
    if isinstance(made, dict) and isinstance(made.get("optimizer"), Optimizer):
        optimizer, schedule = made["optimizer"], made.get("lr_scheduler")
    elif isinstance(made, (tuple, list)) and len(made) == 2 and isinstance(made[0], Optimizer):
        raise NotYet(
            "Lightning takes no optimizer and schedule side by side: return the dict, or two lists."
        )
    elif (
        isinstance(made, (tuple, list))
        and len(made) == 2
        and all(isinstance(one, (tuple, list)) and len(one) == 1 for one in made)
        and isinstance(made[0][0], Optimizer)
    ):
        (optimizer,), (schedule,) = made
    else:
        raise NotYet("`recipe` must return a dict with an optimizer, as Lightning takes it.")
    if isinstance(schedule, dict):
        interval, frequency = schedule.get("interval", "epoch"), schedule.get("frequency", 1)
        return optimizer, schedule.get("scheduler"), interval, frequency
    return optimizer, schedule, "epoch", 1


# --- 5: asking ----------------------------------------------------------------------------------
_ASKED_TWICE = "asked twice about the same image, the network gives two answers."


def _examine_ask(ask: Callable[..., Any]) -> None:
    import torch
    from torch import nn

    with _own_chance():
        network = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 30), nn.Dropout(0.5), nn.Linear(30, 10)
        )
        inputs = torch.randn(7, 1, 28, 28)
        with torch.inference_mode():
            expected = network.eval()(inputs).numpy()
        network.train()  # as it comes from a training, or from its constructor
        answers = [guard.call(ask, network, inputs) for _ in range(2)]
    first, second = (as_array(answer, expected.shape) for answer in answers)
    if not np.allclose(first, second, atol=1e-5):
        raise NotYet(_ASKED_TWICE)
    if not np.allclose(first, expected, atol=1e-5):
        raise NotYet("these are not the logits that the network gives in evaluation mode.")
    if not all(map(torch.is_tensor, answers)):
        kind = type(answers[0]).__name__
        raise NotYet(
            f"the numbers are right, but `by_member` needs a tensor, and this is a `{kind}`."
        )
    if any(answer.requires_grad for answer in answers):
        raise NotYet(
            "the logits still carry their graph, and the report cannot turn them into NumPy. No "
            "gradient is needed here: which block said so?"
        )


# --- 4, 6 to 10: inputs and right answers -------------------------------------------------------
def _stays_a_tensor(
    inputs: Callable[[], list[tuple[Any, ...]]], because: str
) -> Callable[[Callable[..., Any]], None]:
    """Examine the type of what a function returns, which the code after it relies on."""

    def examine(function: Callable[..., Any]) -> None:
        import torch

        first, *_ = inputs()
        value = guard.call(function, *first)
        wanted, kind = first[0].is_floating_point(), f"a `{type(value).__name__}`"
        if torch.is_tensor(value):
            if value.is_floating_point() == wanted:
                return
            kind = f"a tensor of `{value.dtype}`"
        raise NotYet(f"the numbers are right, but this is {kind}: {because}.")

    return examine


def _labels() -> list[tuple[torch.Tensor, int]]:
    import torch

    return [(torch.tensor([3, 1, 4, 1, 5]), 2), (torch.tensor([9, 2, 6]), 4)]


def _member_rows() -> list[tuple[torch.Tensor, int]]:
    import torch

    generator = torch.Generator().manual_seed(6)
    return [
        (torch.randn(members * images, 10, generator=generator), members)
        for members, images in ((2, 5), (4, 3))
    ]


def _by_member(logits: Any, num_members: int) -> np.ndarray:
    values = np.asarray(logits)
    return values.reshape(num_members, -1, values.shape[-1]).swapaxes(0, 1)


def _member_logits() -> list[tuple[torch.Tensor]]:
    import torch

    generator = torch.Generator().manual_seed(7)
    sizes = ((5, 3, 10), (4, 2, 10))
    return [(3 * torch.randn(size, generator=generator, dtype=torch.float64),) for size in sizes]


def _softmax(logits: Any, axis: int = -1) -> np.ndarray:
    values = np.asarray(logits)
    powers = np.exp(values - values.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _answers_in_batches() -> list[tuple[list]]:
    import torch

    generator = torch.Generator().manual_seed(8)
    made = []
    for sizes in ((30, 30, 7), (20, 11)):
        batches = []
        for number, size in enumerate(sizes):
            labels = torch.randint(10, (size,), generator=generator)
            wrong = torch.rand(size, generator=generator) < 0.1 + 0.3 * number
            batches.append((torch.where(wrong, (labels + 1) % 10, labels), labels))
        made.append((batches,))
    return made


def _rights(batches: list) -> list[np.ndarray]:
    return [np.asarray(predicted) == np.asarray(labels) for predicted, labels in batches]


def _confidences() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(9)
    confidence = generator.permutation(np.linspace(0.2, 0.999, 40))
    return [(confidence, generator.uniform(size=40) < confidence)]


def _risks(confidence: np.ndarray, correct: np.ndarray, sign: int = -1) -> np.ndarray:
    wrong = np.cumsum(~correct[np.argsort(sign * confidence)])
    return wrong / np.arange(1, len(correct) + 1)


def _two_sets() -> list[tuple]:
    generator = np.random.default_rng(10)
    made = []
    for num_val, num_test, budget in ((120, 150, 0.05), (100, 90, 0.1)):
        doubt = generator.permutation(np.linspace(0.001, 0.7, num_val + num_test))
        correct = generator.uniform(size=len(doubt)) > 0.8 * doubt
        val, test = slice(num_val), slice(num_val, None)
        correct[np.argsort(doubt)[:6]] = True  # some threshold keeps the budget
        made.append(((doubt[val], correct[val]), (doubt[test], correct[test]), budget))
    return made


def _at_budget(chosen_on: tuple, reported_on: tuple, budget: float) -> np.ndarray:
    from course_utils.metrics import selective

    threshold = selective.risk_coverage(*chosen_on).threshold_for_risk(budget)
    point = selective.risk_coverage(*reported_on).at_threshold(threshold)
    return np.array([threshold, point.coverage, point.risk])


CHAPTER = 12

# --- the ten ------------------------------------------------------------------------------------
BUGS: tuple[Exercise, ...] = (
    Examined(
        name="ex12_1",
        title="Trained on",
        objective=OBJECTIVE,
        minutes=2,
        task="Digits that you report on are among those that you train on.",
        stub='''def digits():
    """Digits to train on, to choose on, to report on."""
    data_train = load_mnist("train")
    return data_train, load_mnist("val"), data_train.subset(slice(1_000))''',
        passed="digits",
        hints=(
            "Follow the images of the report to where they come from.",
            "Look at the three sets that `digits` returns. Are there three parts?",
            'The third one is cut from `data_train`. MNIST has a part `"test"`.',
        ),
        answer='''def digits():
    """Digits to train on, to choose on, to report on."""
    return load_mnist("train"), load_mnist("val"), load_mnist("test")''',
        why=(
            "The members know these digits by heart: fix the rest, and the accuracy on them is 1. "
            "On new digits it is lower, and only that one is worth reporting. A slice for a quick "
            "look is how this comes into a script, and how it stays."
        ),
        examine=_examine_digits,
    ),
    Examined(
        name="ex12_2",
        title="The wrong clothes",
        objective=OBJECTIVE,
        minutes=2,
        task="The clothes of the report are not those that were set apart for a report.",
        stub='''def clothes():
    """Clothes to report on."""
    return load_fashion_mnist("val")''',
        passed="clothes",
        hints=(
            "Digits are not the only images of the report.",
            "Which part of Fashion-MNIST does `clothes` load?",
            "What one chooses with must not be reported on. There are three parts here, too.",
        ),
        answer='''def clothes():
    """Clothes to report on."""
    return load_fashion_mnist("test")''',
        why=(
            "Foreign images have splits like any others. The tutorial from which this course "
            "descends used Fashion-MNIST's training images, because that is what its loader gives "
            "by default."
        ),
        examine=_examine_clothes,
    ),
    Examined(
        name="ex12_3",
        title="A schedule that never ran",
        objective=OBJECTIVE,
        minutes=3,
        task="The learning rate never moves: it is the same at the last step as at the first.",
        stub='''def recipe(model, num_steps):
    """Optimizer, and a learning rate that falls to zero along a cosine."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=num_steps)
    return {"optimizer": optimizer, "scheduler": {"scheduler": cosine, "interval": "step"}}''',
        passed="recipe",
        hints=(
            "Look at the table of the training, and at every line that is printed above it.",
            "Lightning takes two keys from the dict of `recipe`, and ignores any other.",
            'The schedule belongs under the key `"lr_scheduler"`.',
        ),
        answer='''def recipe(model, num_steps):
    """Optimizer, and a learning rate that falls to zero along a cosine."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=num_steps)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}''',
        why=(
            "A key that nobody reads raises no error, only a warning among others. Look at the "
            "learning rate itself, as chapter 2 does."
        ),
        examine=_examine_recipe,
    ),
    Function(
        name="ex12_4",
        title="Labels in the wrong row",
        objective=OBJECTIVE,
        minutes=4,
        task="The training learns next to nothing: its loss stays where guessing is.",
        stub='''def repeat_labels(labels, num_members):
    """The labels of a batch once for each member, in the order of the logits, [members * B]."""
    return labels.repeat_interleave(num_members)''',
        passed="repeat_labels",
        hints=(
            "Guessing among ten classes costs ln 10. What could keep two networks from learning?",
            "The ensemble gives all images of the first member, then all of the second one. In "
            "which order do the labels come?",
            "For labels 7, 1 and two members the logits want 7, 1, 7, 1, and `repeat_labels` gives "
            "7, 7, 1, 1. `labels.repeat` does it.",
        ),
        answer='''def repeat_labels(labels, num_members):
    """The labels of a batch once for each member, in the order of the logits, [members * B]."""
    return labels.repeat(num_members)''',
        why=(
            "Both orders have the right shape, and with the wrong one most images get the label of "
            "another. No shape check would have noticed."
        ),
        reference=lambda labels, num_members: np.tile(np.asarray(labels), num_members),
        inputs=_labels,
        examine=_stays_a_tensor(_labels, "the cross-entropy takes a tensor of whole numbers"),
        misconceptions=(
            Misconception(
                lambda labels, num_members: np.repeat(np.asarray(labels), num_members),
                "the training learns next to nothing: its loss stays where guessing is.",
            ),
        ),
    ),
    Examined(
        name="ex12_5",
        title="Two answers",
        objective=OBJECTIVE,
        minutes=3,
        task="Asked twice about the same image, the network gives two answers.",
        stub='''def ask(network, inputs):
    """Logits for a batch of images, [members * B, 10]; no gradient is needed."""
    with torch.no_grad():
        return network(inputs)''',
        passed="ask",
        hints=(
            "Run the report twice without changing anything.",
            "The network has a layer that behaves differently in training. Which mode is it in?",
            "`no_grad` switches gradients off, and not dropout. `network.eval()` does.",
        ),
        answer='''def ask(network, inputs):
    """Logits for a batch of images, [members * B, 10]; no gradient is needed."""
    network.eval()
    with torch.no_grad():
        return network(inputs)''',
        why=(
            "A new network is in training mode, and `no_grad` has nothing to do with modes. With "
            "dropout left on, every number of a report is one draw of many."
        ),
        examine=_examine_ask,
    ),
    Function(
        name="ex12_6",
        title="Strangers among the members",
        objective=OBJECTIVE,
        minutes=4,
        task="The members of the ensemble seem to answer about different images.",
        stub='''def by_member(logits, num_members):
    """Logits [members * B, 10] of an ensemble as [B, members, 10]."""
    return logits.view(-1, num_members, logits.shape[-1])''',
        passed="by_member",
        hints=(
            "A good ensemble with an accuracy near guessing: are its answers where they belong?",
            "The rows come member by member. Which rows does `by_member` put together?",
            "Split the rows into members first, then exchange two axes: `.view(num_members, -1, "
            "10)` and `.transpose(0, 1)`.",
        ),
        answer='''def by_member(logits, num_members):
    """Logits [members * B, 10] of an ensemble as [B, members, 10]."""
    return logits.view(num_members, -1, logits.shape[-1]).transpose(0, 1)''',
        why=(
            "`view` never moves a number. The shape was right, and each image got answers that "
            "were given to its neighbours. `rearrange(logits, '(m b) c -> b m c', m=num_members)` "
            "says what is meant."
        ),
        reference=_by_member,
        inputs=_member_rows,
        examine=_stays_a_tensor(_member_rows, "`average` goes on with a tensor"),
        misconceptions=(
            Misconception(
                lambda logits, members: np.asarray(logits).reshape(-1, members, 10),
                "the members of the ensemble seem to answer about different images.",
            ),
            Misconception(
                lambda logits, members: _by_member(logits, members)[:, ::-1],
                "the members stand in reverse.",
            ),
        ),
    ),
    Function(
        name="ex12_7",
        title="Nobody is sure",
        objective=OBJECTIVE,
        minutes=3,
        task="Nobody is ever sure: even for the clearest digit the confidence is low.",
        stub='''def average(member_logits):
    """Probabilities of an ensemble, [B, 10], from the logits [B, members, 10]."""
    probabilities = member_logits.softmax(dim=-1)
    return probabilities.mean(dim=1).softmax(dim=-1)''',
        passed="average",
        hints=(
            "Compare the mean confidence with the accuracy. How high can a confidence be here?",
            "Which function turns logits into probabilities, and how often is it used?",
            "The mean of probabilities is a probability already. Drop the second `softmax`.",
        ),
        answer='''def average(member_logits):
    """Probabilities of an ensemble, [B, 10], from the logits [B, members, 10]."""
    return member_logits.softmax(dim=-1).mean(dim=1)''',
        why=(
            "A softmax of numbers between 0 and 1 can never be sure: with ten classes it stays "
            "below one quarter. The order of the classes survives, so the accuracy gives no hint."
        ),
        reference=lambda logits: _softmax(logits).mean(axis=1),
        inputs=_member_logits,
        examine=_stays_a_tensor(_member_logits, "`answers` goes on with a tensor"),
        misconceptions=(
            Misconception(
                lambda logits: _softmax(_softmax(logits).mean(axis=1)),
                "nobody is ever sure: even for the clearest digit the confidence is low.",
            ),
            Misconception(
                lambda logits: _softmax(np.asarray(logits).mean(axis=1)),
                "now the logits are averaged. That is another ensemble, which hides disagreement: "
                "average probabilities.",
            ),
            Misconception(
                lambda logits: _softmax(logits, axis=1).mean(axis=1),
                "the softmax must run over the classes, the last axis.",
            ),
        ),
    ),
    Function(
        name="ex12_8",
        title="It depends on the batch",
        objective=OBJECTIVE,
        minutes=3,
        task="The accuracy depends on the size of the batches.",
        stub='''def accuracy(answered):
    """Share of right answers in batches of (answers, labels)."""
    for answers, labels in answered:
        share = (answers == labels).float().mean()
    return share''',
        passed="accuracy",
        hints=(
            "The report has the accuracy twice. Why do the two differ?",
            "Go through the loop of `accuracy`: what is left of the first batch at its end?",
            "Count the right answers and the images of all batches, and divide at the end. The "
            "last batch is smaller, so a mean of means is not enough.",
        ),
        answer='''def accuracy(answered):
    """Share of right answers in batches of (answers, labels)."""
    return torch.cat([answers == labels for answers, labels in answered]).float().mean()''',
        why=(
            "Only the last batch was counted, and the last batch is one like any other, only "
            "smaller. A metric belongs to the whole set; batches are there for the memory."
        ),
        reference=lambda batches: np.concatenate(_rights(batches)).mean(),
        inputs=_answers_in_batches,
        misconceptions=(
            Misconception(
                lambda batches: _rights(batches)[-1].mean(),
                "the accuracy depends on the size of the batches.",
            ),
            Misconception(
                lambda batches: np.mean([right.mean() for right in _rights(batches)]),
                "nearly: a mean over batches weighs a small batch like a large one. Count the "
                "right answers of all, and divide once.",
            ),
            Misconception(
                lambda batches: _rights(batches)[0].mean(), "only the first batch is counted."
            ),
        ),
    ),
    Function(
        name="ex12_9",
        title="The wrong way round",
        objective=OBJECTIVE,
        minutes=3,
        task="The fewer digits are answered, the more of the answers are wrong.",
        stub='''def risks(confidence, correct):
    """Risk if only the most certain image is answered, the two most certain ones, ... [N]."""
    order = np.argsort(confidence)
    return np.cumsum(~correct[order]) / np.arange(1, len(correct) + 1)''',
        passed="risks",
        hints=(
            "Compare the risk of the more certain half with the risk of all.",
            "Which images does `risks` answer first?",
            "`np.argsort` sorts upwards, from the least confident on.",
        ),
        answer='''def risks(confidence, correct):
    """Risk if only the most certain image is answered, the two most certain ones, ... [N]."""
    order = np.argsort(-confidence)
    return np.cumsum(~correct[order]) / np.arange(1, len(correct) + 1)''',
        why=(
            "Confidence and uncertainty run in opposite directions, and `argsort` does not ask "
            "which one it got. The end of the curve, where all is answered, looks the same."
        ),
        reference=_risks,
        inputs=_confidences,
        misconceptions=(
            Misconception(
                lambda confidence, correct: _risks(confidence, correct, sign=1),
                "the fewer digits are answered, the more of the answers are wrong.",
            ),
            Misconception(
                lambda confidence, correct: 1 - _risks(confidence, correct),
                "this is the share of right answers. The risk is the share of wrong ones.",
            ),
            Misconception(
                lambda confidence, correct: _risks(confidence, correct)[::-1],
                "the order of the images is right now, but the result is turned round.",
            ),
        ),
    ),
    Function(
        name="ex12_10",
        title="A budget that always holds",
        objective=OBJECTIVE,
        minutes=3,
        task="The budget for the risk is kept on test, whatever you do. It is too good.",
        stub='''def at_budget(val, test, budget):
    """Threshold for a risk budget; coverage and risk. `val`, `test`: (uncertainty, correct)."""
    curve = selective.risk_coverage(*test)
    point = curve.at_threshold(curve.threshold_for_risk(budget))
    return point.threshold, point.coverage, point.risk''',
        passed="at_budget",
        hints=(
            "A promise that cannot be broken is worth nothing. On which digits was it made?",
            "`at_budget` gets two sets of digits. What does it do with the first one?",
            "Take the threshold from a curve of `val`, and the point from a curve of `test`.",
        ),
        answer='''def at_budget(val, test, budget):
    """Threshold for a risk budget; coverage and risk. `val`, `test`: (uncertainty, correct)."""
    threshold = selective.risk_coverage(*val).threshold_for_risk(budget)
    point = selective.risk_coverage(*test).at_threshold(threshold)
    return point.threshold, point.coverage, point.risk''',
        why=(
            "A threshold that was chosen on test keeps its budget there by construction. Choose on "
            "validation, report on test, once."
        ),
        reference=_at_budget,
        inputs=_two_sets,
        misconceptions=(
            Misconception(
                lambda val, test, budget: _at_budget(test, test, budget),
                "the budget for the risk is kept on test, whatever you do. It is too good.",
            ),
            Misconception(
                lambda val, test, budget: _at_budget(val, val, budget),
                "the threshold is chosen on validation now, but the coverage and the risk are "
                "those of the validation digits, too.",
            ),
        ),
    ),
)


# --- what the learner calls ---------------------------------------------------------------------
def symptom(bug: Exercise) -> str:
    """What one sees of a fault, without saying where it is."""
    return bug.task


class Scoreboard:
    """Ten symptoms, each gone or still there.

    Attributes
    ----------
    verdicts : list of Verdict
        In the order of `BUGS`.
    """

    def __init__(self, verdicts: list[Verdict]) -> None:
        self.verdicts = verdicts

    @property
    def num_gone(self) -> int:
        """Symptoms that are gone."""
        return sum(verdict.right for verdict in self.verdicts)

    @property
    def complete(self) -> bool:
        """Whether all are gone."""
        return self.num_gone == len(self.verdicts)

    def _rows(self) -> list[tuple[int, str, str, str]]:
        """Number, state, symptom, and what there is to say."""
        rows = []
        for number, (bug, verdict) in enumerate(zip(BUGS, self.verdicts, strict=True), start=1):
            said = verdict.because
            if verdict.kind == NOT_ATTEMPTED:
                said = f"`{bug.passed}` was not found, or returns nothing: run its cell."
            elif not verdict.right:
                same = said.lower() == symptom(bug).lower()
                said = "" if same else f"`{bug.passed}`: {said}"
            state = "gone" if verdict.right else "still there"
            rows.append((number, state, symptom(bug), said))
        return rows

    def __repr__(self) -> str:
        lines = [f"{self.num_gone} of {len(self.verdicts)} symptoms are gone."]
        for number, state, seen, said in self._rows():
            lines.append(f"{number:2}. {state:11} {seen}" + (f"\n    {said}" if said else ""))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr style="text-align:left;vertical-align:top"><td>{number}</td>'
            f'<td style="white-space:nowrap">{"✓" if state == "gone" else "→"} {state}</td>'
            f'<td style="text-align:left">{escape(seen, quote=False)}'
            f"{'<br>' + inline(said) if said else ''}</td></tr>"
            for number, state, seen, said in self._rows()
        )
        head = f"<strong>{self.num_gone} of {len(self.verdicts)} symptoms are gone.</strong>"
        table = (
            '<table style="margin:0.4em 0"><thead><tr><th scope="col">No.</th>'
            f'<th scope="col">Is it</th><th scope="col">Symptom</th></tr></thead>{rows}</table>'
        )
        return card(head + table, "#009E73" if self.complete else "#D55E00")


def scoreboard(names: Mapping[str, Any] | None = None) -> Scoreboard:
    """Try the ten functions; never raises, whatever they are.

    Parameters
    ----------
    names : mapping of name to function
        ``globals()`` of the notebook.
    """
    _get_ready()
    if not isinstance(names, Mapping):
        names = {}
    return Scoreboard([bug.check(names.get(bug.passed, ...)) for bug in BUGS])


@cache
def _get_ready() -> None:
    """Do once what takes long the first time, and not within the time that a function gets."""
    import torch
    from torch import nn

    for split in ("train", "val", "test"):
        _images("digits", split)
    for split in ("val", "test"):
        _images("clothes", split)
    with _own_chance():
        torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1).step()


def hint(number: int) -> Folded | Verdict:
    """Three hints for a symptom, by its number on the scoreboard; each is folded."""
    bug = _bug(number)
    return _which() if bug is None else Folded(bug.help.parts[:-1])


def solution(number: int) -> Folded | Verdict:
    """The right function for a symptom, folded."""
    bug = _bug(number)
    if bug is None:
        return _which()
    (*_, (_, text)) = bug.help.parts
    return Folded(((f"Solution for symptom {number}", text),))


def _bug(number: Any) -> Exercise | None:
    known = isinstance(number, int) and 1 <= number <= len(BUGS)
    return BUGS[number - 1] if known else None


def _which() -> Verdict:
    return Verdict(NOT_YET, f"Give the number of a symptom, from 1 to {len(BUGS)}, such as `3`.")
