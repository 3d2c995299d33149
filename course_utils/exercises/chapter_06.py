"""Exercises of chapter 6: several narrow networks in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import guard
from .exercise import NotAttempted, NotYet
from .kinds import Built, Choice, Function, Misconception

if TYPE_CHECKING:
    from torch import Tensor, nn

COMPARE = "compare models of different budgets without fooling anybody, yourself included"


# --- 6.1 ----------------------------------------------------------------------------------------
def _in_groups(images: Tensor, weight: Tensor, bias: Tensor, groups: int) -> Tensor:
    import torch.nn.functional as F

    return F.conv2d(images, weight, bias, groups=groups)


def _interleaved(images: Tensor, weight: Tensor, bias: Tensor, groups: int) -> Tensor:
    """Each group takes every so manieth channel of the image."""
    import torch

    order = torch.arange(images.shape[1]).reshape(-1, groups).T.flatten()
    return _in_groups(images[:, order], weight, bias, groups)


def _without_bias(images: Tensor, weight: Tensor, bias: Tensor, groups: int) -> Tensor:
    return _in_groups(images, weight, 0 * bias, groups)


def _one_group(images: Tensor, weight: Tensor, bias: Tensor, groups: int) -> Tensor:
    """The first group's channels are given to all."""
    width = images.shape[1] // groups
    return _in_groups(images[:, :width].repeat(1, groups, 1, 1), weight, bias, groups)


def _layers_in_groups() -> list[tuple[Tensor, Tensor, Tensor, int]]:
    import torch

    made = []
    for groups, inputs, outputs in ((2, 4, 6), (3, 9, 6), (1, 2, 3)):
        draw = torch.Generator().manual_seed(groups)
        images = torch.randn((2, inputs, 6, 6), generator=draw)
        weight = torch.randn((outputs, inputs // groups, 3, 3), generator=draw)
        made.append((images, weight, torch.randn(outputs, generator=draw), groups))
    return made


def _without_groups(function: Callable[..., Any]) -> None:
    """Refuse an answer that hands the work to ``groups``."""
    from torch.overrides import TorchFunctionMode

    class Watch(TorchFunctionMode):
        """Notes whether a convolution is asked for groups."""

        asked = False

        def __torch_function__(self, call: Any, _: Any, given: Any = (), named: Any = None) -> Any:
            named = named or {}
            if getattr(call, "__name__", "") == "conv2d":
                groups = given[6] if len(given) > 6 else named.get("groups", 1)
                self.asked = self.asked or groups != 1
            return call(*given, **named)

    with Watch() as watch:
        guard.call(function, *_layers_in_groups()[0])
    if watch.asked:
        raise NotYet(
            "the numbers are right, but `groups` did the work. Use convolutions without groups, "
            "one for each."
        )


ex6_1 = Function(
    name="ex6_1",
    title="Groups without groups",
    objective="explain why a grouped convolution is several separate convolutions",
    minutes=3,
    task=(
        "Compute what `F.conv2d(images, weight, bias, groups=groups)` computes, with ordinary "
        "convolutions only: one for each group, on that group's share of the channels."
    ),
    stub='''def in_groups(images, weight, bias, groups):
    """A grouped convolution, from convolutions without groups."""
    return ...''',
    passed="in_groups",
    hints=(
        "Which channels of the images does the first group look at, and which rows of `weight` and "
        "`bias` are its own?",
        "`images.chunk(groups, dim=1)` cuts the channels into equal blocks. Weights and biases "
        "are cut along their first axis.",
        "Call `F.conv2d(part, its_weight, its_bias)` for each block and join the answers with "
        "`torch.cat(outputs, dim=1)`.",
    ),
    answer='''def in_groups(images, weight, bias, groups):
    """A grouped convolution, from convolutions without groups."""
    blocks = zip(images.chunk(groups, dim=1), weight.chunk(groups), bias.chunk(groups))
    outputs = []
    for its_images, its_weight, its_bias in blocks:
        outputs.append(F.conv2d(its_images, its_weight, its_bias))
    return torch.cat(outputs, dim=1)''',
    why=(
        "A grouped layer is several small layers side by side, and they exchange nothing. Stack "
        "such layers and you get separate networks, because activations and pooling treat every "
        "channel alone."
    ),
    reference=_in_groups,
    inputs=_layers_in_groups,
    tolerance=1e-4,
    examine=_without_groups,
    misconceptions=(
        Misconception(
            _without_bias, "the weights are right. Each output channel also has its bias."
        ),
        Misconception(
            _interleaved,
            "your groups take the channels in turn. A group's channels stand next to each other.",
        ),
        Misconception(
            _one_group, "every group gets the first group's channels. Each has a block of its own."
        ),
    ),
)


# --- 6.2 ----------------------------------------------------------------------------------------
_LAYERS = {
    "conv1": "the first layer, on the image itself",
    "conv2": "a hidden layer",
    "fc1": "a hidden layer",
    "fc2": "a hidden layer",
    "fc3": "the last layer, one answer for each member",
}


def _called(function: Callable[..., Any], *given: Any) -> Any:
    """Call what a learner built; an error speaks of the network."""
    try:
        return guard.call(function, *given)
    except guard.Failed as wrong:
        raise NotYet(str(wrong).replace("your function", "your network")) from None


def _try_packed(network_class: Any) -> None:
    import torch
    from torch import nn

    from course_utils.networks import models

    if isinstance(network_class, nn.Module):
        raise NotYet("this is a network. Pass the class itself: `PackedLeNet` without parentheses.")
    if not (isinstance(network_class, type) and issubclass(network_class, nn.Module)):
        raise NotYet("pass the class `PackedLeNet`, a subclass of `nn.Module`.")
    network = _called(network_class)
    if not list(network.children()):
        raise NotAttempted
    _compare_layers(network, models.PackedLeNet())
    narrow = (1, 7, 1.5, 3)  # other channels, classes, alpha and M
    other = _called(network_class, *narrow)
    _compare_layers(other, models.PackedLeNet(*narrow), "With 7 classes, alpha = 1.5 and M = 3 ")
    images = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    expected = models.PackedLeNet()
    expected.load_state_dict(network.state_dict())
    with torch.no_grad():
        found, right = _called(network, images), expected(images)
    if found is ...:
        raise NotYet("the layers are right. Now write `forward`.")
    _compare_answers(found, right)


def _compare_layers(network: nn.Module, expected: nn.Module, where: str = "") -> None:
    layers, right = dict(network.named_children()), dict(expected.named_children())
    for name, role in _LAYERS.items():
        if name not in layers:
            raise NotYet(f"there is no layer `self.{name}`. Keep LeNet's names, from conv1 to fc3.")
        found, wanted = layers[name], right[name]
        if type(found) is not type(wanted):
            raise NotYet(
                f"`{name}` is a `{type(found).__name__}`, which knows nothing of members. Take "
                f"`{type(wanted).__name__}`."
            )
        shapes = [[tuple(one.shape) for one in layer.parameters()] for layer in (found, wanted)]
        if shapes[0] != shapes[1]:
            raise NotYet(
                f"{where}`{name}` has weights of shape `{shapes[0][0]}`, and `{shapes[1][0]}` is "
                f"right. It is {role}; it takes LeNet's own sizes, `alpha` and `num_estimators`."
            )
    if more := [name for name in layers if name not in right and any(layers[name].parameters())]:
        raise NotYet(f"LeNet has no layer `{more[0]}`: five are enough.")


def _compare_answers(found: Any, right: Tensor) -> None:
    import torch

    if found is None:
        raise NotYet("`forward` returns `None`: is the `return` missing?")
    if not isinstance(found, torch.Tensor):
        raise NotYet(f"`forward` returns a `{type(found).__name__}`, and a tensor is expected.")
    if found.shape != right.shape:
        raise NotYet(
            f"for 5 images `forward` returns the shape `{tuple(found.shape)}`, and "
            f"`{tuple(right.shape)}` is right: five rows for each of the four members."
        )
    if torch.allclose(found, right, atol=1e-4):
        return
    if torch.allclose(found, right.softmax(-1), atol=1e-4):
        raise NotYet("`forward` returns probabilities. Return logits: the loss applies softmax.")
    if torch.allclose(found, right.relu(), atol=1e-4):
        raise NotYet("there is a ReLU after `fc3`. Logits may be negative.")
    raise NotYet(
        "the layers are right, but `forward` computes something other than LeNet: ReLU and 2 by 2 "
        "max-pooling after each convolution, `flatten(1)`, ReLU after `fc1` and `fc2`."
    )


ex6_2 = Built(
    name="ex6_2",
    title="LeNet, packed",
    objective=(
        "write a network with `PackedConv2d` and `PackedLinear`, and say which settings will build"
    ),
    minutes=6,
    task=(
        "Write LeNet with packed layers, each with `alpha` and `num_estimators`. The five layers "
        "keep their names and sizes: `conv1` (to 6 channels) and `conv2` (to 16), both with "
        "`kernel_size=5`, then `fc1` (from 16 · 4 · 4 to "
        "120), `fc2` (to 84) and `fc3` (to the classes). `forward` is LeNet's, word for word: ReLU "
        "and 2 by 2 max-pooling after each convolution, `flatten(1)`, ReLU between the linear "
        "layers."
    ),
    stub='''class PackedLeNet(nn.Module):
    """M narrow LeNets in one network: each layer has one group of channels per estimator."""

    def __init__(
        self, in_channels: int = 1, num_classes: int = 10, alpha: float = 2, num_estimators: int = 4
    ) -> None:
        super().__init__()
        ...

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return ...''',
    passed="PackedLeNet",
    hints=(
        "Start from LeNet's class in chapter 2. Which layers change, and does `forward` change? A "
        "dictionary `packed` with the two settings saves typing.",
        "`self.conv2 = PackedConv2d(6, 16, kernel_size=5, **packed)` is a hidden layer. Two of the "
        "five need one more setting.",
        "`conv1` gets `first=True`, `fc3` gets `last=True`. In `forward`: "
        "`F.max_pool2d(F.relu(self.conv1(images)), 2)`.",
    ),
    answer='''class PackedLeNet(nn.Module):
    """M narrow LeNets in one network: each layer has one group of channels per estimator."""

    def __init__(
        self, in_channels: int = 1, num_classes: int = 10, alpha: float = 2, num_estimators: int = 4
    ) -> None:
        super().__init__()
        packed = {"alpha": alpha, "num_estimators": num_estimators}
        self.conv1 = PackedConv2d(in_channels, 6, kernel_size=5, **packed, first=True)
        self.conv2 = PackedConv2d(6, 16, kernel_size=5, **packed)
        self.fc1 = PackedLinear(16 * 4 * 4, 120, **packed)
        self.fc2 = PackedLinear(120, 84, **packed)
        self.fc3 = PackedLinear(84, num_classes, **packed, last=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = F.max_pool2d(F.relu(self.conv1(images)), 2)
        features = F.max_pool2d(F.relu(self.conv2(features)), 2)
        features = features.flatten(1)
        features = F.relu(self.fc1(features))
        features = F.relu(self.fc2(features))
        return self.fc3(features)''',
    why=(
        "Same layers, same sizes, same `forward`: only the kind of layer has changed, and the two "
        "ends are marked. `flatten(1)` goes channel by channel, so each member's numbers stay "
        "together."
    ),
    try_out=_try_packed,
)


# --- 6.3 ----------------------------------------------------------------------------------------
Layers = Sequence[tuple[int, int, int]]


def _counter(
    inside: Callable[[float, int], float] = lambda alpha, m: alpha / m,
    *,
    first: bool = True,
    last: bool = True,
    bias: bool = True,
    members: bool = True,
) -> Callable[[Layers, float, int], float]:
    """The count, or a mistaken one.

    Parameters
    ----------
    inside
        Width of a member, in original layers.
    first, last
        Whether the ends keep the image's channels, and the classes.
    bias, members
        Whether biases are counted, and all members rather than one.
    """

    def count(layers: Layers, alpha: float, num_members: int) -> float:
        width, total = inside(alpha, num_members), 0.0
        for place, (inputs, outputs, pixels) in enumerate(layers):
            ins = inputs if place == 0 and first else width * inputs
            outs = outputs if place == len(layers) - 1 and last else width * outputs
            total += outs * (ins * pixels + bias)
        return total * num_members if members else total

    return count


ex6_3 = Function(
    name="ex6_3",
    title="Count the parameters",
    objective="compute its parameters by hand",
    minutes=4,
    task=(
        "How many parameters does a packed network have? You get the *original* layers as a list "
        "of tuples `(inputs, outputs, pixels)`, where `pixels` is the number of weights for each "
        "pair of input and output: 25 for a filter of 5 by 5, 1 for a linear layer. So LeNet's "
        "first layer is `(1, 6, 25)`. Work it out for one member first. How wide is it? What does "
        "its first layer see, and what does its last layer answer?"
    ),
    stub='''def packed_parameters(layers, alpha, num_members):
    """Parameters of a packed network, weights and biases, from the original layers."""
    return ...''',
    passed="packed_parameters",
    hints=(
        "All members together are alpha times as wide as the original. How wide is one?",
        "A member has alpha / M of the channels in every layer. The image's channels and the "
        "classes are the exceptions.",
        "A layer from `a` to `b` has `b * (a * pixels + 1)` parameters. Sum over the layers of one "
        "member, with `a` left as it is in the first and `b` in the last, then multiply by M.",
    ),
    answer='''def packed_parameters(layers, alpha, num_members):
    """Parameters of a packed network, weights and biases, from the original layers."""
    total = 0
    for place, (inputs, outputs, pixels) in enumerate(layers):
        if place > 0:
            inputs = inputs * alpha / num_members
        if place < len(layers) - 1:
            outputs = outputs * alpha / num_members
        total += num_members * outputs * (inputs * pixels + 1)
    return total''',
    why=(
        "A hidden layer is narrower on both sides, so M members have alpha² / M times its weights. "
        "The first and the last layer are narrower on one side only: alpha times."
    ),
    reference=_counter(),
    inputs=lambda: [
        ([(1, 6, 25), (6, 16, 25), (256, 120, 1), (120, 84, 1), (84, 10, 1)], 2, 4),
        ([(3, 32, 9), (32, 64, 9), (64, 128, 1), (128, 5, 1)], 3, 4),
        ([(1, 6, 25), (6, 16, 25), (256, 120, 1), (120, 84, 1), (84, 10, 1)], 5, 2),
    ],
    misconceptions=(
        Misconception(
            _counter(members=False), "this is one member. There are `num_members` of them."
        ),
        Misconception(
            _counter(lambda alpha, m: alpha),
            "each of your members is alpha times as wide as the original. *Together* they are.",
        ),
        Misconception(
            _counter(lambda alpha, m: alpha, members=False),
            "this is one wide network without groups. A member sees its own channels only.",
        ),
        Misconception(
            _counter(lambda alpha, m: 1 / m),
            "your members share the width of *one* original. Alpha says how many they share.",
        ),
        Misconception(
            _counter(first=False, last=False),
            "both ends are treated like hidden layers. Every member sees the whole image and "
            "answers for all classes.",
        ),
        Misconception(
            _counter(first=False),
            "the first layer is treated like a hidden one, but every member sees the whole image.",
        ),
        Misconception(
            _counter(last=False),
            "the last layer is treated like a hidden one, but every member answers for all "
            "classes.",
        ),
        Misconception(_counter(bias=False), "the weights are right; the biases are missing."),
    ),
)

# --- 6.4 ----------------------------------------------------------------------------------------
ex6_4 = Choice(
    name="ex6_4",
    title="Spend 46,000 parameters",
    objective=(
        "write a network with `PackedConv2d` and `PackedLinear`, and say which settings will build"
    ),
    minutes=2,
    task=(
        "You may spend 46,000 parameters on a packed LeNet, and want as many members as possible. "
        "Which setting do you take?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "First strike out what doesn't build.",
        "How many parameters does the narrowest member that builds have? The calculator shows it.",
        "The narrowest member has 11,418 parameters.",
    ),
    answer='choice = "b"',
    why=(
        "The narrowest member that builds has half of LeNet's width and 11,418 parameters, so four "
        "fit. M = 1 with alpha = 1, LeNet itself, spends about as much. Which is better, only a "
        "measurement can say."
    ),
    correct="b",
    options={
        "a": "M = 4, alpha = 1",
        "b": "M = 4, alpha = 2",
        "c": "M = 5, alpha = 2.5",
        "d": "M = 8, alpha = 2",
    },
    reasons={
        "a": "it doesn't build: 2 · alpha is 2, which isn't a multiple of 4.",
        "c": "it builds, but five members of half the width have 57,090 parameters. Too many.",
        "d": "it doesn't build: 2 · alpha is 4, which isn't a multiple of 8.",
    },
)


# --- 6.5 ----------------------------------------------------------------------------------------
def _try_apart(function: Any) -> None:
    import torch
    from torch import nn

    from course_utils.networks.models import PackedLeNet

    if not callable(function):
        raise NotYet("pass the function `take_apart` itself, without calling it.")
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        packed = PackedLeNet()
    images = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    networks = guard.call(function, packed, 4)
    if networks is ...:
        raise NotAttempted
    if networks is None:
        raise NotYet("your function returns `None`: is the `return` missing?")
    if not isinstance(networks, (list, tuple, nn.ModuleList)) or not all(
        isinstance(one, nn.Module) for one in networks
    ):
        raise NotYet("return a list of networks, one for each member.")
    if len(networks) != 4:
        raise NotYet(f"there are 4 members, and your list has {len(networks)}.")
    if len({id(one) for one in networks}) < 4:
        raise NotYet(
            "your list holds the same network more than once, as `[narrow_lenet()] * 4` does. Call "
            "`narrow_lenet()` for each member."
        )
    if any(
        type(layer).__name__.startswith("Packed") for one in networks for layer in one.modules()
    ):
        raise NotYet("a packed layer is left. Use `narrow_lenet()`, which has ordinary ones only.")
    with torch.no_grad():
        right = packed(images).unflatten(0, (4, -1))
        found = torch.stack([_called(one, images) for one in networks])
    if found.shape != right.shape:
        raise NotYet("your networks don't return one row of 10 logits for each image.")
    if not torch.allclose(found, right, atol=1e-4):
        raise NotYet(_what_differs(list(networks), packed, found, right))


def _what_differs(
    networks: list[nn.Module], packed: nn.Module, found: Tensor, right: Tensor
) -> str:
    """Say which weights are not those of the member."""
    for order in ([3, 2, 1, 0], [1, 2, 3, 0], [3, 0, 1, 2]):
        if np.allclose(found.numpy(), right[order].numpy(), atol=1e-4):
            return "these are the four members, but in another order."
    wrong = []  # names of parameters that are not the member's own, in the first network
    taken_in_turn = False
    for name, layer in packed.named_children():
        of_network = getattr(networks[0], name, None)
        if of_network is None:
            return f"your networks have no `{name}`: start from `narrow_lenet()`."
        for kind in ("weight", "bias"):
            given, mine = getattr(layer, kind).detach(), getattr(of_network, kind).detach()
            flat = given.flatten(0, given.ndim - mine.ndim)
            if not (mine.shape == flat[: len(mine)].shape and mine.allclose(flat[: len(mine)])):
                wrong.append(f"{name}.{kind}")
                in_turn = flat[::4]
                taken_in_turn |= mine.shape == in_turn.shape and mine.allclose(in_turn)
    if taken_in_turn:
        return (
            "you take every fourth row. A member's rows stand next to each other: the first "
            "quarter belongs to the first member."
        )
    if not wrong:
        return "the first network is right, the others are not. Does each get its own quarter?"
    if len(wrong) == 10:
        return (
            "your networks still have weights of their own. Copy the member's into each layer, "
            "with `layer.weight.copy_(...)` and `layer.bias.copy_(...)`."
        )
    if all(name.endswith("bias") for name in wrong):
        return "the weights are right. Copy the biases as well."
    return f"in the first network `{wrong[0]}` isn't the first member's."


ex6_5 = Built(
    name="ex6_5",
    title="Take it apart",
    objective="take a Packed-Ensemble apart into small networks that give the same answers",
    minutes=5,
    task=(
        "Write a function that copies every member of a packed LeNet into an ordinary LeNet of "
        "half the width, and returns the list of these networks. In each layer the first quarter "
        "of `weight` and `bias` belongs to the first of four members, the second quarter to the "
        "second. A convolution stacks its members along the first axis, like every bias. A "
        "`PackedLinear` has an axis of its own for the members."
    ),
    stub='''@torch.no_grad()
def take_apart(packed_network, num_members=4):
    """Copy each member's weights into a narrow LeNet of its own."""
    return ...''',
    passed="take_apart",
    hints=(
        "Make a list of `num_members` narrow LeNets. Go through `packed_network.named_children()`: "
        "name and layer. `getattr(network, name)` is the layer of the same name.",
        "`bias.unflatten(0, (num_members, -1))` gives the members an axis of their own; `[member]` "
        "then picks one. The weights of a `PackedConv2d` need the same, those of a `PackedLinear` "
        "don't.",
        "The last step, for each member: `layer.weight.copy_(weights[member])`, and the same for "
        "the bias.",
    ),
    answer='''@torch.no_grad()
def take_apart(packed_network, num_members=4):
    """Copy each member's weights into a narrow LeNet of its own."""
    networks = [narrow_lenet() for _ in range(num_members)]
    for name, packed_layer in packed_network.named_children():
        weights = packed_layer.weight
        if isinstance(packed_layer, PackedConv2d):
            weights = weights.unflatten(0, (num_members, -1))
        biases = packed_layer.bias.unflatten(0, (num_members, -1))
        for member, network in enumerate(networks):
            layer = getattr(network, name)
            layer.weight.copy_(weights[member])
            layer.bias.copy_(biases[member])
    return networks''',
    why=(
        "Four small networks give the logits of the packed one, for random images and up to "
        "rounding. So they *are* the packed network, and only the speed differs."
    ),
    try_out=_try_apart,
)


# --- 6.6 ----------------------------------------------------------------------------------------
def _accuracies(
    outputs: Tensor, labels: Tensor, num_members: int, *, by_image: bool = False, how: str = "mean"
) -> Tensor:
    """Accuracy of each member, then of all together; or with a mistaken order or average."""
    import torch

    if by_image:
        members = outputs.reshape(-1, num_members, outputs.shape[-1]).swapaxes(0, 1)
    else:
        members = outputs.unflatten(0, (num_members, -1))
    right = (members.argmax(-1) == labels).double().mean(-1)
    if how == "votes":
        together = members.argmax(-1).mode(0).values
    else:
        mean = members.mean(0) if how == "logits" else members.softmax(-1).mean(0)
        together = mean.argmax(-1)
    last = right.mean() if how == "accuracies" else (together == labels).double().mean()
    return torch.cat([right, last[None]])


def _rows_of_answers() -> list[tuple[Tensor, Tensor, int]]:
    import torch

    made = []
    for members, images, seed in ((4, 30, 0), (3, 25, 1)):
        draw = torch.Generator().manual_seed(seed)
        labels = torch.randint(0, 5, (images,), generator=draw)
        outputs = 2 * torch.randn(members * images, 5, generator=draw)
        outputs *= torch.rand(members * images, 1, generator=draw) * 3  # some are surer than others
        outputs[torch.arange(len(outputs)), labels.repeat(members)] += 1.5
        made.append((outputs, labels, members))
    return made


ex6_6 = Function(
    name="ex6_6",
    title="Whose rows are these?",
    objective="read its rows of answers: each member's, and those of all together",
    minutes=3,
    task=(
        "Write a function that returns M + 1 accuracies, as shares: one for each member, then that "
        "of all together, who answer by the mean of their probabilities. You get `outputs`, a "
        "tensor of M · B rows of logits in the order of a packed network, and B labels."
    ),
    stub='''def accuracies(outputs, labels, num_members):
    """Accuracy of each member, and in the last place that of all together."""
    return ...''',
    passed="accuracies",
    hints=(
        "Rows come member by member. Which shape makes that visible?",
        "`members = outputs.unflatten(0, (num_members, -1))` has the shape [M, B, C]. Average over "
        "which axis, and before or after the softmax?",
        "`members.softmax(-1).mean(0)` are the probabilities of all together. "
        "`torch.cat([right, together[None]])` puts M numbers and one more into a row.",
    ),
    answer='''def accuracies(outputs, labels, num_members):
    """Accuracy of each member, and in the last place that of all together."""
    members = outputs.unflatten(0, (num_members, -1))
    alone = (members.argmax(-1) == labels).float().mean(-1)
    probabilities = members.softmax(-1).mean(0)
    together = (probabilities.argmax(-1) == labels).float().mean()
    return torch.cat([alone, together[None]])''',
    why=(
        "All images of the first member come first, then all of the second. Rows that are read in "
        "another order raise no error; they just give wrong numbers."
    ),
    reference=_accuracies,
    inputs=_rows_of_answers,
    misconceptions=(
        Misconception(
            lambda outputs, labels, m: _accuracies(outputs, labels, m, by_image=True),
            "your rows go image by image. They go member by member: first all images of the first.",
        ),
        Misconception(
            lambda outputs, labels, m: 100 * _accuracies(outputs, labels, m),
            "these are percentages. Shares are asked for, from 0 to 1.",
        ),
        Misconception(
            lambda outputs, labels, m: _accuracies(outputs, labels, m, how="logits"),
            "you average logits. Take the softmax of each member first, then the mean.",
        ),
        Misconception(
            lambda outputs, labels, m: _accuracies(outputs, labels, m, how="votes"),
            "your last accuracy is that of a vote. Average the probabilities.",
        ),
        Misconception(
            lambda outputs, labels, m: _accuracies(outputs, labels, m, how="accuracies"),
            "your last number is the mean of the members' accuracies. Average their probabilities, "
            "and see which class is then the most probable.",
        ),
    ),
)


# --- 6.7 ----------------------------------------------------------------------------------------
def _interval(
    first: np.ndarray,
    second: np.ndarray,
    *,
    ddof: int = 1,
    factor: float = 2.8,
    error: Callable[[np.ndarray, np.ndarray], float] | None = None,
) -> np.ndarray:
    """Interval of the difference of two means, or a mistaken one."""
    of_mean = [values.var(ddof=ddof) / len(values) for values in (first, second)]
    size = sum(of_mean) ** 0.5 if error is None else error(first, second)
    middle = second.mean() - first.mean()
    return np.array([middle - factor * size, middle + factor * size])


def _pairs_of_columns() -> list[tuple[np.ndarray, np.ndarray]]:
    draw = np.random.default_rng(0)
    return [
        (draw.normal(0.2, 0.02, size=5), draw.normal(0.15, 0.01, size=other)) for other in (5, 4)
    ]


ex6_7 = Function(
    name="ex6_7",
    title="More than luck?",
    objective=COMPARE,
    minutes=3,
    task=(
        "Write the interval of a difference between two groups of trainings: mean of `second` "
        "minus mean of `first`, give or take 2.8 standard errors. The standard error is "
        "$\\sqrt{s_1^2 / n_1 + s_2^2 / n_2}$ with the sample variances $s^2$, those that divide by "
        "$n - 1$. You get two NumPy arrays; return the lower and the upper end. (Many values would "
        "need a factor of 2. With five each, 2.8 is on the safe side.)"
    ),
    stub='''def interval(first, second):
    """Lower and upper end of an interval for mean(second) - mean(first)."""
    return ...''',
    passed="interval",
    hints=(
        "Four steps: difference, two variances of means, standard error, two ends.",
        "NumPy's `x.var()` divides by n. Which argument makes it divide by n - 1?",
        "`error = (first.var(ddof=1) / len(first) + second.var(ddof=1) / len(second)) ** 0.5`.",
    ),
    answer='''def interval(first, second):
    """Lower and upper end of an interval for mean(second) - mean(first)."""
    difference = second.mean() - first.mean()
    variances = first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)
    error = sum(variances) ** 0.5
    return difference - 2.8 * error, difference + 2.8 * error''',
    why=(
        "An interval without 0 means that the luck of the training is no likely explanation. It "
        "still holds for this network, these digits and this recipe only."
    ),
    reference=_interval,
    inputs=_pairs_of_columns,
    misconceptions=(
        Misconception(
            lambda first, second: _interval(first, second, ddof=0),
            "nearly: NumPy's `var` and `std` divide by n. Use `ddof=1`.",
        ),
        Misconception(
            lambda first, second: _interval(second, first),
            "this is `first` minus `second`. The sign matters: turn it round.",
        ),
        Misconception(
            lambda first, second: _interval(first, second)[::-1],
            "the ends are right, but the lower one comes first.",
        ),
        Misconception(
            lambda first, second: _interval(
                first, second, error=lambda a, b: a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)
            ),
            "the square root is missing from the standard error.",
        ),
        Misconception(
            lambda first, second: _interval(
                first, second, error=lambda a, b: (a.var(ddof=1) + b.var(ddof=1)) ** 0.5
            ),
            "this is the spread of single trainings. Divide each variance by its number of values.",
        ),
        Misconception(
            lambda first, second: _interval(first, second, factor=1),
            "this is one standard error on either side; 2.8 are asked for.",
        ),
        Misconception(
            lambda first, second: _interval(first, second, factor=2),
            "these are 2 standard errors. With five values, take 2.8.",
        ),
    ),
)

# --- 6.8 ----------------------------------------------------------------------------------------
ex6_8 = Choice(
    name="ex6_8",
    title="What may you write?",
    objective=COMPARE,
    minutes=1,
    task=(
        "A colleague sets a Deep Ensemble of eight LeNets trained for 75 epochs beside a PE-4 "
        "trained for three. The DE-8 makes fewer mistakes. Which sentence may she write?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "What differs between the two models? Make a list.",
        "Members, width, epochs, parameters: which of them explains the result?",
        "If several things differ, a sentence may blame none of them alone.",
    ),
    answer='choice = "d"',
    why=(
        "Where several things differ, the result can't be put down to one of them. A comparison "
        "that names its budgets lets readers judge for themselves what it is worth."
    ),
    correct="d",
    options={
        "a": "Deep Ensembles are more accurate than Packed-Ensembles.",
        "b": "Eight members are better than four.",
        "c": "Packing costs accuracy.",
        "d": "This DE-8, with 25 times the epochs and nearly 8 times the parameters, is more "
        "accurate.",
    },
    reasons={
        "a": "it also had 25 times the epochs. Would it win with three?",
        "b": "the members differ in width and in training, not in number alone.",
        "c": "the two differ in epochs, members and parameters as well as in packing.",
    },
)
