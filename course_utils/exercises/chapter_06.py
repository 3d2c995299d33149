"""Exercises of chapter 6: four opinions for the price of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd, sqrt
from typing import Any

import numpy as np

from .kinds import Choice, Function, Misconception, Number

# --- 4.1 ----------------------------------------------------------------------------------------
ex6_1 = Number(
    name="ex6_1",
    title="Weights in groups",
    objective="explain why a grouped convolution is several separate convolutions",
    minutes=3,
    task=(
        "How many parameters has `nn.Conv2d(12, 32, kernel_size=5, groups=4)`, biases included? "
        "Compute it by hand, as four separate convolutions."
    ),
    stub="num_parameters = ...",
    passed="num_parameters",
    hints=(
        "How many channels go into each of the four convolutions, and how many come out?",
        "3 channels in and 8 out, with 5 · 5 weights for each pair of channels.",
        "One of the four has 8 · 3 · 25 weights and 8 biases.",
    ),
    answer="num_parameters = 4 * (8 * 3 * 5 * 5 + 8)",
    why=(
        "An ordinary layer of this size has four times the weights, since each output then sees 12 "
        "channels and not 3. The biases stay: one for each output."
    ),
    expected=2_432,
    tolerance=0.5,
    misconceptions=(
        Misconception(
            32 * 12 * 25 + 32, "this is the layer without groups, in which each output sees all 12."
        ),
        Misconception(2_400, "the weights are right. Each output also has a bias."),
        Misconception(608, "this is one of the four groups."),
        Misconception(600, "these are the weights of one of the four groups."),
        Misconception(32 * 3 + 32, "there are 5 · 5 weights for each pair of channels, not one."),
    ),
)

# --- 4.2 ----------------------------------------------------------------------------------------
ex6_2 = Number(
    name="ex6_2",
    title="Whose number is it?",
    objective="take a Packed-Ensemble apart into small networks that give the same answers",
    minutes=2,
    task=(
        "After `flatten(1)` the packed network of four members has 512 numbers, `features[:, 0]` "
        "to `features[:, 511]`. To which member does `features[:, 300]` belong: 1, 2, 3 or 4?"
    ),
    stub="member = ...",
    passed="member",
    hints=(
        "How many numbers has each member, and do they stand together?",
        "128 each, one member after the other. The first has the places 0 to 127.",
        "300 = 2 · 128 + 44: two members have all of theirs before it.",
    ),
    answer="member = 300 // 128 + 1",
    why=(
        "Each member's numbers stand together, so one matrix for each is enough in the next layer. "
        "Cutting the network apart below uses the same order."
    ),
    expected=3,
    tolerance=0.1,
    misconceptions=(
        Misconception(2, "two members come *before* it. Here members are counted from 1."),
        Misconception(
            1,
            "it looks as if members took turns, one number each (300 is divisible by 4). They do "
            "not: `flatten` goes channel by channel, and a member's channels stand together.",
        ),
    ),
)


# --- 4.3 ----------------------------------------------------------------------------------------
def _smallest_alpha(channels: Sequence[int], num_members: int) -> float:
    return num_members / gcd(*channels)


ex6_3 = Function(
    name="ex6_3",
    title="The smallest alpha",
    objective=(
        "write a network with `PackedConv2d` and `PackedLinear`, and say which settings will build"
    ),
    minutes=7,
    task=(
        "For LeNet the smallest $\\alpha$ is $M/2$. And for other networks? You get the numbers of "
        "channels of all hidden layers, for LeNet `(6, 16, 120, 84)`, and $M$. Return the smallest "
        "$\\alpha > 0$ for which every $\\alpha C$ is a whole multiple of $M$, so that nothing is "
        "cut. It need not be a whole number."
    ),
    stub='''def smallest_alpha(channels, num_members):
    """Smallest alpha at which every member gets a whole number of every layer's channels."""
    return ...''',
    passed="smallest_alpha",
    hints=(
        "Each member then has alpha · C / M channels of a layer. Look at alpha / M: it must make "
        "every C whole.",
        "The members of the smallest alpha are as narrow as possible. By which number can all C be "
        "divided? Is there a larger one?",
        "`math.gcd(*channels)` is the greatest common divisor g. The narrowest member has C/g "
        "channels, and alpha · C / M must be that.",
    ),
    answer='''def smallest_alpha(channels, num_members):
    """Smallest alpha at which every member gets a whole number of every layer's channels."""
    from math import gcd

    return num_members / gcd(*channels)''',
    why=(
        "All settings that build without cutting are its multiples. Who designs a network for "
        "packing takes channels with a large common divisor: powers of two rather than 6, 16, 120 "
        "and 84."
    ),
    reference=_smallest_alpha,
    inputs=lambda: [
        ((6, 16, 120, 84), 4),
        ((6, 16, 120, 84), 3),
        ((12, 8, 32), 4),
        ((9, 6, 30), 4),
        ((25, 10, 15), 6),
    ],
    misconceptions=(
        Misconception(
            lambda channels, num_members: num_members / 2,
            "this is LeNet's rule. Its channels have no common divisor larger than 2; those of "
            "other networks may.",
        ),
        Misconception(
            lambda channels, num_members: num_members / min(channels),
            "this looks at the narrowest layer only. The others must be divisible as well.",
        ),
        Misconception(
            lambda channels, num_members: num_members / channels[0],
            "this looks at the first layer only. The others must be divisible as well.",
        ),
        Misconception(
            lambda channels, num_members: num_members / gcd(num_members, *channels),
            "this is the smallest *whole* number. It need not be whole.",
        ),
        Misconception(
            lambda channels, num_members: num_members / gcd(2 * num_members, *channels),
            "it need not be a multiple of one half: that is so for LeNet.",
        ),
        Misconception(
            lambda channels, num_members: num_members,
            "with alpha = M every member is as wide as the original, which always builds. Narrower "
            "members may build as well.",
        ),
        Misconception(
            lambda channels, num_members: gcd(*channels) / num_members,
            "this is the reciprocal. More members need a larger alpha.",
        ),
    ),
)


# --- 4.4 ----------------------------------------------------------------------------------------
def _packed(
    weights: np.ndarray,
    biases: np.ndarray,
    alpha: float,
    num_members: int,
    *,
    hidden: float | None = None,
    ends: tuple[float | None, float | None] = (None, None),
    bias: float | None = None,
    last_bias: float | None = None,
) -> float:
    """Parameters; the keywords replace the factors of hidden layers, first and last, biases."""
    factors = np.full(len(weights), alpha**2 / num_members if hidden is None else hidden)
    factors[0], factors[-1] = (alpha if factor is None else factor for factor in ends)
    of_biases = np.full(len(weights), alpha if bias is None else bias, dtype=float)
    of_biases[-1] = num_members if last_bias is None else last_bias
    return float((factors * weights).sum() + (of_biases * biases).sum())


def _packed_with(**factors: Any) -> Any:
    """A misconception: other factors, as functions of alpha and M."""

    def answer(weights: np.ndarray, biases: np.ndarray, alpha: float, num_members: int) -> float:
        made = {name: _made(value, alpha, num_members) for name, value in factors.items()}
        return _packed(weights, biases, alpha, num_members, **made)

    return answer


def _made(value: Any, alpha: float, num_members: int) -> Any:
    if isinstance(value, tuple):
        return tuple(_made(one, alpha, num_members) for one in value)
    return value(alpha, num_members) if callable(value) else value


def _like_hidden(alpha: float, num_members: int) -> float:
    return alpha**2 / num_members


def _layers_and_settings() -> list[tuple[np.ndarray, np.ndarray, float, int]]:
    lenet = np.array([150, 2400, 30720, 10080, 840]), np.array([6, 16, 120, 84, 10])
    other = np.array([288, 18432, 73728, 1280]), np.array([32, 64, 128, 10])
    return [(*lenet, 2, 4), (*lenet, 3, 3), (*lenet, 4, 2), (*other, 3, 4)]


ex6_4 = Function(
    name="ex6_4",
    title="Count the packed parameters",
    objective="compute its parameters and operations by hand, and check them",
    minutes=8,
    task=(
        "Write the count as a function. You get the weights and the biases of the *original* "
        "layers as two NumPy arrays, from the first layer to the last (LeNet's weights are `[150, "
        "2400, 30720, 10080, 840]`), further alpha and M. Return the number of parameters of the "
        "packed network, with $\\gamma = 1$."
    ),
    stub='''def packed_parameters(weights, biases, alpha, num_members):
    """Parameters of a packed network, from those of the original layers."""
    return ...''',
    passed="packed_parameters",
    hints=(
        "Three kinds of weights: of the first layer, of the hidden layers, of the last. And two "
        "kinds of biases.",
        "First and last layer: alpha times their weights. Between them: alpha² / M times. Biases: "
        "alpha times, but M times in the last layer.",
        "`weights[1:-1].sum()` are the hidden weights, `weights[0] + weights[-1]` the other two, "
        "`biases[:-1].sum()` the biases without the last layer's.",
    ),
    answer='''def packed_parameters(weights, biases, alpha, num_members):
    """Parameters of a packed network, from those of the original layers."""
    hidden = alpha**2 / num_members * weights[1:-1].sum()
    ends = alpha * (weights[0] + weights[-1])
    return hidden + ends + alpha * biases[:-1].sum() + num_members * biases[-1]''',
    why=(
        "The hidden layers decide: in LeNet nearly all weights are there. Doubling alpha at the "
        "same M costs four times as much, doubling both only twice."
    ),
    reference=_packed,
    inputs=_layers_and_settings,
    misconceptions=(
        Misconception(
            _packed_with(hidden=lambda alpha, m: alpha**2),
            "alpha² is not divided by M in the hidden layers. Each member has (alpha / M)² of the "
            "weights, and there are M of them.",
        ),
        Misconception(
            _packed_with(hidden=lambda alpha, m: (alpha / m) ** 2),
            "the hidden layers are those of one member: (alpha / M)² of the weights. There are M.",
        ),
        Misconception(
            _packed_with(hidden=lambda alpha, m: alpha),
            "hidden layers are narrower on *both* sides, so alpha comes in squared.",
        ),
        Misconception(
            _packed_with(ends=(_like_hidden, None)),
            "the first layer is treated like a hidden one. Its input, the image, is not divided "
            "among the members.",
        ),
        Misconception(
            _packed_with(ends=(None, _like_hidden)),
            "the last layer is treated like a hidden one. Each member answers for all classes.",
        ),
        Misconception(
            _packed_with(ends=(_like_hidden, _like_hidden)),
            "all layers are treated alike. The first has the whole image as its input, the last "
            "has an output for each class and member.",
        ),
        Misconception(
            _packed_with(
                ends=(_like_hidden, _like_hidden), bias=_like_hidden, last_bias=_like_hidden
            ),
            "everything is multiplied by alpha² / M. Which layers are narrower on one side only? "
            "And a bias belongs to an output alone.",
        ),
        Misconception(
            _packed_with(bias=0, last_bias=0), "the weights are right; the biases are missing."
        ),
        Misconception(
            _packed_with(bias=1, last_bias=1),
            "the weights are right. There is a bias for each output, so there are more of them, "
            "too.",
        ),
        Misconception(
            _packed_with(last_bias=lambda alpha, m: alpha),
            "nearly. In the last layer each member has a bias for every class: M times, not alpha "
            "times.",
        ),
        Misconception(
            lambda weights, biases, alpha, m: _packed(weights, biases, alpha, m) / m,
            "this is one member.",
        ),
    ),
)

# --- 4.5 ----------------------------------------------------------------------------------------
ex6_5 = Choice(
    name="ex6_5",
    title="Spend 46,000 parameters",
    objective=(
        "write a network with `PackedConv2d` and `PackedLinear`, and say which settings will build"
    ),
    minutes=3,
    task=(
        "You may spend 46,000 parameters on a packed LeNet, and want as many members as possible. "
        "Which setting do you take?\n\n"
        "- `a` $M = 4$, $\\alpha = 1$\n"
        "- `b` $M = 4$, $\\alpha = 2$\n"
        "- `c` $M = 5$, $\\alpha = 2.5$\n"
        "- `d` $M = 8$, $\\alpha = 2$"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "Strike out first what does not build.",
        "Of those that build, how many parameters has a member at least? The widget shows it.",
        "The narrowest member has 11,418 parameters.",
    ),
    answer='choice = "b"',
    why=(
        "The narrowest member that builds has half of LeNet's width and 11,418 parameters, so four "
        "fit. The only other setting that spends about as much is M = 1, alpha = 1: LeNet "
        "itself. Which of the two is better, only a measurement can say."
    ),
    correct="b",
    options={
        "a": "M = 4, alpha = 1",
        "b": "M = 4, alpha = 2",
        "c": "M = 5, alpha = 2.5",
        "d": "M = 8, alpha = 2",
    },
    reasons={
        "a": "it does not build: 2 · alpha is 2, and no multiple of 4.",
        "c": "it builds, and five members of half the width have 57,090 parameters. Too many.",
        "d": "it does not build: 2 · alpha is 4, and no multiple of 8.",
    },
)


# --- 4.6 ----------------------------------------------------------------------------------------
def _verdict_on(five: Mapping[str, Any]) -> str:
    """Which has the lower NLL: letter of `ex6_6`, by an interval for two groups (Welch, 1947)."""
    groups = [np.asarray(five[name], dtype=float) for name in ("PE-4", "LeNet")]
    difference = groups[0].mean() - groups[1].mean()
    half = 2.8 * sqrt(sum(group.var(ddof=1) / len(group) for group in groups))
    if abs(difference) <= half:
        return "c"
    return "a" if difference > 0 else "b"


ex6_6 = Choice(
    name="ex6_6",
    title="Was it well spent?",
    objective="compare models of different budgets without fooling anybody, yourself included",
    minutes=6,
    task=(
        "LeNet and PE-4 cost about the same number of parameters. Which has the lower NLL? Take "
        "the difference of the two means of `five`, PE-4 minus LeNet. Its standard error is "
        "√(s₁²/5 + s₂²/5), where s₁ and s₂ are the standard deviations of the columns, with "
        "`ddof=1`. Form the interval from 2.8 standard errors below the difference to 2.8 above "
        "it. (2.8 is for five values what 2 is for many. With two groups of five it errs on the "
        "safe side.)\n\n"
        "- `a` LeNet: the whole interval is above 0.\n"
        "- `b` PE-4: the whole interval is below 0.\n"
        "- `c` These ten trainings leave it open: 0 is in the interval."
    ),
    stub="choice = ...",
    passed="choice, five",
    hints=(
        "`five.mean()` has both means, `five.var()` both squared standard deviations (with "
        "`ddof=1`, as pandas does it).",
        "The standard error is `(five.var() / 5).sum() ** 0.5`.",
        "With difference d and standard error s the lower end is `d - 2.8 * s`. What sign have the "
        "two ends?",
    ),
    answer='''difference = five["PE-4"].mean() - five["LeNet"].mean()
half = 2.8 * (five.var() / 5).sum() ** 0.5
choice = "c" if abs(difference) <= half else "a" if difference > 0 else "b"''',
    why=(
        "About equal parameters (though a third more operations), equal training, several seeds: "
        "such a comparison says something about packing, for this network and these digits. LeNet "
        "is narrow to begin with; in a wide network the same measurement may well come out "
        "otherwise. Where 0 is in the interval, more trainings or more digits could decide, and "
        "until then the simpler one will do."
    ),
    correct=_verdict_on,
    options={"a": "LeNet", "b": "PE-4", "c": "left open"},
    reasons={
        "a": "not the means alone: LeNet would be better if *both* ends of the interval were above "
        "0. Is the difference PE-4 minus LeNet?",
        "b": "not the means alone: PE-4 would be better if *both* ends of the interval were below "
        "0. Is the difference PE-4 minus LeNet?",
        "c": "0 is not in the interval. Has each variance been divided by 5?",
    },
)


# --- 4.7 ----------------------------------------------------------------------------------------
def _ratio(cost: Any, row: str) -> float:
    return float(cost.loc[row, "PE-4"] / cost.loc[row, "LeNet"])


_FLOPS, _STEP = "MFLOPs per image", "Seconds per training step of 128"
_PREDICT, _PARAMETERS = "Seconds to predict 1,000 images", "Parameters (thousand)"

ex6_7 = Number(
    name="ex6_7",
    title="What an operation costs",
    objective="compare models of different budgets without fooling anybody, yourself included",
    minutes=3,
    task=(
        "If seconds followed FLOPs, every operation would take equally long. By which factor does "
        "an operation of PE-4 take longer than one of LeNet in a **training step**, on your "
        "machine? Use the tables above, and take their FLOPs, those of a forward pass, as the "
        "measure of work. (The backward pass needs twice as many in every layer but the first "
        "convolution, where nobody asks for the gradient of the image. So a whole step of PE-4 has "
        "a little less to do than this measure says.)"
    ),
    stub="factor = ...",
    passed="factor, cost",
    hints=(
        "Two rows of the table in units of one LeNet are needed.",
        "Time per operation is time divided by operations.",
        "In the column PE-4 of the last table: the training step, divided by the FLOPs.",
    ),
    answer="""in_lenets = cost["PE-4"] / cost["LeNet"]
factor = in_lenets["Seconds per training step of 128"] / in_lenets["MFLOPs per image"]""",
    why=(
        "A factor above 1 says: the same number of operations takes longer in groups. It is a "
        "number of your machine, today. Next we look for the causes."
    ),
    expected=lambda cost: _ratio(cost, _STEP) / _ratio(cost, _FLOPS),
    tolerance=0.03,
    misconceptions=(
        Misconception(
            lambda cost: _ratio(cost, _STEP),
            "this is how much longer a *step* takes. PE-4 also has more operations to do.",
        ),
        Misconception(
            lambda cost: _ratio(cost, _FLOPS), "these are its operations, in LeNets. And the time?"
        ),
        Misconception(
            lambda cost: _ratio(cost, _FLOPS) / _ratio(cost, _STEP),
            "this is the reciprocal: operations per time.",
        ),
        Misconception(
            lambda cost: _ratio(cost, _PREDICT) / _ratio(cost, _FLOPS),
            "this is so in prediction. A training step is asked for.",
        ),
        Misconception(
            lambda cost: _ratio(cost, _STEP) / _ratio(cost, _PARAMETERS),
            "the time is divided by the number of *parameters*. A weight of a convolution is used "
            "at many places: count operations.",
        ),
        Misconception(
            lambda cost: _ratio(cost, _STEP) * _ratio(cost, _FLOPS),
            "the two are multiplied. Time per operation is a quotient.",
        ),
    ),
)
