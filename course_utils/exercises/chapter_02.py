"""Exercises of chapter 2: write LeNet, its loss, its training loop, and its trainer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import guard
from .exercise import NotAttempted, NotYet
from .kinds import Built, Choice, Function, Misconception

if TYPE_CHECKING:
    import torch
    from torch import nn

WRITE = "write LeNet in PyTorch and count its parameters by hand"
LOSS = "compute the loss from logits, and say which prior a weight decay stands for"
TRAIN = (
    "write a training loop, then hand it to torch-uncertainty's routine and trainer, and check "
    "that the schedule ran"
)


# --- 2.1 ----------------------------------------------------------------------------------------
def _try_lenet(given: Any) -> None:
    import torch
    from torch import nn

    from course_utils.networks.models import LeNet

    if isinstance(given, nn.Module):
        raise NotYet("this is a network, already made. Pass the class itself: no parentheses.")
    if not isinstance(given, type) or not issubclass(given, nn.Module):
        raise NotYet(
            f"this is a `{type(given).__name__}`. Pass the class `LeNet`, a subclass of "
            "`nn.Module`."
        )
    network = guard.call(given)
    torch.manual_seed(0)
    images = torch.randn(6, 1, 28, 28)
    if not hasattr(network, "fc1") and guard.call(network, images) is ...:
        raise NotAttempted
    expected = LeNet()
    _compare_layers(network, expected)
    if guard.call(given, 3, 4).state_dict()["fc3.weight"].shape[0] != 4:
        raise NotYet("`fc3` returns ten numbers whatever `num_classes` is.")
    expected.load_state_dict(network.state_dict())
    logits = guard.call(network, images)
    if logits is ...:
        raise NotAttempted
    _compare_logits(logits, expected, images)


def _compare_layers(network: nn.Module, expected: nn.Module) -> None:
    found = {name: tuple(one.shape) for name, one in network.state_dict().items()}
    for name, one in expected.state_dict().items():
        layer, tensor = name.split(".")
        if name not in found:
            raise NotYet(f"there is no layer `{layer}` yet: `__init__` should make it.")
        if found[name] == tuple(one.shape):
            continue
        if layer.startswith("fc") and tensor == "weight":
            (outputs, inputs), (right_outputs, right_inputs) = found[name], one.shape
            if inputs == right_inputs:
                raise NotYet(f"`{layer}` returns {outputs} numbers instead of {right_outputs}.")
            why = " How many channels come out of the second pooling, and of which size?"
            raise NotYet(
                f"`{layer}` takes {inputs} numbers, and gets another count."
                + (why if layer == "fc1" else " What does the layer before it return?")
            )
        raise NotYet(f"the shape of `{name}` isn't that of LeNet: leave `{layer}` as it was.")
    more = sorted(set(found) - set(expected.state_dict()))
    if more:
        raise NotYet(f"`{more[0].split('.')[0]}` is a layer too many: five are enough.")


def _compare_logits(logits: Any, expected: nn.Module, images: torch.Tensor) -> None:
    import torch
    import torch.nn.functional as F

    if logits is None:
        raise NotYet("`forward` returns `None`: is the `return` missing?")
    if not isinstance(logits, torch.Tensor):
        raise NotYet(f"`forward` returns a `{type(logits).__name__}` instead of a tensor.")
    right = expected(images)
    if logits.shape != right.shape:
        raise NotYet(
            f"for 6 images `forward` returns the shape {list(logits.shape)}, and "
            f"{list(right.shape)} is expected: a row of logits for each image."
        )
    if torch.allclose(logits, right, atol=1e-5):
        return
    relu, keep = F.relu, torch.nn.Identity()
    for wrong, hint in (
        (
            right.softmax(1),
            "these are probabilities. LeNet returns logits: the loss takes the softmax itself.",
        ),
        (right.log_softmax(1), "these are log-probabilities. Return what `fc3` returns."),
        (relu(right), "a ReLU comes behind the last layer. Logits may be negative."),
        (
            _forward(expected, images, keep, keep),
            "there is no ReLU anywhere: five linear layers in a row are one linear layer.",
        ),
        (_forward(expected, images, keep, relu), "no ReLU follows the convolutions."),
        (
            _forward(expected, images, relu, keep),
            "no ReLU follows `fc1` and `fc2`. Without one, the three are one linear layer.",
        ),
        (
            _forward(expected, images, relu, relu, F.avg_pool2d),
            "you average each 2 by 2 square. Our LeNet keeps its largest value.",
        ),
    ):
        if torch.allclose(logits, wrong, atol=1e-5):
            raise NotYet(hint)
    raise NotYet(
        "the shapes fit, and the numbers don't. Are the layers called in their order, each "
        "convolution followed by ReLU and pooling, `fc1` and `fc2` by ReLU?"
    )


def _forward(
    network: Any,
    images: torch.Tensor,
    after_conv: Callable[[torch.Tensor], torch.Tensor],
    after_fc: Callable[[torch.Tensor], torch.Tensor],
    pool: Callable[..., torch.Tensor] | None = None,
) -> torch.Tensor:
    """LeNet with something else behind its layers."""
    import torch.nn.functional as F

    pool = pool or F.max_pool2d
    features = pool(after_conv(network.conv1(images)), 2)
    features = pool(after_conv(network.conv2(features)), 2).flatten(1)
    return network.fc3(after_fc(network.fc2(after_fc(network.fc1(features)))))


_CLASS = '''class LeNet(nn.Module):
    """LeNet-5 for 28 x 28 digits, with ReLU and max-pooling (after LeCun et al., 1998)."""

    def __init__(self, in_channels: int = 1, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
'''

ex2_1 = Built(
    name="ex2_1",
    title="Write LeNet",
    objective=WRITE,
    minutes=8,
    task=(
        "The two convolutions are there. Add the linear layers `fc1` (to 120 numbers), `fc2` (to "
        "84) and `fc3` (to one number per class), then write `forward`: convolution, ReLU and "
        "pooling, twice; flatten; three linear layers with a ReLU behind the first two. "
        "`F.relu`, `F.max_pool2d(features, 2)` and `features.flatten(1)` are what you need."
    ),
    stub=_CLASS
    + """
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return ...""",
    passed="LeNet",
    hints=(
        "How large is the image after the first convolution, the first pooling, and so on? `fc1` "
        "takes all that is left of it.",
        "28, 24, 12, 8, 4: sixteen channels of 4 by 4 reach `fc1`, so it is "
        "`nn.Linear(16 * 4 * 4, 120)`.",
        "Begin `forward` with `features = F.max_pool2d(F.relu(self.conv1(images)), 2)`, do the "
        "same with `self.conv2(features)`, then `features.flatten(1)`. The last line returns "
        "`self.fc3(features)`.",
    ),
    answer=_CLASS
    + """        self.fc1 = nn.Linear(16 * 4 * 4, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = F.max_pool2d(F.relu(self.conv1(images)), 2)
        features = F.max_pool2d(F.relu(self.conv2(features)), 2)
        features = features.flatten(1)
        features = F.relu(self.fc1(features))
        features = F.relu(self.fc2(features))
        return self.fc3(features)""",
    why=(
        "`__init__` makes what is learned, `forward` says in which order it is used. A 5 by 5 "
        "window fits into 28 pixels at 24 places, pooling halves that to 12; then 8 and 4."
    ),
    try_out=_try_lenet,
)


# --- 2.2 ----------------------------------------------------------------------------------------
def _count(
    in_channels: int,
    num_classes: int,
    *,
    bias: int = 1,
    side: int = 4,
    per_window: bool = False,
    one_channel: bool = False,
) -> int:
    channels = 1 if one_channel else 6
    conv2 = (25 + bias) * channels * 16 if per_window else (channels * 25 + bias) * 16
    conv1 = (25 + bias) * in_channels * 6 if per_window else (in_channels * 25 + bias) * 6
    fc1 = (16 * side**2 + bias) * 120
    return conv1 + conv2 + fc1 + (120 + bias) * 84 + (84 + bias) * num_classes


def _with_places(in_channels: int, num_classes: int) -> int:
    convolutions = (in_channels * 25 + 1) * 6, (6 * 25 + 1) * 16
    extra = convolutions[0] * (24**2 - 1) + convolutions[1] * (8**2 - 1)
    return _count(in_channels, num_classes) + extra


ex2_2 = Function(
    name="ex2_2",
    title="Count the parameters",
    objective=WRITE,
    minutes=5,
    task=(
        "Write a function that returns how many parameters LeNet has, for any number of input "
        "channels and classes. Count by hand, a line for each layer, and add up: that's the count "
        "you'll need when you shrink or pack a network."
    ),
    stub='''def num_parameters(in_channels, num_classes):
    """Weights and biases of LeNet's five layers."""
    return ...''',
    passed="num_parameters",
    hints=(
        "Which tensors does each layer have, and how many numbers are in each?",
        "A convolution has one 5 by 5 window per pair of input and output channel; a linear layer "
        "one weight per pair of numbers. Both have one bias per output.",
        "`conv2 = (6 * 5 * 5 + 1) * 16` and `fc1 = (16 * 4 * 4 + 1) * 120`; the other three look "
        "alike.",
    ),
    answer='''def num_parameters(in_channels, num_classes):
    """Weights and biases of LeNet's five layers."""
    conv1 = (in_channels * 5 * 5 + 1) * 6
    conv2 = (6 * 5 * 5 + 1) * 16
    fc1 = (16 * 4 * 4 + 1) * 120
    fc2 = (120 + 1) * 84
    fc3 = (84 + 1) * num_classes
    return conv1 + conv2 + fc1 + fc2 + fc3''',
    why=(
        "With one channel and ten classes that makes 44,426. Colour would add only 300, and a "
        "class costs 85."
    ),
    reference=_count,
    inputs=lambda: [(1, 10), (3, 10), (1, 3)],
    misconceptions=(
        Misconception(
            lambda channels, classes: _count(channels, classes, bias=0),
            "the weights are right, but every output also has a bias of its own.",
        ),
        Misconception(
            lambda channels, classes: _count(channels, classes, per_window=True),
            "you count a bias for each window. A convolution adds up the windows of all input "
            "channels, and then one bias for each *output* channel.",
        ),
        Misconception(
            lambda channels, classes: _count(channels, classes, one_channel=True),
            "`conv2` looks at all six channels that `conv1` returns, with a window for each.",
        ),
        Misconception(
            lambda channels, classes: _count(channels, classes, side=8),
            "`fc1` comes after the second *pooling*, which halves 8 by 8 once more.",
        ),
        Misconception(
            _with_places,
            "each place that a window visits is counted. The weights are the same at all of them.",
        ),
        Misconception(
            lambda channels, classes: _count(1, classes),
            "the number of input channels isn't used.",
        ),
        Misconception(
            lambda channels, classes: _count(channels, 10),
            "the number of classes isn't used.",
        ),
    ),
)


# --- 2.3 ----------------------------------------------------------------------------------------
def _nll(logits: np.ndarray, labels: np.ndarray) -> float:
    return float(-_log_softmax(logits)[np.arange(len(labels)), labels].mean())


def _log_softmax(logits: np.ndarray, axis: int = 1) -> np.ndarray:
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _logits_and_labels() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(2)
    first = generator.normal(0, 3, (6, 4))
    large = np.array([[1000.0, 0.0, -3.0], [2.0, 1001.0, 1000.0]])
    return [(first, np.array([0, 3, 1, 2, 2, 0])), (large, np.array([0, 2]))]


def _of_label(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return values[np.arange(len(labels)), labels]


def _twice(logits: np.ndarray, labels: np.ndarray) -> float:
    return _nll(np.exp(_log_softmax(logits)), labels)


ex2_3 = Function(
    name="ex2_3",
    title="The loss from logits",
    objective=LOSS,
    minutes=6,
    task=(
        "Write the mean cross-entropy: for each image -ln of the probability that the softmax "
        "gives to the true class, averaged over the images. You get logits [N, C] and labels [N], "
        "both NumPy arrays. Some of the logits we try are around 1000, where `exp` overflows."
    ),
    stub='''def cross_entropy(logits, labels):
    """Mean of -ln softmax(logits) at the labels, in nats."""
    return ...''',
    passed="cross_entropy",
    hints=(
        "The softmax doesn't change if you subtract the same number from all logits of an image.",
        "ln softmax(z)_y = z_y - ln Σ exp(z_c). Subtract each row's maximum first.",
        "`shifted = logits - logits.max(axis=1, keepdims=True)`; then `np.exp`, `sum(axis=1)`, "
        "`np.log`; pick with `[np.arange(len(labels)), labels]`; change the sign, take the mean.",
    ),
    answer='''def cross_entropy(logits, labels):
    """Mean of -ln softmax(logits) at the labels, in nats."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_of_sum = np.log(np.exp(shifted).sum(axis=1))
    log_probability = shifted[np.arange(len(labels)), labels] - log_of_sum
    return -log_probability.mean()''',
    why=(
        "If you stay with logarithms, nothing overflows and no probability is rounded to 0. "
        "PyTorch's `cross_entropy` does the same; that's why it wants logits."
    ),
    reference=_nll,
    inputs=_logits_and_labels,
    misconceptions=(
        Misconception(
            _twice,
            "it looks as if the softmax is applied twice: first by hand, then inside the loss.",
        ),
        Misconception(
            lambda logits, labels: -_nll(logits, labels),
            "the sign is missing: the logarithm of a probability is negative, a loss isn't.",
        ),
        Misconception(
            lambda logits, labels: _nll(logits, labels) * len(labels),
            "this is the sum over the images. The mean doesn't depend on how many there are.",
        ),
        Misconception(
            lambda logits, labels: _nll(logits, labels) / logits.shape[1],
            "the mean runs over the classes as well. Only the true class counts, once per image.",
        ),
        Misconception(
            lambda logits, labels: -_log_softmax(logits).mean(),
            "the labels aren't used: this averages -ln p over all classes.",
        ),
        Misconception(
            lambda logits, labels: -_of_label(logits, labels).mean(),
            "these are the logits themselves. The softmax, and its logarithm, are missing.",
        ),
        Misconception(
            lambda logits, labels: float((-_log_softmax(logits).max(axis=1)).mean()),
            "this takes the largest probability of each image, not that of the true class.",
        ),
        Misconception(
            lambda logits, labels: float(-_of_label(_log_softmax(logits, 0), labels).mean()),
            "the softmax runs over the images (axis 0). Each image has its own, over the classes.",
        ),
        Misconception(
            lambda logits, labels: _nll(logits, labels) / math.log(2),
            "these are bits: the logarithm has base 2. Use the natural one.",
        ),
    ),
)

# --- 2.4 ----------------------------------------------------------------------------------------
ex2_4 = Choice(
    name="ex2_4",
    title="Twice the digits",
    objective=LOSS,
    minutes=2,
    task=(
        "You get twice as many training digits. Your prior belief about the weights stays the "
        "same. What should happen to the weight decay λ?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "Which symbol in the formula is the belief, and which one is the amount of data?",
        "The belief is `sigma`. Solve for λ and double N.",
        "`λ = 1 / (N * sigma**2)`, and only N changes.",
    ),
    answer='choice = "b"',
    why=(
        "More data speak louder, and the prior counts for less. Read the other way round: if you "
        "keep λ and double the data, you have silently chosen a narrower prior."
    ),
    correct="b",
    options={
        "a": "It stays the same, as the belief does.",
        "b": "It is halved.",
        "c": "It is doubled.",
        "d": "It is divided by the square root of 2.",
    },
    reasons={
        "a": "the loss is a *mean* over digits. With the same λ the penalty would weigh "
        "as much as before, against twice the evidence.",
        "c": "then the prior would count for more as the data grow.",
        "d": "the square root belongs to `sigma`: that is what changes if λ stays.",
    },
)


# --- 2.5 ----------------------------------------------------------------------------------------
def _scene() -> tuple[Any, list, Any, Any]:
    """A small network, four batches, and a recipe whose rate changes with every step."""
    import torch
    from torch import nn

    torch.manual_seed(25)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    loader = [(torch.randn(5, 1, 4, 4), torch.randint(3, (5,))) for _ in range(4)]
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.2, total_iters=4)
    return network, loader, optimizer, schedule


def _epoch(
    network: Any,
    loader: Sequence,
    optimizer: Any,
    schedule: Any,
    *,
    zero: bool = True,
    step: bool = True,
    moves: str = "each",
    softmax: bool = False,
) -> list[float]:
    import torch.nn.functional as F

    losses = []
    for images, labels in loader:
        if zero:
            optimizer.zero_grad()
        outputs = network(images)
        loss = F.cross_entropy(outputs.softmax(1) if softmax else outputs, labels)
        loss.backward()
        if step:
            optimizer.step()
        if moves == "each":
            schedule.step()
        losses.append(loss.item())
    if moves == "once":
        schedule.step()
    return losses


def _result(run: Callable[..., Any]) -> tuple[Any, list[float], float]:
    """What it returns, the weights that it leaves, and the learning rate."""
    scene = _scene()
    network, _, optimizer, _ = scene
    returned = guard.call(lambda: run(*scene))  # not copied: it is meant to change them
    weights = [one for tensor in network.parameters() for one in tensor.detach().ravel().tolist()]
    return returned, weights, float(optimizer.param_groups[0]["lr"])


_LOOPS: tuple[tuple[dict[str, Any], str], ...] = (
    (
        {"zero": False},
        "the gradients of all batches pile up. Set them to zero before each `backward()`.",
    ),
    (
        {"step": False, "moves": "never"},
        "the weights are where they were: neither optimizer nor schedule has taken a step.",
    ),
    ({"step": False}, "the weights are where they were. Who moves them along the gradient?"),
    (
        {"moves": "never"},
        "the learning rate never changes. The schedule needs a step after each batch, too.",
    ),
    (
        {"moves": "once"},
        "the schedule takes one step at the end of the epoch. It was planned for one per batch.",
    ),
    (
        {"softmax": True},
        "`cross_entropy` takes logits. With probabilities it raises no error and learns slowly.",
    ),
)


def _try_loop(run: Any) -> None:
    import torch

    if not callable(run):
        raise NotYet(f"this is a `{type(run).__name__}`. Pass the function, without calling it.")
    returned, weights, rate = _result(run)
    if returned is ...:
        raise NotAttempted
    losses, right_weights, right_rate = _result(_epoch)
    if not (np.allclose(weights, right_weights, atol=1e-6) and math.isclose(rate, right_rate)):
        for change, hint in _LOOPS:
            _, found, reached = _result(lambda *scene, given=change: _epoch(*scene, **given))
            if np.allclose(weights, found, atol=1e-6) and math.isclose(rate, reached):
                raise NotYet(hint)
        raise NotYet(
            "the weights after four batches aren't those of plain training. For each batch: "
            "gradients to zero, loss, `backward`, a step of the optimizer, a step of the schedule."
        )
    if returned is None:
        raise NotYet("the training is right. The list of losses isn't returned yet.")
    if not isinstance(returned, (list, tuple, np.ndarray)):
        raise NotYet("the training is right. Return the losses of all batches, in a list.")
    if any(isinstance(one, torch.Tensor) and one.requires_grad for one in returned):
        raise NotYet(
            "the training is right, but each loss still holds on to its graph, and memory fills "
            "up. `loss.item()` is the number alone."
        )
    if len(returned) != 4 or not np.allclose([float(one) for one in returned], losses, atol=1e-6):
        raise NotYet("the training is right. Return one loss for each batch, in their order.")


ex2_5 = Built(
    name="ex2_5",
    title="The loop",
    objective=TRAIN,
    minutes=6,
    task=(
        "Write one epoch of training. For each batch of `loader`: set the gradients to zero, "
        "compute the cross-entropy of the network's logits (`F.cross_entropy`), send it backward, "
        "let the optimizer take a step, then the schedule. Return the losses as a list of numbers."
    ),
    stub='''def one_epoch(network, loader, optimizer, schedule):
    """Train for one epoch; return the loss of each batch."""
    return ...''',
    passed="one_epoch",
    hints=(
        "`for images, labels in loader:` gives you the batches. Which four calls come in what "
        "order?",
        "`optimizer.zero_grad()`, `loss.backward()`, `optimizer.step()`, `schedule.step()`.",
        "The loss is `F.cross_entropy(network(images), labels)`. Before the loop, `losses = []`; "
        "in it, `losses.append(loss.item())`.",
    ),
    answer='''def one_epoch(network, loader, optimizer, schedule):
    """Train for one epoch; return the loss of each batch."""
    losses = []
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses''',
    why=(
        "That is all of it. A trainer adds what is tedious: devices, validation, logs, "
        "checkpoints, resuming. The order is the same."
    ),
    try_out=_try_loop,
)


# --- 2.6 ----------------------------------------------------------------------------------------
def _try_trainer(routine: Any, trainer: Any) -> None:
    from torch import nn
    from torch_uncertainty import TUTrainer
    from torch_uncertainty.routines import ClassificationRoutine

    if not isinstance(routine, ClassificationRoutine):
        raise NotYet("`my_routine` should be a `ClassificationRoutine`.")
    if not isinstance(trainer, TUTrainer):
        raise NotYet("`my_trainer` should be a `TUTrainer`.")
    if not isinstance(routine.loss, nn.CrossEntropyLoss):
        raise NotYet("the routine has no loss yet: `loss=nn.CrossEntropyLoss()`, an object.")
    recipe = routine.optim_recipe
    if recipe is None:
        raise NotYet("the routine has no recipe: pass `one_cycle_sgd(...)` as `optim_recipe`.")
    optimizer = recipe["optimizer"] if isinstance(recipe, dict) else recipe
    learned = {id(one) for group in optimizer.param_groups for one in group["params"]}
    if learned != {id(one) for one in routine.model.parameters()}:
        raise NotYet("the recipe was made for another network than the routine trains.")
    if trainer.global_step == 0:
        raise NotYet("nothing has been trained yet: `my_trainer.fit(my_routine, few)`.")
    if trainer.lightning_module is not routine:
        raise NotYet("the trainer has trained another routine. Run the whole cell again.")
    _check_schedule(recipe, trainer)


def _check_schedule(recipe: Any, trainer: Any) -> None:
    """Look at the learning rate itself, and say why it isn't where it should end."""
    (group,) = trainer.optimizers[0].param_groups
    peak, rate = group.get("max_lr"), group["lr"]
    if not isinstance(recipe, dict) or peak is None:
        raise NotYet("the recipe has no schedule. `one_cycle_sgd` makes optimizer and schedule.")
    if "lr_scheduler" not in recipe:
        raise NotYet(
            f"after {trainer.global_step} steps the learning rate is still {rate:.3g}, where it "
            "began: the schedule never ran. Lightning looks for the key `lr_scheduler`."
        )
    schedule = recipe["lr_scheduler"]
    if not isinstance(schedule, dict) or schedule.get("interval") != "step":
        raise NotYet(
            f"the learning rate is {rate:.3g} after {trainer.global_step} steps: the schedule was "
            "planned in steps, and moved once an epoch. Its interval must be `step`."
        )
    planned = schedule["scheduler"].total_steps
    if planned != trainer.global_step:
        raise NotYet(
            f"the schedule was planned for {planned} steps, and {trainer.global_step} were taken, "
            "so it stopped on its way. `num_steps` is epochs times batches, `len(few)`."
        )
    if trainer.max_epochs != 5:
        raise NotYet(f"the trainer trains for {trainer.max_epochs} epochs. The task asks for 5.")


ex2_6 = Built(
    name="ex2_6",
    title="A routine and a trainer",
    objective=TRAIN,
    minutes=7,
    task=(
        "Rehearse with 1,024 digits. Make a `ClassificationRoutine` for `small` with 10 classes, "
        "`nn.CrossEntropyLoss()` and the recipe `one_cycle_sgd(small, num_steps=...)`; then a "
        "`TUTrainer` with `max_epochs=5`, without logger, checkpoints (`enable_checkpointing`) and "
        "progress bar (`enable_progress_bar`); then train on `few`. The recipe has to know how "
        "many steps five epochs are."
    ),
    stub="""small = LeNet()
few = batches(data_train.subset(range(1_024)), 128, shuffle=True)

my_routine = ...
my_trainer = ...""",
    passed="my_routine, my_trainer",
    hints=(
        "The routine gets network and recipe, the trainer gets the number of epochs, and "
        "`fit` brings them together with the batches.",
        "`ClassificationRoutine(small, num_classes=10, loss=..., optim_recipe=...)`. A step is one "
        "batch, so five epochs have `5 * len(few)` of them.",
        "`my_trainer = TUTrainer(accelerator=accelerator, max_epochs=5, logger=False, "
        "enable_checkpointing=False, enable_progress_bar=False)`, then "
        "`my_trainer.fit(my_routine, few)`.",
    ),
    answer="""small = LeNet()
few = batches(data_train.subset(range(1_024)), 128, shuffle=True)

my_routine = ClassificationRoutine(
    small,
    num_classes=10,
    loss=nn.CrossEntropyLoss(),
    optim_recipe=one_cycle_sgd(small, num_steps=5 * len(few)),
)
my_trainer = TUTrainer(
    accelerator=accelerator,
    max_epochs=5,
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
)
my_trainer.fit(my_routine, few)""",
    why=(
        "The learning rate ended near zero after exactly the steps it was planned for, so the "
        "schedule ran. Now break it: in the recipe above, rename `lr_scheduler` to `scheduler`, "
        'or `"step"` to `"epoch"`, and run both cells again. Nothing fails. Only the learning '
        "rate tells."
    ),
    try_out=_try_trainer,
)
