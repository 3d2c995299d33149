"""Answers to the exercises of chapter 2."""

import torch
import torch.nn.functional as F
from planted import Planted
from torch import nn
from torch_uncertainty import TUTrainer
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.exercises.chapter_02 import ex2_1, ex2_2, ex2_5, ex2_6
from course_utils.images import batches, load_mnist
from course_utils.networks.models import LeNet
from course_utils.networks.training import one_cycle_sgd

TORCH = {"torch": torch, "nn": nn, "F": F}
NLL = "def cross_entropy(logits, labels):\n"
SHIFTED = "    z = logits - logits.max(1, keepdims=True)\n"
LOGS = SHIFTED + "    z = z - np.log(np.exp(z).sum(1, keepdims=True))\n"
COUNT = "num_parameters = lambda channels, classes: "


def changed(answer: str, *changes: tuple[str, str]) -> str:
    """A right answer with something replaced."""
    for old, new in changes:
        assert old in answer, old
        answer = answer.replace(old, new)
    return answer


def lenet(*changes: tuple[str, str]) -> str:
    return changed(ex2_1.answer, *changes)


def count(*changes: tuple[str, str]) -> str:
    return changed(ex2_2.answer, *changes)


def loop(*changes: tuple[str, str]) -> str:
    return changed(ex2_5.answer, *changes)


def trained(*changes: tuple[str, str], before: str = "") -> str:
    return before + changed(ex2_6.answer, *changes)


def recipe(old: str, new: str) -> str:
    """A recipe that the learner has changed, as the last sentence of the exercise suggests."""
    return (
        "right = one_cycle_sgd\n"
        "def one_cycle_sgd(network, num_steps):\n"
        "    made = right(network, num_steps)\n"
        f"    {old} = {new}\n"
        "    return made\n"
    )


PLANTED = {
    "ex2_1": Planted(
        wrong=[
            (lenet() + "\nLeNet = LeNet()", "pass the class itself"),
            ("LeNet = 'LeNet'", "a subclass of `nn.Module`"),
            ("LeNet = None", "pass the class"),
            (lenet(("        self.fc2 = nn.Linear(120, 84)\n", "")), "no layer `fc2` yet"),
            (lenet(("16 * 4 * 4", "16 * 8 * 8")), "`fc1` takes 1024 numbers"),
            (lenet(("nn.Linear(120, 84)", "nn.Linear(84, 120)")), "`fc2` takes 84 numbers"),
            (lenet(("nn.Linear(120, 84)", "nn.Linear(120, 80)")), "`fc2` returns 80 numbers"),
            (lenet(("(84, num_classes)", "(84, 10)")), "whatever `num_classes` is"),
            (lenet(("6, 16, kernel_size=5", "6, 16, kernel_size=3")), "`conv2.weight`"),
            (
                lenet(("(84, num_classes)", "(84, num_classes)\n        self.fc4 = nn.Identity()"))
                + "\nclass LeNet(LeNet):\n    def __init__(self, *sizes):\n"
                "        super().__init__(*sizes)\n        self.fc4 = nn.Linear(10, 10)",
                "a layer too many",
            ),
            (lenet(("features.flatten(1)", "features.flatten()")), "raised `RuntimeError`"),
            (lenet(("return self.fc3(features)", "self.fc3(features)")), "`return` missing"),
            (lenet(("return self.fc3(features)", "return 3.0")), "instead of a tensor"),
            (lenet(("self.fc3(features)", "self.fc3(features)[0]")), "the shape [10]"),
            (lenet(("self.fc3(features)", "self.fc3(features).softmax(1)")), "are probabilities"),
            (lenet(("self.fc3(features)", "self.fc3(features).log_softmax(1)")), "log-prob"),
            (lenet(("return self.fc3(features)", "return F.relu(self.fc3(features))")), "negative"),
            (lenet(("F.relu", "")), "no ReLU anywhere"),
            (lenet(("F.relu(self.conv", "(self.conv")), "follows the convolutions"),
            (lenet(("F.relu(self.fc", "(self.fc")), "follows `fc1` and `fc2`"),
            (lenet(("max_pool2d", "avg_pool2d")), "largest value"),
            (lenet(("F.relu(self.fc1", "torch.tanh(self.fc1")), "the numbers don't"),
        ],
        right=[
            lenet(
                ("F.max_pool2d(F.relu(self.conv1(images)), 2)", "self.halved(self.conv1(images))"),
                (
                    "F.max_pool2d(F.relu(self.conv2(features)), 2)",
                    "self.halved(self.conv2(features))",
                ),
                (
                    "    def forward",
                    "    def halved(self, x):\n        return F.relu(F.max_pool2d(x, 2))\n\n"
                    "    def forward",
                ),
            ),
            lenet(
                ("features.flatten(1)", "features.reshape(len(images), -1)"),
                ("F.relu(self.fc1(features))", "self.fc1(features).clamp(min=0)"),
            ),
            lenet(("16 * 4 * 4", "256"), ("F.relu", "torch.relu")),
        ],
        given=TORCH,
    ),
    "ex2_2": Planted(
        wrong=[
            (count((" + 1)", ")")), "a bias of its own"),
            (
                count(
                    ("in_channels * 5 * 5 + 1) * 6", "5 * 5 + 1) * 6 * in_channels"),
                    ("6 * 5 * 5 + 1) * 16", "5 * 5 + 1) * 6 * 16"),
                ),
                "a bias for each window",
            ),
            (count(("(6 * 5 * 5 + 1)", "(5 * 5 + 1)")), "all six channels"),
            (count(("16 * 4 * 4", "16 * 8 * 8")), "second *pooling*"),
            (
                count((") * 6\n", ") * 6 * 24 * 24\n"), (") * 16\n", ") * 16 * 8 * 8\n")),
                "the same at all of them",
            ),
            (count(("in_channels * 5", "5")), "input channels isn't used"),
            (count(("num_classes\n", "10\n")), "classes isn't used"),
            ("num_parameters = 44_426", "not a function"),
            (count(("return conv1", "conv1")), "`return` missing"),
            (count(("+ fc3", "+ fc3 + 1")), "is right"),
        ],
        right=[
            COUNT + "26 * 6 + (channels - 1) * 150 + 2_416 + 30_840 + 10_164 + 85 * classes",
            "def num_parameters(channels, classes):\n"
            "    return sum(one.numel() for one in LeNet(channels, classes).parameters())",
            COUNT + "np.int64(43_576 + 150 * (channels - 1) + 85 * classes)",
        ],
        given={"LeNet": LeNet},
    ),
    "ex2_3": Planted(
        wrong=[
            (
                NLL + "    e = np.exp(logits - logits.max(1, keepdims=True))\n"
                "    p = e / e.sum(1, keepdims=True)\n"
                "    q = np.exp(p) / np.exp(p).sum(1, keepdims=True)\n"
                "    return -np.log(q[np.arange(len(labels)), labels]).mean()",
                "softmax is applied twice",
            ),
            (
                NLL + "    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)\n"
                "    return -np.log(p[np.arange(len(labels)), labels]).mean()",
                "NaN",
            ),
            (
                NLL + LOGS + "    return z[np.arange(len(labels)), labels].mean()",
                "sign is missing",
            ),
            (
                NLL + LOGS + "    return -z[np.arange(len(labels)), labels].sum()",
                "sum over the images",
            ),
            (
                NLL + "    logits -= logits.max(1, keepdims=True)\n"
                "    z = logits - np.log(np.exp(logits).sum(1, keepdims=True))\n"
                "    return -z[np.arange(len(labels)), labels].mean()",
                "changes its input",
            ),
            (NLL + LOGS + "    return -z.mean()", "the labels aren't used"),
            (
                NLL + LOGS + "    return -(np.eye(z.shape[1])[labels] * z).mean()",
                "over the classes as well",
            ),
            (NLL + LOGS + "    return -z.max(1).mean()", "largest probability"),
            (
                NLL + "    return -logits[np.arange(len(labels)), labels].mean()",
                "the logits themselves",
            ),
            (
                NLL + "    z = logits - logits.max(0)\n    z = z - np.log(np.exp(z).sum(0))\n"
                "    return -z[np.arange(len(labels)), labels].mean()",
                "axis 0",
            ),
            (
                NLL + LOGS + "    return -z[np.arange(len(labels)), labels].mean() / np.log(2)",
                "these are bits",
            ),
            (NLL + LOGS + "    return -z[np.arange(len(labels)), labels]", "a single number"),
            (NLL + LOGS + "    -z[np.arange(len(labels)), labels].mean()", "`return` missing"),
            ("cross_entropy = 2.3", "not a function"),
        ],
        right=[
            NLL + "    return torch.nn.functional.cross_entropy(\n"
            "        torch.from_numpy(logits), torch.from_numpy(labels)\n"
            "    )",
            NLL + "    total = 0.0\n    for row, label in zip(logits, labels):\n"
            "        total += np.logaddexp.reduce(row) - row[label]\n"
            "    return total / len(labels)",
            NLL + SHIFTED + "    p = np.exp(z) / np.exp(z).sum(axis=1)[:, None]\n"
            "    return np.mean([-np.log(p[i, label]) for i, label in enumerate(labels)])",
        ],
        given={"torch": torch},
    ),
    "ex2_4": Planted(
        wrong=[
            ('choice = "a"', "twice the evidence"),
            ('choice = "c"', "count for more"),
            ('choice = "d"', "square root belongs"),
            ("choice = 2", "choose one of"),
        ],
        right=['choice = "B"', 'choice = " b "'],
    ),
    "ex2_5": Planted(
        wrong=[
            ("one_epoch = [2.3]", "Pass the function"),
            (loop(("        optimizer.zero_grad()\n", "")), "pile up"),
            (loop(("        optimizer.step()\n", "")), "Who moves them"),
            (
                loop(("        optimizer.step()\n", ""), ("        schedule.step()\n", "")),
                "neither optimizer nor schedule",
            ),
            (loop(("        schedule.step()\n", "")), "never changes"),
            (
                loop(
                    ("        schedule.step()\n", ""),
                    ("    return", "    schedule.step()\n    return"),
                ),
                "one per batch",
            ),
            (loop(("network(images)", "network(images).softmax(1)")), "takes logits"),
            (loop(("    return losses", "")), "isn't returned yet"),
            (loop(("return losses", "return sum(losses) / len(losses)")), "in a list"),
            (loop(("loss.item()", "loss")), "its graph"),
            (loop(("return losses", "return losses[::-1]")), "in their order"),
            (loop(("loss.backward()", "(-loss).backward()")), "plain training"),
            (loop(("in loader", "in enumerate(loader)")), "raised"),
        ],
        right=[
            loop(("loss.item()", "float(loss)"), ("optimizer.zero_grad()", "network.zero_grad()")),
            "def one_epoch(network, loader, optimizer, schedule):\n"
            "    network.train()\n    losses = np.zeros(len(loader))\n"
            "    for step, (images, labels) in enumerate(loader):\n"
            "        loss = nn.CrossEntropyLoss()(network(images), labels)\n"
            "        loss.backward()\n        optimizer.step()\n        optimizer.zero_grad()\n"
            "        schedule.step()\n        losses[step] = loss\n    return losses",
            loop(("loss.item()", "loss.detach()")),
        ],
        given=TORCH,
    ),
    "ex2_6": Planted(
        wrong=[
            (trained() + "\nmy_routine = small", "should be a `ClassificationRoutine`"),
            (trained() + "\nmy_trainer = None", "should be a `TUTrainer`"),
            (trained(("my_trainer.fit(my_routine, few)", "")), "nothing has been trained"),
            (
                trained(
                    ("    loss=nn.CrossEntropyLoss(),\n", ""),
                    ("my_trainer.fit(my_routine, few)", ""),
                ),
                "no loss yet",
            ),
            (
                trained(
                    ("    optim_recipe=one_cycle_sgd(small, num_steps=5 * len(few)),\n", ""),
                    ("my_trainer.fit(my_routine, few)", ""),
                ),
                "no recipe",
            ),
            (trained(("one_cycle_sgd(small", "one_cycle_sgd(LeNet()")), "for another network"),
            (trained(("5 * len(few)", "10 * len(few)")), "planned for 80 steps, and 40"),
            (trained(("max_epochs=5", "max_epochs=4"), ("5 * len", "4 * len")), "for 4 epochs"),
            (
                trained(
                    (
                        "one_cycle_sgd(small, num_steps=5 * len(few))",
                        "torch.optim.SGD(small.parameters(), lr=0.05)",
                    )
                ),
                "has no schedule",
            ),
            (
                trained(
                    before=recipe('made["scheduler"]', 'made.pop("lr_scheduler")["scheduler"]')
                ),
                "the schedule never ran",
            ),
            (
                trained(before=recipe('made["lr_scheduler"]["interval"]', '"epoch"')),
                "interval must be `step`",
            ),
        ],
        right=[
            "small = LeNet()\nfew = batches(data_train, 128)\n"
            "recipe = one_cycle_sgd(small, 5 * len(few))\n"
            "my_routine = ClassificationRoutine(\n"
            "    num_classes=10, model=small, optim_recipe=recipe, loss=nn.CrossEntropyLoss()\n)\n"
            "my_trainer = TUTrainer(accelerator=accelerator, logger=False, max_epochs=5,\n"
            "    enable_checkpointing=False, enable_progress_bar=False, devices=1)\n"
            "my_trainer.fit(my_routine, train_dataloaders=few)",
        ],
        given={
            **TORCH,
            "LeNet": LeNet,
            "batches": batches,
            "data_train": load_mnist("train").subset(slice(0, 1_400)),
            "one_cycle_sgd": one_cycle_sgd,
            "ClassificationRoutine": ClassificationRoutine,
            "TUTrainer": TUTrainer,
            "accelerator": "cpu",
        },
    ),
}
