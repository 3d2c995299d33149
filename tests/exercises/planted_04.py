"""Answers to the exercises of chapter 4."""

from itertools import combinations

import torch
from einops import rearrange
from planted import Planted
from torch_uncertainty.transforms import RepeatTarget

ANSWER = "def ensemble_answer(member_logits):\n"
SOFTMAX = (
    ANSWER + "    e = np.exp(member_logits - member_logits.max(2, keepdims=True))\n"
    "    p = e / e.sum(axis=2, keepdims=True)\n"
)
LOSSES = (
    "def two_losses(probabilities, labels):\n"
    "    true = probabilities[np.arange(len(labels)), :, labels]\n"
)
VOTES = (
    "def votes_for_answer(outputs, num_members):\n"
    "    by_member = outputs.view(num_members, -1, outputs.shape[1])\n"
)
STEP = "def joint_step(ensemble, optimizer, images, labels, num_members):\n"
OUTPUTS = STEP + "    outputs = ensemble(images)\n"
THEN = (
    "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n    return loss.item()\n"
)
RECIPE = (
    "def recipe(ensemble, num_members, num_steps, kind=torch.optim.SGD):\n"
    "    optimizer = kind(ensemble.parameters(), lr={rate}, momentum=0.9, weight_decay={decay})\n"
    "    scheduler = torch.optim.lr_scheduler.OneCycleLR(\n"
    "        optimizer, max_lr={peak}, total_steps=num_steps\n    )\n"
)
TEAMS = (
    "def nll_of_size(probabilities, labels, size):\n"
    "    def nll(p):\n"
    "        return -np.log(p.mean(axis=1)[np.arange(len(labels)), labels]).mean()\n"
)


def recipe(rate="0.05 * num_members", decay="5e-4 / num_members", peak=None):
    code = RECIPE.format(rate=rate, decay=decay, peak=peak or rate)
    return code + "    return optimizer, scheduler"


PLANTED = {
    "ex4_1": Planted(
        wrong=[
            (
                ANSWER + "    e = np.exp(member_logits.mean(axis=1))\n"
                "    return e / e.sum(axis=1, keepdims=True)",
                "loudest member",
            ),
            (
                SOFTMAX + "    e = np.exp(p.mean(axis=1))\n"
                "    return e / e.sum(axis=1, keepdims=True)",
                "applied twice",
            ),
            (
                ANSWER + "    e = np.exp(member_logits)\n"
                "    return (e / e.sum(axis=1, keepdims=True)).mean(axis=1)",
                "over the members, not",
            ),
            (SOFTMAX + "    return p.sum(axis=1)", "sum over the members"),
            (SOFTMAX + "    return p.mean(axis=0)", "the shape is"),
            (
                ANSWER + "    votes = member_logits.argmax(axis=2)[:, :, None]\n"
                "    return (votes == np.arange(member_logits.shape[2])).mean(axis=1)",
                "shares of votes",
            ),
            (SOFTMAX + "    return p[:, 0]", "first member alone"),
            (SOFTMAX + "    return 100 * p.mean(axis=1)", "percentages"),
            (ANSWER + "    return member_logits.mean(axis=1)", "softmax of each member"),
            (SOFTMAX + "    p.mean(axis=1)", "`return` missing"),
            (SOFTMAX + "    return str(p.mean(axis=1))", "where a number or an array"),
        ],
        right=[
            ANSWER + "    return torch.tensor(member_logits).softmax(dim=-1).mean(dim=1)",
            ANSWER + "    answers = []\n"
            "    for logits in member_logits:\n"
            "        weights = np.exp(logits)\n"
            "        answers.append((weights / weights.sum(axis=1)[:, None]).mean(axis=0))\n"
            "    return answers",
        ],
        given={"torch": torch},
    ),
    "ex4_2": Planted(
        wrong=[
            (
                LOSSES + "    return -np.log(true.mean(axis=1)).mean(), -np.log(true).mean()",
                "swapped",
            ),
            (
                LOSSES + "    return np.log(true).mean(), np.log(true.mean(axis=1)).mean()",
                "minus is missing",
            ),
            (
                LOSSES + "    return -np.log2(true).mean(), -np.log2(true.mean(axis=1)).mean()",
                "base 2",
            ),
            (
                LOSSES + "    of_mean = -np.log(true.mean(axis=1)).sum()\n"
                "    return -np.log(true).mean(axis=1).sum(), of_mean",
                "sums over the images",
            ),
            (LOSSES + "    return -np.log(true).mean(), -np.log(true).mean()", "both numbers"),
            (
                LOSSES + "    return -np.log(true.mean(axis=0)).mean(), -np.log(true.mean())",
                "before you take the logarithm",
            ),
            (LOSSES + "    return -np.log(true).mean()", "the shape is"),
            (LOSSES + "    return None", "`return` missing"),
        ],
        right=[
            "def two_losses(p, y):\n"
            "    def nll(q):\n"
            "        return sum(-np.log(row[label]) for row, label in zip(q, y)) / len(y)\n"
            "    return [np.mean([nll(p[:, m]) for m in range(p.shape[1])]), nll(p.mean(1))]",
            "def two_losses(p, y):\n"
            "    chosen = np.eye(p.shape[2])[y]\n"
            "    each = -np.log((p * chosen[:, None]).sum(2))\n"
            "    return np.array([each.mean(), -np.log((p.mean(1) * chosen).sum(1)).mean()])",
        ],
    ),
    "ex4_3": Planted(
        wrong=[
            (
                "def votes_for_answer(outputs, num_members):\n"
                "    rows = outputs.view(-1, num_members, outputs.shape[1])\n"
                "    answer = rows.softmax(2).mean(1).argmax(1)\n"
                "    return (rows.argmax(2) == answer[:, None]).sum(1)",
                "view(-1, M, C)",
            ),
            (
                VOTES + "    votes = by_member.argmax(2)\n"
                "    return (votes == votes.mode(dim=0).values).sum(0)",
                "favourite class",
            ),
            (
                VOTES + "    answer = by_member.mean(0).argmax(1)\n"
                "    return (by_member.argmax(2) == answer).sum(0)",
                "averaged logits",
            ),
            (
                VOTES + "    answer = by_member.softmax(2).mean(0).argmax(1)\n"
                "    return (by_member.argmax(2) == answer).float().mean(0)",
                "shares of the members",
            ),
            (
                VOTES + "    answer = by_member.softmax(2).mean(0).argmax(1)\n"
                "    return (by_member.argmax(2) != answer).sum(0)",
                "something else",
            ),
            (
                VOTES + "    answer = by_member.softmax(2).mean(0).argmax(1)\n"
                "    return (by_member.argmax(2) == answer).sum(1)",
                "the shape is",
            ),
            (VOTES, "`return` missing"),
        ],
        right=[
            "def votes_for_answer(outputs, num_members):\n"
            '    by_image = rearrange(outputs, "(m b) c -> b m c", m=num_members).numpy()\n'
            "    p = np.exp(by_image) / np.exp(by_image).sum(2, keepdims=True)\n"
            "    return [(one.argmax(1) == one.mean(0).argmax()).sum() for one in p]",
            "def votes_for_answer(outputs, num_members):\n"
            "    members = outputs.chunk(num_members)\n"
            "    answer = sum(one.softmax(1) for one in members).argmax(1)\n"
            "    return sum((one.argmax(1) == answer).int() for one in members)",
        ],
        given={"torch": torch, "rearrange": rearrange},
    ),
    "ex4_4": Planted(
        wrong=[
            (
                OUTPUTS + "    labels = labels.repeat_interleave(num_members)\n"
                "    loss = F.cross_entropy(outputs, labels)\n" + THEN,
                "repeat_interleave",
            ),
            (
                OUTPUTS + "    loss = sum(F.cross_entropy(rows, labels)\n"
                "               for rows in outputs.chunk(num_members))\n" + THEN,
                "*sum* of the members' losses",
            ),
            (
                OUTPUTS + "    labels = labels.repeat(num_members)\n"
                "    loss = F.cross_entropy(outputs, labels, reduction='sum')\n" + THEN,
                "sum over all rows",
            ),
            (
                OUTPUTS + "    p = torch.stack(outputs.softmax(1).chunk(num_members)).mean(0)\n"
                "    loss = F.nll_loss(p.log(), labels)\n" + THEN,
                "averaged answer",
            ),
            (
                OUTPUTS + "    mean = torch.stack(outputs.chunk(num_members)).mean(0)\n"
                "    loss = F.cross_entropy(mean, labels)\n" + THEN,
                "average the logits",
            ),
            (
                OUTPUTS + "    loss = F.cross_entropy(outputs[:len(labels)], labels)\n" + THEN,
                "first member",
            ),
            (OUTPUTS + "    loss = F.cross_entropy(outputs, labels)\n" + THEN, "M·B rows"),
            (
                OUTPUTS + "    loss = F.cross_entropy(outputs, labels.repeat(num_members))\n"
                "    loss.backward()\n    optimizer.step()\n    return loss.item()",
                "PyTorch adds up",
            ),
            (
                OUTPUTS + "    loss = F.cross_entropy(outputs, labels.repeat(num_members))\n"
                "    loss.backward()\n    optimizer.zero_grad()\n    optimizer.step()\n"
                "    return num_members * loss.item()",
                "haven't moved",
            ),
            (
                OUTPUTS
                + "    loss = F.cross_entropy(outputs, labels.repeat(num_members))\n"
                + THEN.replace("return loss.item()", "return num_members * loss.item()"),
                "the step is right",
            ),
            (
                OUTPUTS
                + "    loss = F.cross_entropy(outputs, labels.repeat(num_members))\n"
                + THEN.replace("    return loss.item()\n", ""),
                "`return` missing",
            ),
            ("joint_step = 3", "pass the function itself"),
            (STEP + "    return ensemble(images, labels)", "TypeError"),
        ],
        right=[
            OUTPUTS + "    loss = sum(F.cross_entropy(rows, labels)\n"
            "               for rows in outputs.chunk(num_members)) / num_members\n" + THEN,
            STEP + "    optimizer.zero_grad()\n"
            "    images, labels = RepeatTarget(num_members)((images, labels))\n"
            "    loss = torch.nn.CrossEntropyLoss()(ensemble(images), labels)\n"
            "    loss.backward()\n    optimizer.step()\n    return loss",
        ],
        given={"torch": torch, "F": torch.nn.functional, "RepeatTarget": RepeatTarget},
    ),
    "ex4_5": Planted(
        wrong=[
            (recipe("0.05", "5e-4"), "M times too slowly"),
            (recipe(decay="5e-4"), "doesn't pass through the loss"),
            (recipe("0.05 / num_members", "5e-4 * num_members"), "*divided* the learning rate"),
            (recipe(decay="5e-4 * num_members"), "M² times"),
            (recipe(peak="0.05"), "sets the learning rate itself"),
            (recipe(decay="0"), "weight decay is missing"),
            (recipe(decay="5e-4 / num_members**2"), "what it is alone"),
            (recipe("0.05 * num_members**0.5"), "multiplied by the number of members"),
            (
                recipe().replace("optimizer, scheduler", "optimizer"),
                "return two things",
            ),
            (
                recipe().replace("torch.optim.SGD", "torch.optim.RMSprop"),
                "must be a `torch.optim.SGD`",
            ),
            (recipe().replace("    return optimizer, scheduler", ""), "`return` missing"),
            (recipe().replace("return optimizer, scheduler", "return optimizer, 3"), "a schedule"),
            (recipe().replace("momentum=0.9", "momentum=0"), "momentum is missing"),
            (recipe().replace("ensemble.parameters()", "ensemble[0].parameters()"), "all members"),
            ("recipe = 0.25", "pass the function itself"),
        ],
        right=[
            "def recipe(ensemble, num_members, num_steps):\n"
            "    optimizer = torch.optim.SGD(ensemble.parameters(), lr=0.05, momentum=0.9,\n"
            "                                weight_decay=5e-4 / num_members)\n"
            "    return [optimizer, torch.optim.lr_scheduler.OneCycleLR(\n"
            "        optimizer, 0.05 * num_members, num_steps, cycle_momentum=False)]",
            recipe("num_members / 20", "0.0005 / num_members"),
        ],
        given={"torch": torch},
    ),
    "ex4_6": Planted(
        wrong=[
            ('choice = "b"', "nothing else"),
            ('choice = "c"', "learned nothing"),
            ('choice = "d"', "eight forward passes"),
            ("choice = 8", "choose one of"),
        ],
        right=['choice = "A"'],
    ),
    "ex4_7": Planted(
        wrong=[
            (TEAMS + "    return nll(probabilities[:, :size])", "first members"),
            (
                TEAMS + "    pairs = combinations(range(probabilities.shape[1]), size)\n"
                "    return min(nll(probabilities[:, one]) for one in pairs)",
                "best choice only",
            ),
            (
                TEAMS + "    return np.mean([nll(probabilities[:, [m]])\n"
                "                    for m in range(probabilities.shape[1])])",
                "NLL of each member",
            ),
            (
                TEAMS + "    pairs = combinations(range(probabilities.shape[1]), size)\n"
                "    return -np.mean([nll(probabilities[:, one]) for one in pairs])",
                "minus is missing",
            ),
            (
                TEAMS + "    pairs = combinations(range(probabilities.shape[1]), size)\n"
                "    return sum(nll(probabilities[:, one]) for one in pairs)",
                "sum over the ensembles",
            ),
            (TEAMS + "    return nll(probabilities)", "whatever the size"),
            (
                TEAMS + "    pairs = combinations(range(probabilities.shape[1]), size)\n"
                "    return [nll(probabilities[:, one]) for one in pairs]",
                "the shape is",
            ),
            (TEAMS, "`return` missing"),
            (
                TEAMS + "    pairs = combinations(range(8), size)\n"
                "    return np.mean([nll(probabilities[:, one]) for one in pairs])",
                "IndexError",
            ),
        ],
        right=[
            TEAMS + "    pairs = list(combinations(range(probabilities.shape[1]), size))\n"
            "    total = 0\n"
            "    for one in pairs:\n"
            "        total = total + nll(probabilities[:, list(one)])\n"
            "    return total / len(pairs)",
        ],
        given={"combinations": combinations},
    ),
}
