"""Answers to the exercises of chapter 6."""

import torch
import torch.nn.functional as F
from planted import Planted
from torch import nn
from torch_uncertainty.layers import PackedConv2d, PackedLinear

from course_utils.networks.models import LeNet

TORCH = {"torch": torch, "nn": nn, "F": F}
PACKED = {**TORCH, "PackedConv2d": PackedConv2d, "PackedLinear": PackedLinear}

GROUPS = "def in_groups(images, weight, bias, groups):\n"
GROUPED = GROUPS + (
    "    width, depth = images.shape[1] // groups, len(weight) // groups\n"
    "    outputs = []\n"
    "    for g in range(groups):\n"
    "        ins, outs = {ins}, {outs}\n"
    "        outputs.append(F.conv2d(images[:, ins], weight[outs], {bias}))\n"
    "    return {joined}"
)
BLOCKS = {
    "ins": "slice(g * width, (g + 1) * width)",
    "outs": "slice(g * depth, (g + 1) * depth)",
    "bias": "bias[outs]",
    "joined": "torch.cat(outputs, dim=1)",
}

CLASS = """class PackedLeNet(nn.Module):
    def __init__(self, in_channels=1, num_classes=10, alpha=2, num_estimators=4):
        super().__init__()
        packed = dict(alpha=alpha, num_estimators=num_estimators)
        self.conv1 = {conv1}
        self.conv2 = {conv2}
        self.fc1 = {fc1}
        self.fc2 = PackedLinear(120, 84, **packed)
        self.fc3 = {fc3}

    def forward(self, images):
        x = F.max_pool2d(self.conv1(images).relu(), 2)
        x = F.max_pool2d(self.conv2(x).relu(), 2).flatten(1)
        x = {third}
        {end}
"""
LAYERS = {
    "conv1": "PackedConv2d(in_channels, 6, 5, **packed, first=True)",
    "conv2": "PackedConv2d(6, 16, 5, **packed)",
    "fc1": "PackedLinear(256, 120, **packed)",
    "fc3": "PackedLinear(84, num_classes, **packed, last=True)",
    "third": "F.relu(self.fc2(F.relu(self.fc1(x))))",
    "end": "return self.fc3(x)",
}
COUNT = (
    "def packed_parameters(layers, alpha, num_members):\n"
    "    width, total = {width}, 0\n"
    "    for i, (a, b, pixels) in enumerate(layers):\n"
    "        a = a if {first} else width * a\n"
    "        b = b if {last} else width * b\n"
    "        total += {layer}\n"
    "    return {total}"
)
COUNTED = {
    "width": "alpha / num_members",
    "first": "i == 0",
    "last": "i == len(layers) - 1",
    "layer": "a * b * pixels + b",
    "total": "num_members * total",
}
APART = """@torch.no_grad()
def take_apart(packed_network, num_members=4):
    networks = [narrow_lenet() for _ in range(num_members)]
    for name, packed in packed_network.named_children():
        for m, network in enumerate(networks):
            layer = getattr(network, name)
            n = len(layer.bias)
            weight = packed.weight.flatten(0, packed.weight.ndim - layer.weight.ndim)
            {step}
    return {returned}
"""
COPY = (
    "layer.weight.copy_(weight[{rows}])\n            layer.bias.copy_(packed.bias[{rows}])"
).format
QUARTER = "m * n:(m + 1) * n"
ROWS = (
    "def accuracies(outputs, labels, num_members):\n"
    "    members = {members}\n"
    "    alone = [(one.argmax(1) == labels).float().mean() for one in members]\n"
    "    together = {together}\n"
    "    return {returned}"
)
READ = {
    "members": "outputs.chunk(num_members)",
    "together": "(sum(one.softmax(1) for one in members).argmax(1) == labels).float().mean()",
    "returned": "[*alone, together]",
}
INTERVAL = (
    "def interval(first, second):\n    d = {difference}\n    e = {error}\n    return {returned}"
)
ENDS = {
    "difference": "second.mean() - first.mean()",
    "error": "np.sqrt(np.var(first, ddof=1) / len(first) + np.var(second, ddof=1) / len(second))",
    "returned": "np.array([d - 2.8 * e, d + 2.8 * e])",
}


def in_groups(**changed: str) -> str:
    return GROUPED.format(**(BLOCKS | changed))


def packed(**changed: str) -> str:
    return CLASS.format(**(LAYERS | changed))


def count(**changed: str) -> str:
    return COUNT.format(**(COUNTED | changed))


def apart(step: str, returned: str = "networks") -> str:
    return APART.format(step=step, returned=returned)


def rows(**changed: str) -> str:
    return ROWS.format(**(READ | changed))


def interval(**changed: str) -> str:
    return INTERVAL.format(**(ENDS | changed))


def narrow_lenet() -> LeNet:
    """As the chapter has it."""
    network = LeNet()
    network.conv1 = nn.Conv2d(1, 3, kernel_size=5)
    network.conv2 = nn.Conv2d(3, 8, kernel_size=5)
    network.fc1 = nn.Linear(8 * 4 * 4, 60)
    network.fc2 = nn.Linear(60, 42)
    network.fc3 = nn.Linear(42, 10)
    return network


PLANTED = {
    "ex6_1": Planted(
        wrong=[
            (GROUPS + "    return F.conv2d(images, weight, bias, groups=groups)", "did the work"),
            (in_groups(bias="None"), "also has its bias"),
            (in_groups(ins="slice(g, None, groups)"), "in turn"),
            (in_groups(ins="slice(0, width)"), "first group's channels"),
            (in_groups(joined="sum(outputs)"), "shape is `[2, 3, 4, 4]`"),
            (in_groups(joined="outputs"), "shape is `[2, 2, 3, 4, 4]`"),
            (in_groups(joined="None"), "`None`"),
            (in_groups(joined="torch.cat(outputs)"), "shape is `[4, 3, 4, 4]`"),
            (GROUPS + "    return F.conv2d(images, weight, bias)", "raised `RuntimeError`"),
            ("in_groups = 3", "not a function"),
        ],
        right=[
            in_groups(),
            GROUPS + "    x = images.unflatten(1, (groups, -1)).transpose(0, 1)\n"
            "    w, b = weight.unflatten(0, (groups, -1)), bias.unflatten(0, (groups, -1))\n"
            "    return torch.cat([F.conv2d(*one) for one in zip(x, w, b)], dim=1)",
            GROUPS + "    full = torch.zeros(len(weight), images.shape[1], *weight.shape[2:])\n"
            "    n, k = len(weight) // groups, weight.shape[1]\n"
            "    for g in range(groups):\n"
            "        full[g * n:(g + 1) * n, g * k:(g + 1) * k] = weight[g * n:(g + 1) * n]\n"
            "    return F.conv2d(images, full, bias)",
        ],
        given=TORCH,
    ),
    "ex6_2": Planted(
        wrong=[
            (packed(conv1="PackedConv2d(in_channels, 6, 5, **packed)"), "raised `ValueError`"),
            (packed(conv2="nn.Conv2d(6, 16, 5)"), "`conv2` is a `Conv2d`"),
            (packed(fc1="PackedLinear(16, 120, **packed)"), "`fc1` has weights of shape"),
            (packed(fc3="PackedLinear(84, 40, **packed)"), "`fc3` has weights of shape"),
            (packed(fc3="PackedLinear(84, 10, **packed, last=True)"), "With 7 classes"),
            (
                packed(conv2="PackedConv2d(6, 16, 5, alpha=2, num_estimators=4)"),
                "M = 3 `conv2` has weights",
            ),
            (packed(third="self.fc2(F.relu(self.fc1(x)))"), "something other than LeNet"),
            (packed(end="return self.fc3(x).softmax(-1)"), "probabilities"),
            (packed(end="return F.relu(self.fc3(x))"), "after `fc3`"),
            (packed(end="return self.fc3(x).unflatten(0, (4, -1))"), "five rows"),
            (packed(end="self.fc3(x)"), "is the `return` missing"),
            (packed(end="return ..."), "Now write `forward`"),
            (packed().replace("self.fc2", "self.hidden"), "no layer `self.fc2`"),
            (packed() + "\nPackedLeNet = PackedLeNet()", "without parentheses"),
            ("PackedLeNet = None", "pass the class"),
        ],
        right=[
            packed(),
            packed()
            .replace(
                "x = F.max_pool2d(self.conv1(images).relu(), 2)",
                "x = self.pool(F.relu(self.conv1(images)))",
            )
            .replace(
                "super().__init__()", "super().__init__()\n        self.pool = nn.MaxPool2d(2)"
            ),
            packed(conv1="PackedConv2d(in_channels, 6, kernel_size=(5, 5), first=True, **packed)"),
        ],
        given=PACKED,
    ),
    "ex6_3": Planted(
        wrong=[
            (count(total="total"), "this is one member"),
            (count(width="alpha"), "*Together* they are"),
            (count(width="alpha", total="total"), "without groups"),
            (count(width="1 / num_members"), "width of *one* original"),
            (count(first="False", last="False"), "both ends"),
            (count(first="False"), "the first layer"),
            (count(last="False"), "the last layer"),
            (count(layer="a * b * pixels"), "biases are missing"),
            (count(total="None"), "`None`"),
            (count(total="str(total)"), "`str`"),
        ],
        right=[
            count(),
            "def packed_parameters(layers, alpha, num_members):\n"
            "    a = np.array(layers, dtype=float)\n"
            "    inner = alpha**2 / num_members\n"
            "    factors = np.full(len(a), inner)\n"
            "    factors[[0, -1]] = alpha\n"
            "    biases = alpha * a[:-1, 1].sum() + num_members * a[-1, 1]\n"
            "    return (factors * a.prod(axis=1)).sum() + biases",
            count(total="round(num_members * total)"),
        ],
    ),
    "ex6_4": Planted(
        wrong=[
            ('choice = "a"', "a multiple of 4"),
            ('choice = "c"', "57,090"),
            ('choice = "d"', "a multiple of 8"),
            ("choice = 4", "choose one of"),
        ],
        right=['choice = "B"'],
    ),
    "ex6_5": Planted(
        wrong=[
            (apart(COPY(rows="m::num_members")), "every fourth row"),
            (apart("layer.weight.copy_(weight[m * n:(m + 1) * n])"), "Copy the biases"),
            (apart("pass"), "weights of their own"),
            (apart(COPY(rows=QUARTER), "networks[::-1]"), "another order"),
            (apart(COPY(rows=QUARTER), "networks[0]"), "list of networks"),
            (apart(COPY(rows=QUARTER), "networks[:3]"), "your list has 3"),
            (apart(COPY(rows=QUARTER), "None"), "`return` missing"),
            (apart(COPY(rows=":n")), "its own quarter"),
            (
                apart(COPY(rows=QUARTER)).replace(
                    "[narrow_lenet() for _ in range(num_members)]", "[narrow_lenet()] * 4"
                ),
                "more than once",
            ),
            (apart("layer.weight = weight[m * n:(m + 1) * n]"), "raised `TypeError`"),
            (
                apart(COPY(rows=QUARTER)).replace(
                    "named_children():", "named_children():\n        if name == 'fc3': continue"
                ),
                "`fc3.weight`",
            ),
            ("take_apart = [narrow_lenet()] * 4", "without calling"),
        ],
        right=[
            apart(COPY(rows=QUARTER)),
            apart(
                "layer.weight.data = weight[m * n:(m + 1) * n].clone()\n"
                "            layer.bias.data = packed.bias[m * n:(m + 1) * n].clone()",
                "tuple(networks)",
            ),
            apart(
                "layer.load_state_dict({'weight': weight[m * n:(m + 1) * n],"
                " 'bias': packed.bias.chunk(num_members)[m]})",
                "nn.ModuleList(networks)",
            ),
        ],
        given={**PACKED, "narrow_lenet": narrow_lenet},
    ),
    "ex6_6": Planted(
        wrong=[
            (
                rows(members="outputs.reshape(-1, num_members, 5).unbind(1)"),
                "first all images of the first",
            ),
            (rows(returned="[100 * one for one in [*alone, together]]"), "percentages"),
            (
                rows(together="(sum(members).argmax(1) == labels).float().mean()"),
                "average logits",
            ),
            (
                rows(
                    together="(torch.stack([one.argmax(1) for one in members]).mode(0).values"
                    " == labels).float().mean()"
                ),
                "of a vote",
            ),
            (rows(together="sum(alone) / num_members"), "mean of the members' accuracies"),
            (rows(returned="alone"), "shape"),
            (rows(returned="None"), "`None`"),
            (rows(returned="'80 %'"), "`str`"),
        ],
        right=[
            rows(),
            rows(returned="torch.stack([*alone, together])"),
            "def accuracies(outputs, labels, num_members):\n"
            "    p = outputs.softmax(-1).view(num_members, len(labels), -1)\n"
            "    p = torch.cat([p, p.mean(0, keepdim=True)])\n"
            "    return (p.argmax(-1) == labels).double().mean(1)",
        ],
        given=TORCH,
    ),
    "ex6_7": Planted(
        wrong=[
            (interval(error=ENDS["error"].replace(", ddof=1", "")), "divide by n"),
            (interval(difference="first.mean() - second.mean()"), "turn it round"),
            (interval(returned="d + 2.8 * e, d - 2.8 * e"), "lower one comes first"),
            (interval(error=ENDS["error"].replace("np.sqrt", "")), "square root is missing"),
            (
                interval(error="np.sqrt(first.var(ddof=1) + second.var(ddof=1))"),
                "spread of single trainings",
            ),
            (interval(returned="d - e, d + e"), "one standard error on either side"),
            (interval(returned="d - 2 * e, d + 2 * e"), "these are 2 standard errors"),
            (interval(returned="d"), "shape"),
            (interval(returned="None"), "`None`"),
        ],
        right=[
            interval(),
            "from statistics import mean, variance\n"
            "def interval(first, second):\n"
            "    d = mean(second) - mean(first)\n"
            "    e = (variance(first) / len(first) + variance(second) / len(second)) ** 0.5\n"
            "    return [d - 2.8 * e, d + 2.8 * e]",
            interval(
                error="(first.std(ddof=1)**2 / len(first) + second.std(ddof=1)**2 /"
                " len(second)) ** 0.5"
            ),
        ],
    ),
    "ex6_8": Planted(
        wrong=[
            ('choice = "a"', "with three"),
            ('choice = "b"', "not in number alone"),
            ('choice = "c"', "as well as in packing"),
            ("choice = None", "choose one of"),
        ],
        right=['choice = " D"'],
    ),
}
