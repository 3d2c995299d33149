"""Answers to the exercises of chapter 4."""

import numpy as np
import torch
from einops import rearrange
from planted import Planted


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


# accuracy, NLL and ECE of all subsets of three members: NLL .10, .06, .05
MEASURED = [
    np.array([[0.9, 0.12, 0.1], [0.9, 0.10, 0.1], [0.9, 0.08, 0.1]]),
    np.array([[0.9, 0.07, 0.1], [0.9, 0.05, 0.1], [0.9, 0.0615, 0.1]]),
    np.array([[0.9, 0.06, 0.1]]),
]
ANSWER = "def ensemble_answer(member_logits):\n"
SORT = "def by_image(outputs, num_members):\n"
LOSS = "def joint_loss(outputs, labels, num_members):\n"
SPLIT = (
    "def split_entropy(probabilities):\n"
    "    def entropy(p):\n"
    "        return -(p * {log}(np.where(p > 0, p, 1))).sum(-1)\n"
    "    total = entropy(probabilities.mean(1))\n"
    "    expected = entropy(probabilities).mean(1)\n"
)
NATS = SPLIT.format(log="np.log")

PLANTED = {
    "ex4_1": Planted(
        wrong=[
            (ANSWER + "    return softmax(member_logits.mean(axis=1))", "averages logits"),
            (ANSWER + "    return softmax(softmax(member_logits).mean(axis=1))", "applied twice"),
            (
                ANSWER + "    e = np.exp(member_logits)\n"
                "    return (e / e.sum(axis=1, keepdims=True)).mean(axis=1)",
                "over the members, not",
            ),
            (ANSWER + "    return softmax(member_logits).sum(axis=1)", "sum over the members"),
            (ANSWER + "    return softmax(member_logits).mean(axis=0)", "the shape is"),
            (
                ANSWER + "    votes = member_logits.argmax(axis=2)[:, :, None]\n"
                "    return (votes == np.arange(member_logits.shape[2])).mean(axis=1)",
                "shares of votes",
            ),
            (ANSWER + "    return softmax(member_logits)[:, 0]", "first member alone"),
            (ANSWER + "    return member_logits.mean(axis=1)", "softmax of each member"),
        ],
        right=[
            ANSWER + "    return torch.tensor(member_logits).softmax(dim=-1).mean(dim=1)",
        ],
        given={"softmax": softmax, "torch": torch},
    ),
    "ex4_2": Planted(
        wrong=[
            ('choice = "a"', "not linear"),
            ('choice = "b"', "outshout"),
            ('choice = "d"', "convex"),
            ('choice = "e"', "choose one of"),
        ],
        right=['choice = "C"'],
    ),
    "ex4_3": Planted(
        wrong=[
            (SORT + "    return outputs.view(-1, num_members, outputs.shape[1])", "view(b, m, c)"),
            (
                SORT + "    return outputs.view(num_members, -1, outputs.shape[1])",
                "the shape is `[3, 4, 5]`, and `[4, 3, 5]`",
            ),
            (
                SORT + "    return outputs.T.reshape(-1, num_members, outputs.shape[1])",
                "rows and classes",
            ),
            (
                SORT + "    return torch.stack(outputs.chunk(num_members)[::-1], dim=1)",
                "reverse order",
            ),
        ],
        right=[
            SORT + "    return torch.stack(outputs.chunk(num_members), dim=1)",
            SORT + '    return rearrange(outputs, "(m b) c -> b m c", m=num_members)',
        ],
        given={"torch": torch, "rearrange": rearrange},
    ),
    "ex4_4": Planted(
        wrong=[
            (
                LOSS + "    labels = labels.repeat_interleave(num_members)\n"
                "    return F.cross_entropy(outputs, labels)",
                "repeat_interleave",
            ),
            (
                LOSS + "    return sum(F.cross_entropy(rows, labels)\n"
                "               for rows in outputs.chunk(num_members))",
                "*sum* of the members' losses",
            ),
            (
                LOSS + "    labels = labels.repeat(num_members)\n"
                "    return F.cross_entropy(outputs, labels, reduction='sum')",
                "sum over all rows",
            ),
            (
                LOSS + "    p = torch.stack(outputs.softmax(1).chunk(num_members)).mean(0)\n"
                "    return F.nll_loss(p.log(), labels)",
                "averaged answer",
            ),
            (
                LOSS + "    mean = torch.stack(outputs.chunk(num_members)).mean(0)\n"
                "    return F.cross_entropy(mean, labels)",
                "logits are averaged",
            ),
            (LOSS + "    return F.cross_entropy(outputs[:len(labels)], labels)", "first member"),
            (LOSS + "    return F.cross_entropy(outputs, labels)", "ValueError"),
        ],
        right=[
            LOSS + "    return sum(F.cross_entropy(rows, labels)\n"
            "               for rows in outputs.chunk(num_members)) / num_members",
            LOSS + "    outputs.requires_grad_()\n"
            "    return F.cross_entropy(outputs, torch.cat([labels] * num_members))",
        ],
        given={"torch": torch, "F": torch.nn.functional},
    ),
    "ex4_5": Planted(
        wrong=[
            ('choice = "a"', "a fifth"),
            ('choice = "b"', "does not pass through the loss"),
            ('choice = "d"', "other way round"),
            ("choice = 0.2", "choose one of"),
        ],
        right=['choice = " c"'],
    ),
    "ex4_6": Planted(
        wrong=[
            ("guess = 14", "each brought the same"),
            ("guess = 50", "the *second*"),
            ("guess = 30", "look for less"),
            ("guess = float('nan')", "NaN"),
            ("guess = 0", "falls with every member"),
            ("guess = 6", "look for less"),
            ("guess = '2 %'", "a number or an array"),
        ],
        right=["guess = 0.4", "guess = np.float32(2.04)"],
        given={"measured": MEASURED},
    ),
    "ex4_7": Planted(
        wrong=[
            (
                SPLIT.format(log="np.log2")
                + "    return np.stack([total, expected, total - expected], axis=1)",
                "bits",
            ),
            (
                NATS + "    return np.stack([expected, expected, 0 * expected], axis=1)",
                "takes the mean first",
            ),
            (
                NATS + "    return np.stack([expected, total, expected - total], axis=1)",
                "No wonder",
            ),
            (
                NATS + "    return np.stack([expected, total, total - expected], axis=1)",
                "stands first",
            ),
            (
                NATS + "    return np.stack([total, expected, expected - total], axis=1)",
                "wrong sign",
            ),
            (
                NATS + "    return np.stack([total, expected, expected + total], axis=1)",
                "the sum of the first two",
            ),
            (NATS + "    return np.stack([total, expected, total - expected])", "the shape is"),
            (
                "def split_entropy(p):\n    m = p.mean(1)\n    t = -(m * np.log(m)).sum(-1)\n"
                "    e = -(p * np.log(p)).sum(-1).mean(1)\n    return np.stack([t, e, t - e], 1)",
                "logarithm of 0",
            ),
            (
                NATS + "    expected = entropy(probabilities).sum(1)\n"
                "    return np.stack([total, expected, total - expected], axis=1)",
                "entropies are summed",
            ),
        ],
        right=[
            NATS + "    ratio = probabilities / probabilities.mean(1, keepdims=True)\n"
            "    ratio = np.where(probabilities > 0, ratio, 1)\n"
            "    mutual = (probabilities * np.log(ratio)).sum(2).mean(1)\n"
            "    return np.column_stack([total, expected, mutual])",
        ],
    ),
    "ex4_8": Planted(
        wrong=[
            ('choice = "a"', "sees the mean only"),
            ('choice = "c"', "members' own entropies"),
            ('choice = "d"', "kept apart"),
            ("choice = None", "choose one of"),
        ],
        right=['choice = "B"'],
    ),
}
