"""Exercises of chapter 4: several networks, one answer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from . import guard
from .exercise import NotAttempted, NotYet
from .kinds import Built, Choice, Function, Misconception, as_array

if TYPE_CHECKING:
    import torch

AVERAGE = (
    "average the members' answers, and show on numbers that the average has at most their mean NLL"
)
ORDER = "sort the output of an ensemble by image and member, and repeat the labels to match"
RECIPE = (
    "train members jointly with the right learning rate and weight decay, and explain why they are "
    "right"
)
ALONE = "combine networks that were trained independently, and say what each way costs"
ENOUGH = "measure how much each further member brings"


# --- 4.1 ----------------------------------------------------------------------------------------
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
    minutes=5,
    task=(
        "Write the answer of a Deep Ensemble with NumPy alone. You get the members' logits, an "
        "array of shape [N, M, C]: images, members, classes. Return the ensemble's probabilities, "
        "of shape [N, C]."
    ),
    stub='''def ensemble_answer(member_logits):
    """Probabilities [N, C] of a Deep Ensemble, from logits [N, M, C]."""
    return ...''',
    passed="ensemble_answer",
    hints=(
        "You need two steps, a softmax and a mean. Which comes first, and along which axis does "
        "each one go?",
        "The softmax divides `np.exp(logits)` by its sum over the classes, the last axis. The mean "
        "goes over the members, axis 1.",
        "`weights.sum(axis=2, keepdims=True)` keeps the shape, so that you can divide by it. What "
        "is left is `.mean(axis=1)`.",
    ),
    answer='''def ensemble_answer(member_logits):
    """Probabilities [N, C] of a Deep Ensemble, from logits [N, M, C]."""
    largest = member_logits.max(axis=2, keepdims=True)
    weights = np.exp(member_logits - largest)
    probabilities = weights / weights.sum(axis=2, keepdims=True)
    return probabilities.mean(axis=1)''',
    why=(
        "Softmax first, then the mean: a mixture of the members, in which their doubt survives. "
        "Subtracting the largest logit changes nothing but keeps `np.exp` from overflowing."
    ),
    reference=_mean_of_probabilities,
    inputs=_member_logits,
    misconceptions=(
        Misconception(
            lambda logits: _softmax(logits.mean(axis=1)),
            "this averages the logits and takes the softmax of their mean, so the loudest member "
            "wins. Which of the two steps comes first?",
        ),
        Misconception(
            lambda logits: _softmax(_mean_of_probabilities(logits)),
            "the softmax is applied twice. The mean of probabilities already sums to 1.",
        ),
        Misconception(
            lambda logits: _softmax(logits, axis=1).mean(axis=1),
            "the softmax runs over the members, not over the classes.",
        ),
        Misconception(
            _shares_of_votes,
            "these are the shares of votes. A vote doesn't say how sure its member is.",
        ),
        Misconception(
            lambda logits: _softmax(logits).sum(axis=1),
            "this is the sum over the members. The probabilities of all classes must sum to 1.",
        ),
        Misconception(
            lambda logits: 100 * _mean_of_probabilities(logits),
            "these are percentages. Probabilities lie between 0 and 1.",
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


# --- 4.2 ----------------------------------------------------------------------------------------
def _nll(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())


def _of_members(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean([_nll(one, labels) for one in probabilities.swapaxes(0, 1)]))


def _two_losses(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.array([_of_members(probabilities, labels), _nll(probabilities.mean(axis=1), labels)])


def _log_after_the_images(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    true = probabilities[np.arange(len(labels)), :, labels]
    return np.array([-np.log(true.mean(axis=0)).mean(), -np.log(true.mean())])


def _probabilities_and_labels() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(42)
    return [
        (generator.dirichlet([0.6] * 4, (6, 3)), generator.integers(0, 4, 6)),
        (np.array([[[0.9, 0.1], [0.2, 0.8]]] * 2), np.array([0, 1])),
    ]


ex4_2 = Function(
    name="ex4_2",
    title="Two losses",
    objective=AVERAGE,
    minutes=5,
    task=(
        "Write both sides of the inequality. You get the members' probabilities, shape [N, M, C], "
        "and the labels, shape [N]. Return two numbers: the mean NLL of the members, and the NLL "
        "of their mean, each averaged over the images."
    ),
    stub='''def two_losses(probabilities, labels):
    """Mean NLL of the members, and NLL of their mean."""
    return ...''',
    passed="two_losses",
    hints=(
        "For both you need the probability of the true class, image by image.",
        "`probabilities[np.arange(len(labels)), :, labels]` picks those, for each member: [N, M].",
        "Now it's the order that matters: `-np.log(true).mean()` for the members, and "
        "`-np.log(true.mean(axis=1)).mean()` for the ensemble.",
    ),
    answer='''def two_losses(probabilities, labels):
    """Mean NLL of the members, and NLL of their mean."""
    true = probabilities[np.arange(len(labels)), :, labels]
    of_members = -np.log(true).mean()
    of_mean = -np.log(true.mean(axis=1)).mean()
    return of_members, of_mean''',
    why=(
        "The logarithm of a mean is at least the mean of the logarithms. Swap the two operations, "
        "and you have the whole theorem."
    ),
    reference=_two_losses,
    inputs=_probabilities_and_labels,
    misconceptions=(
        Misconception(
            lambda probabilities, labels: _two_losses(probabilities, labels)[::-1],
            "the two numbers are swapped: the mean NLL of the members comes first.",
        ),
        Misconception(
            lambda probabilities, labels: -_two_losses(probabilities, labels),
            "the minus is missing: the logarithm of a probability is negative, an NLL isn't.",
        ),
        Misconception(
            lambda probabilities, labels: _two_losses(probabilities, labels) / np.log(2),
            "this is the logarithm to base 2. The NLL takes the natural one, `np.log`.",
        ),
        Misconception(
            lambda probabilities, labels: len(labels) * _two_losses(probabilities, labels),
            "these are sums over the images. Take means.",
        ),
        Misconception(
            lambda probabilities, labels: np.repeat(_of_members(probabilities, labels), 2),
            "both numbers are the mean of the members' NLLs. For the second, average the "
            "*probabilities* first.",
        ),
        Misconception(
            _log_after_the_images,
            "you average over the images before you take the logarithm. Each image has an NLL of "
            "its own; average those.",
        ),
    ),
)


# --- 4.3 ----------------------------------------------------------------------------------------
def _in_favour(by_member: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Votes for an answer, from logits [M, B, C]."""
    return (by_member.argmax(axis=2) == answer).sum(axis=0)


def _by_member(outputs: torch.Tensor, num_members: int) -> np.ndarray:
    return outputs.numpy().reshape(num_members, -1, outputs.shape[1])


def _mixed_up(outputs: torch.Tensor, num_members: int) -> np.ndarray:
    """Images taken for members, as ``view(-1, M, C)`` does."""
    return outputs.numpy().reshape(-1, num_members, outputs.shape[1]).swapaxes(0, 1)


def _votes_for_answer(by_member: np.ndarray) -> np.ndarray:
    return _in_favour(by_member, _softmax(by_member).mean(axis=0).argmax(axis=1))


def _votes_for_favourite(by_member: np.ndarray) -> np.ndarray:
    votes = by_member.argmax(axis=2)
    return np.array([np.bincount(column).max() for column in votes.T])


def _stacked_outputs() -> list[tuple[torch.Tensor, int]]:
    import torch

    generator = torch.Generator().manual_seed(33)
    # one very sure member against two: the ensemble's answer is neither the favourite of the
    # members nor that of their mean logits
    unsure = torch.tensor([[0.0, 0.4, 0.3], [0.0, 0.5, 0.1], [5.0, 0.0, 0.0]])
    loud = torch.tensor([[9.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 3.0, 0.0]])
    special = torch.stack([unsure, loud], dim=1).reshape(6, 3)
    return [
        (3 * torch.randn(num_members * num_images, 5, generator=generator), num_members)
        for num_members, num_images in ((3, 7), (4, 6))
    ] + [(special, 3)]


ex4_3 = Function(
    name="ex4_3",
    title="Who voted for it?",
    objective=ORDER,
    minutes=6,
    task=(
        "You get the output of an ensemble, a tensor of M·B rows in the order `(m b)`, and the "
        "number of members. Return for each image how many members vote for the class that the "
        "*ensemble* answers: B whole numbers. A member votes for its most probable class."
    ),
    stub='''def votes_for_answer(outputs, num_members):
    """Members whose class is the ensemble's, for each image: [M * B, C] -> [B]."""
    return ...''',
    passed="votes_for_answer",
    hints=(
        "Sort the rows by member first: as they lie, the first B rows belong to member 1.",
        "`outputs.view(num_members, -1, outputs.shape[1])` has the shape [M, B, C]. The ensemble's "
        "answer comes from the mean of the probabilities over the members.",
        "With `answer = by_member.softmax(dim=2).mean(dim=0).argmax(dim=1)` and "
        "`votes = by_member.argmax(dim=2)`, count where `votes == answer`.",
    ),
    answer='''def votes_for_answer(outputs, num_members):
    """Members whose class is the ensemble's, for each image: [M * B, C] -> [B]."""
    by_member = outputs.view(num_members, -1, outputs.shape[1])
    answer = by_member.softmax(dim=2).mean(dim=0).argmax(dim=1)
    votes = by_member.argmax(dim=2)
    return (votes == answer).sum(dim=0)''',
    why=(
        "`view` splits an axis in the order in which its entries lie, so the members, which change "
        "most slowly, come first. The answer need not be the members' favourite: a very sure "
        "member can outweigh two lukewarm ones."
    ),
    reference=lambda outputs, num_members: _votes_for_answer(_by_member(outputs, num_members)),
    inputs=_stacked_outputs,
    misconceptions=(
        Misconception(
            lambda outputs, num_members: _votes_for_answer(_mixed_up(outputs, num_members)),
            "you split the rows as if they lay image after image: `view(-1, M, C)` takes M "
            "*images* of the first member for the M answers to one image.",
        ),
        Misconception(
            lambda outputs, num_members: _votes_for_favourite(_by_member(outputs, num_members)),
            "these are the votes for the members' favourite class. The ensemble's answer is the "
            "most probable class of the *mean*, and the two can differ.",
        ),
        Misconception(
            lambda outputs, num_members: _in_favour(
                _by_member(outputs, num_members),
                _by_member(outputs, num_members).mean(axis=0).argmax(axis=1),
            ),
            "the answer here comes from averaged logits. Deep Ensembles average probabilities.",
        ),
        Misconception(
            lambda outputs, num_members: (
                _votes_for_answer(_by_member(outputs, num_members)) / num_members
            ),
            "these are shares of the members. The task asks how many there are.",
        ),
        Misconception(
            lambda outputs, num_members: (
                num_members - _votes_for_answer(_by_member(outputs, num_members))
            ),
            "you've counted the members that vote for something else.",
        ),
    ),
)


# --- 4.4 ----------------------------------------------------------------------------------------
Loss = Callable[["torch.Tensor", "torch.Tensor", int], "torch.Tensor"]


def _step_with(loss_of: Loss, clear: bool = True) -> Callable[..., float]:
    """A training step with a loss; `clear` empties the gradients of the step before."""

    def step(
        ensemble: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        images: torch.Tensor,
        labels: torch.Tensor,
        num_members: int,
    ) -> float:
        loss = loss_of(ensemble(images), labels, num_members)
        if clear:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def _cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, reduction: str = "mean"
) -> torch.Tensor:
    import torch

    return torch.nn.functional.cross_entropy(logits, labels, reduction=reduction)


def _joint(outputs: torch.Tensor, labels: torch.Tensor, num_members: int) -> torch.Tensor:
    return _cross_entropy(outputs, labels.repeat(num_members))


def _mean_answer(outputs: torch.Tensor, labels: torch.Tensor, num_members: int) -> torch.Tensor:
    members = outputs.reshape(num_members, -1, outputs.shape[1])
    return _cross_entropy(members.softmax(dim=2).mean(dim=0).log(), labels)


def _mean_logits(outputs: torch.Tensor, labels: torch.Tensor, num_members: int) -> torch.Tensor:
    return _cross_entropy(outputs.reshape(num_members, -1, outputs.shape[1]).mean(dim=0), labels)


_WRONG_STEPS: tuple[tuple[Callable[..., float], str], ...] = (
    (
        _step_with(lambda outputs, labels, m: _cross_entropy(outputs, labels.repeat_interleave(m))),
        "the labels are repeated one by one (`repeat_interleave`), but the rows come member after "
        "member, so most rows get the label of another image.",
    ),
    (
        _step_with(lambda outputs, labels, m: m * _joint(outputs, labels, m)),
        "this is the *sum* of the members' losses. The task asks for the mean over all rows, and "
        "the learning rate of the next section counts on it.",
    ),
    (
        _step_with(
            lambda outputs, labels, m: _cross_entropy(outputs, labels.repeat(m), reduction="sum")
        ),
        "this is the sum over all rows. Take their mean.",
    ),
    (
        _step_with(_mean_answer),
        "this is the NLL of the averaged answer: it trains the members to complete each other. "
        "Here each row counts on its own.",
    ),
    (
        _step_with(_mean_logits),
        "you average the logits before the loss. Each row has a loss of its own.",
    ),
    (
        _step_with(lambda outputs, labels, m: _cross_entropy(outputs[: len(labels)], labels)),
        "only the first member is trained. The other rows count as well.",
    ),
    (
        _step_with(_joint, clear=False),
        "the gradients of the step before are still there: PyTorch adds up. Which method of the "
        "optimizer clears them?",
    ),
)


def _two_steps(step: Callable[..., Any]) -> tuple[np.ndarray, np.ndarray, list[Any]]:
    """Train three small members for two steps: weights before and after, and what was returned."""
    import torch

    generator = torch.Generator().manual_seed(34)

    class Members(torch.nn.Module):
        """Three linear networks, whose outputs are stacked."""

        def __init__(self) -> None:
            super().__init__()
            self.core_models = torch.nn.ModuleList(torch.nn.Linear(6, 4) for _ in range(3))
            for parameter in self.parameters():
                parameter.data = torch.randn(parameter.shape, generator=generator)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.cat([member(images.flatten(1)) for member in self.core_models])

        def __deepcopy__(self, _: Any) -> Members:
            return self  # a step is meant to change it

    class Descent(torch.optim.SGD):
        """SGD whose copy, as the guard makes one, is the same optimizer."""

        def __deepcopy__(self, _: Any) -> Descent:
            return self

    ensemble = Members()
    optimizer = Descent(ensemble.parameters(), lr=0.3, momentum=0.9)

    def weights() -> np.ndarray:
        parts = [parameter.detach().numpy().ravel() for parameter in ensemble.parameters()]
        return np.concatenate(parts)

    before = weights()
    returned = []
    for labels in (torch.tensor([0, 3, 1, 2, 2]), torch.tensor([1, 1, 0, 3, 2])):
        images = torch.randn(5, 1, 2, 3, generator=generator)
        returned.append(guard.call(step, ensemble, optimizer, images, labels, 3))
    return before, weights(), returned


def _try_step(*answers: Any) -> None:
    step = _one_function(answers)
    try:
        before, after, returned = _two_steps(step)
    except guard.Failed as failure:
        if "batch_size" in str(failure) or "target" in str(failure):
            raise NotYet(
                "the output has M·B rows, and `cross_entropy` got another number of labels. Each "
                "row needs the label of its image: repeat the labels first."
            ) from None
        raise
    if any(value is ... for value in returned):
        raise NotAttempted
    losses = np.array([as_array(value, ()) for value in returned])
    _, right, expected = _two_steps(_step_with(_joint))
    if np.allclose(after, right, atol=1e-5):
        if not np.allclose(losses, expected, atol=1e-5):
            raise NotYet("the step is right. Return the loss, the mean over all rows.")
        return
    for wrong, reason in _WRONG_STEPS:
        if np.allclose(after, _two_steps(wrong)[1], atol=1e-5):
            raise NotYet(reason)
    if np.allclose(after, before):
        raise NotYet(
            "the weights haven't moved. In order: clear the gradients, `loss.backward()`, "
            "`optimizer.step()`."
        )
    raise NotYet(
        "after two steps the members' weights aren't those that joint training gives. Is the loss "
        "the mean cross-entropy over all rows, each with the label of its image?"
    )


def _one_function(answers: tuple[Any, ...]) -> Callable[..., Any]:
    if len(answers) != 1 or not callable(answers[0]):
        raise NotYet("pass the function itself, without calling it: its name alone.")
    return answers[0]


ex4_4 = Built(
    name="ex4_4",
    title="One joint step",
    objective=ORDER,
    minutes=6,
    task=(
        "Write one step of joint training with PyTorch alone. `ensemble(images)` returns M·B rows "
        "in the order `(m b)`, and there are B labels. The loss is the mean of `F.cross_entropy` "
        "over all rows, each with the label of *its* image. Let the optimizer make a step, and "
        "return the loss."
    ),
    stub='''def joint_step(ensemble, optimizer, images, labels, num_members):
    """Train all members on one batch; return the loss, the mean over all rows."""
    return ...''',
    passed="joint_step",
    hints=(
        "There are M times as many rows as labels. Which label belongs to row B + 1, the first row "
        "of the second member?",
        "The whole list of labels comes again for each member: 7 2 1, 7 2 1, and not 7 7 2 2 1 1. "
        "A tensor has a method for either.",
        "`labels.repeat(num_members)`. Then the five lines of any training step: loss, "
        "`zero_grad`, `backward`, `step`, and `return loss.item()`.",
    ),
    answer='''def joint_step(ensemble, optimizer, images, labels, num_members):
    """Train all members on one batch; return the loss, the mean over all rows."""
    outputs = ensemble(images)
    loss = F.cross_entropy(outputs, labels.repeat(num_members))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()''',
    why=(
        "`RepeatTarget` repeats the labels for torch-uncertainty's routine in just this way. All "
        "members have equally many rows, so the mean over rows is the mean of the members' losses."
    ),
    try_out=_try_step,
)


# --- 4.5 ----------------------------------------------------------------------------------------
RATE, DECAY, STEPS, MEMBERS = 0.05, 5e-4, 20, 5


def _try_recipe(*answers: Any) -> None:
    import torch

    class Members(torch.nn.ModuleList):
        """Small members, of which the guard makes no copy."""

        def __deepcopy__(self, _: Any) -> Members:
            return self

    recipe = _one_function(answers)
    ensemble = Members(torch.nn.Linear(3, 2) for _ in range(MEMBERS))
    given = guard.call(recipe, ensemble, MEMBERS, STEPS)
    if given is ...:
        raise NotAttempted
    if given is None:
        raise NotYet("your function returns `None`: is the `return` missing?")
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise NotYet("return two things: `return optimizer, scheduler`.")
    optimizer, scheduler = given
    if not isinstance(optimizer, torch.optim.SGD):
        raise NotYet("the first thing you return must be a `torch.optim.SGD`.")
    of_this_one = id(getattr(scheduler, "optimizer", None)) == id(optimizer)
    if not of_this_one or not hasattr(scheduler, "step"):
        raise NotYet("the second thing you return must be a schedule of this optimizer.")
    (group,) = optimizer.param_groups
    if {id(one) for one in group["params"]} != {id(one) for one in ensemble.parameters()}:
        raise NotYet("the optimizer must get `ensemble.parameters()`, those of all members.")
    rates = []
    for _ in range(STEPS):
        rates.append(group["lr"])
        optimizer.step()
        scheduler.step()
    own_rate = optimizer.defaults["lr"]  # the schedule overwrites that of the group
    _judge_recipe(max(rates) / RATE, group["weight_decay"] / DECAY, own_rate / RATE)
    if not optimizer.defaults["momentum"]:
        raise NotYet("the momentum is missing.")


def _judge_recipe(rate: float, decay: float, own_rate: float) -> None:
    """Raise where learning rate or weight decay, as multiples of those alone, are wrong."""
    if np.isclose(rate, 1) and own_rate > 1:
        raise NotYet(
            "`OneCycleLR` sets the learning rate itself and never reads the optimizer's `lr`: its "
            "`max_lr` must be scaled."
        )
    if np.isclose(rate, 1):
        raise NotYet(
            "the mean over M members divides each one's gradient by M, so with this learning rate "
            "each would learn M times too slowly."
        )
    if np.isclose(rate * MEMBERS, 1):
        raise NotYet(
            "you've *divided* the learning rate. Each member's gradient has become smaller, and "
            "the step must make up for it."
        )
    if not np.isclose(rate, MEMBERS):
        raise NotYet(
            f"with {MEMBERS} members the learning rate peaks at {RATE * rate:g}. It should be "
            "multiplied by the number of members."
        )
    if np.isclose(decay, 0):
        raise NotYet("the learning rate is right, and the weight decay is missing.")
    if np.isclose(decay, 1):
        raise NotYet(
            "the learning rate is right. But the weight decay doesn't pass through the loss: "
            "nothing divides it by M, and the larger learning rate multiplies it."
        )
    if np.isclose(decay, MEMBERS):
        raise NotYet(
            "the learning rate is right, and *multiplies* the weight decay already. Multiplying it "
            "once more makes it M² times too strong."
        )
    if not np.isclose(decay * MEMBERS, 1):
        raise NotYet(
            f"the learning rate is right; with {MEMBERS} members the weight decay is "
            f"{DECAY * decay:g}. Learning rate times weight decay must be what it is alone."
        )


ex4_5 = Built(
    name="ex4_5",
    title="A recipe for M",
    objective=RECIPE,
    minutes=6,
    task=(
        "A network alone is trained by `torch.optim.SGD` with `lr=0.05`, `momentum=0.9` and "
        "`weight_decay=5e-4`, under a `OneCycleLR` (from `torch.optim.lr_scheduler`) with "
        "`max_lr=0.05` and `total_steps=num_steps`. Write the recipe for M members that are "
        "trained jointly, so that each goes the way it would have gone alone. Return the optimizer "
        "and the scheduler."
    ),
    stub='''def recipe(ensemble, num_members, num_steps):
    """Optimizer and schedule that train each member as if it were alone."""
    return ...''',
    passed="recipe",
    hints=(
        "How large is the gradient that reaches one member, compared with training alone?",
        "A step is lr · (gradient + weight_decay · w). Put in the M-th part of the gradient, and "
        "compare both terms with those of a network alone.",
        "The learning rate is multiplied by `num_members`, in the optimizer and in the schedule; "
        "the weight decay is divided by it.",
    ),
    answer='''def recipe(ensemble, num_members, num_steps):
    """Optimizer and schedule that train each member as if it were alone."""
    learning_rate = 0.05 * num_members
    optimizer = torch.optim.SGD(
        ensemble.parameters(),
        lr=learning_rate,
        momentum=0.9,
        weight_decay=5e-4 / num_members,
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=learning_rate, total_steps=num_steps
    )
    return optimizer, scheduler''',
    why=(
        "Both terms of the step are as they would be alone. This is exact for SGD. Adam divides "
        "the gradient by its own size, so a factor 1/M cancels: leave its learning rate alone. Its "
        "weight decay is still divided by M, AdamW's isn't."
    ),
    try_out=_try_recipe,
)

# --- 4.6 ----------------------------------------------------------------------------------------
ex4_6 = Choice(
    name="ex4_6",
    title="A small GPU",
    objective=ALONE,
    minutes=2,
    task=(
        "A colleague wants an ensemble of eight. Her GPU has room to train one network at a time. "
        "Which advice is right?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "What does joint training share between the members, and what doesn't it?",
        "How often does an image pass through a network until all eight have answered?",
        "Two of the four answers promise something for nothing.",
    ),
    answer='choice = "a"',
    why=(
        "Memory is what she saves. The work stays the same, in training and in use, and only the "
        "answers have to meet."
    ),
    correct="a",
    options={
        "a": "Train one after another. That takes eight times as long, and so does each answer.",
        "b": "It can't be done: members have to share their batches.",
        "c": "Train one, and let `deep_ensembles` make eight copies of it.",
        "d": "Train one after another. That takes eight times as long, but each answer is as fast "
        "as a single network's.",
    },
    reasons={
        "b": "the two networks above never met and make an ordinary ensemble. Joint training "
        "shares the batches and nothing else.",
        "c": "copies with new weights have learned nothing, and copies with the old weights all "
        "say the same.",
        "d": "about training you're right. But each of the eight has to answer, and that's eight "
        "forward passes.",
    },
)


# --- 4.7 ----------------------------------------------------------------------------------------
def _over_subsets(
    measure: Callable[[np.ndarray, np.ndarray], float],
) -> Callable[[np.ndarray, np.ndarray, int], float]:
    def mean(probabilities: np.ndarray, labels: np.ndarray, size: int) -> float:
        chosen = combinations(range(probabilities.shape[1]), size)
        return float(np.mean([measure(probabilities[:, list(one)], labels) for one in chosen]))

    return mean


def _nll_of_mean(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return _nll(probabilities.mean(axis=1), labels)


def _first_only(probabilities: np.ndarray, labels: np.ndarray, size: int) -> float:
    return _nll_of_mean(probabilities[:, :size], labels)


def _best_only(probabilities: np.ndarray, labels: np.ndarray, size: int) -> float:
    chosen = combinations(range(probabilities.shape[1]), size)
    return min(_nll_of_mean(probabilities[:, list(one)], labels) for one in chosen)


def _some_members() -> list[tuple[np.ndarray, np.ndarray, int]]:
    generator = np.random.default_rng(47)
    probabilities = generator.dirichlet([0.6] * 4, (6, 5))
    labels = generator.integers(0, 4, 6)
    return [(probabilities, labels, size) for size in (1, 2, 4)]


ex4_7 = Function(
    name="ex4_7",
    title="All teams of a size",
    objective=ENOUGH,
    minutes=6,
    task=(
        "Which pair of members you get is chance, so average over all pairs, or triples, or fours. "
        "You get the members' probabilities, shape [N, M, C], the labels, and a size. Return the "
        "mean NLL of all ensembles of that many members."
    ),
    stub='''def nll_of_size(probabilities, labels, size):
    """Mean NLL over all ensembles of `size` of the members."""
    return ...''',
    passed="nll_of_size",
    hints=(
        "Loop over the combinations of member numbers, and collect one NLL for each.",
        "`probabilities[:, chosen]` keeps some members, if `chosen` is a list or tuple of numbers. "
        "Average *these*, then take the NLL as in exercise 4.2.",
        "`-np.log(mean[np.arange(len(labels)), labels]).mean()` is the NLL of one of the "
        "ensembles. At the end return `np.mean` of all.",
    ),
    answer='''def nll_of_size(probabilities, labels, size):
    """Mean NLL over all ensembles of `size` of the members."""
    losses = []
    for chosen in combinations(range(probabilities.shape[1]), size):
        mean = probabilities[:, chosen].mean(axis=1)
        true = mean[np.arange(len(labels)), labels]
        losses.append(-np.log(true).mean())
    return np.mean(losses)''',
    why=(
        "An ensemble of three is the mean of its three pairs, so by Jensen's inequality its NLL is "
        "at most theirs on average. Hence this curve never rises with the size."
    ),
    reference=_over_subsets(_nll_of_mean),
    inputs=_some_members,
    misconceptions=(
        Misconception(
            _first_only,
            "this is a single ensemble, that of the first members. Go through all choices.",
        ),
        Misconception(
            _best_only,
            "this is the NLL of the best choice only. The task asks for the mean over all.",
        ),
        Misconception(
            _over_subsets(_of_members),
            "you take the NLL of each member and average those, so that the size makes no "
            "difference. Average the *probabilities* of the chosen members first.",
        ),
        Misconception(
            lambda probabilities, labels, size: (
                -_over_subsets(_nll_of_mean)(probabilities, labels, size)
            ),
            "the minus is missing: the logarithm of a probability is negative, an NLL isn't.",
        ),
        Misconception(
            lambda probabilities, labels, size: (
                _over_subsets(_nll_of_mean)(probabilities, labels, size)
                * len(list(combinations(range(probabilities.shape[1]), size)))
            ),
            "this is the sum over the ensembles. Take their mean.",
        ),
        Misconception(
            lambda probabilities, labels, size: _nll_of_mean(probabilities, labels),
            "this is the ensemble of all members, whatever the size.",
        ),
    ),
)
