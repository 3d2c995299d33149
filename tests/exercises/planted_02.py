"""Answers to the exercises of chapter 2."""

import ipywidgets
import numpy as np
import torch
from planted import Planted

from course_utils import figures
from course_utils.metrics.predictions import Predictions

NLL = "def nll_of_logits(logits, labels):\n"
ECE = "def calibration_error(confidence, correct):\n"
BINS = """
    error, edges = 0.0, np.linspace(0, 1, 11)
    for low, high in zip(edges[:-1], edges[1:]):
        mask = {mask}
        if mask.any():
            error += {weight} * abs(correct[mask].mean() - {claimed})
    return error"""
INSIDE = "(confidence > low) & (confidence <= high)"
MEAN = "confidence[mask].mean()"

SHOW = "def show(bins):\n    {body}\n"
DIAGRAM = 'figures.reliability_diagram({{"LeNet": predictions}}{bins})'
INTERACT = "ipywidgets.interact(show, bins={range})"


def lenet() -> Predictions:
    generator = np.random.default_rng(5)
    labels = generator.integers(10, size=300)
    logits = generator.normal(size=(300, 1, 10))
    logits[np.arange(300), 0, labels] += 2
    return Predictions(logits, labels)


def show(bins: str = ", bins=bins", body: str = "return {}", range: str = "(2, 30)") -> str:
    body = body.format(DIAGRAM.format(bins=bins))
    return SHOW.format(body=body) + INTERACT.format(range=range)


PLANTED = {
    "ex2_1": Planted(
        wrong=[
            ("num_parameters = 44_426 - 7 * 84", "bias"),
            ("num_parameters = 3 * 84 + 3", "last layer alone"),
            ("num_parameters = 44_426 - 850", "add the new one"),
            ("num_parameters = 44_000", "look for less"),
        ],
        right=["num_parameters = 44_426 - 7 * 85", "num_parameters = np.int64(43831)"],
    ),
    "ex2_2": Planted(
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
                NLL + "    z = logits - logits.max(1, keepdims=True)\n"
                "    z = z - np.log(np.exp(z).sum(1, keepdims=True))\n"
                "    return z[np.arange(len(labels)), labels].mean()",
                "sign is missing",
            ),
            (
                NLL + "    z = logits - logits.max(1, keepdims=True)\n"
                "    z = z - np.log(np.exp(z).sum(1, keepdims=True))\n"
                "    return -z[np.arange(len(labels)), labels].sum()",
                "sum over the images",
            ),
            (
                NLL + "    logits -= logits.max(1, keepdims=True)\n"
                "    z = logits - np.log(np.exp(logits).sum(1, keepdims=True))\n"
                "    return -z[np.arange(len(labels)), labels].mean()",
                "changes its input",
            ),
        ],
        right=[
            NLL + "    return torch.nn.functional.cross_entropy(\n"
            "        torch.from_numpy(logits), torch.from_numpy(labels)\n"
            "    )",
        ],
        given={"torch": torch},
    ),
    "ex2_3": Planted(
        wrong=[
            (
                ECE + BINS.format(mask=INSIDE, weight="mask.mean()", claimed="(low + high) / 2"),
                "centres of the bins",
            ),
            (
                ECE
                + BINS.format(
                    mask="(confidence >= low) & (confidence < high)",
                    weight="mask.mean()",
                    claimed=MEAN,
                ),
                "confidence of exactly 1",
            ),
            (
                ECE + "    number = np.minimum((10 * confidence).astype(int), 9)\n"
                "    masks = [number == n for n in np.unique(number)]\n"
                "    return sum(m.mean() * abs(correct[m].mean() - confidence[m].mean())\n"
                "               for m in masks)",
                "such as 0.5",
            ),
            (
                ECE + "    gaps = []\n    number = np.ceil(10 * confidence)\n"
                "    for n in np.unique(number):\n        m = number == n\n"
                "        gaps.append(abs(correct[m].mean() - confidence[m].mean()))\n"
                "    return np.mean(gaps)",
                "all bins count alike",
            ),
            (ECE + "    return abs(correct.mean() - confidence.mean())", "a single bin"),
        ],
        right=[ECE + BINS.format(mask=INSIDE, weight="mask.mean()", claimed=MEAN)],
    ),
    "ex2_4": Planted(
        wrong=[
            ('choice = "a"', "below"),
            ('choice = "c"', "weighs each bin"),
            ('choice = "d"', "accuracy was counted"),
            ("choice = 2", "choose one of"),
        ],
        right=['choice = "B"'],
    ),
    "ex2_5": Planted(
        wrong=[
            ("show = " + DIAGRAM.format(bins=", bins=10"), "already drawn"),
            ("show = 15", "without parentheses"),
            (SHOW.format(body="return " + DIAGRAM.format(bins=", bins=bins")), "no slider"),
            (show(range="(2.0, 30.0)"), "whole numbers"),
            (show(body="{}"), "`return` missing"),
            (show(body="return {}.alt"), "what `figures.reliability_diagram` returns"),
            (show(bins=""), "the same for 4 and for 20"),
        ],
        right=[
            "@ipywidgets.interact(bins=ipywidgets.IntSlider(15, min=3, max=40))\n"
            + SHOW.format(body="return " + DIAGRAM.format(bins=", bins=bins"))
        ],
        given={"predictions": lenet(), "figures": figures, "ipywidgets": ipywidgets},
    ),
}
