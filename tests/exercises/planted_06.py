"""Answers to the exercises of chapter 6."""

import pandas as pd
from planted import Planted

ALPHA = "def smallest_alpha(channels, num_members):\n"
COUNT = "def packed_parameters(weights, biases, alpha, num_members):\n"
FIVE = pd.DataFrame(
    {"LeNet": [0.020, 0.022, 0.021, 0.019, 0.023], "PE-4": [0.024, 0.025, 0.025, 0.024, 0.026]}
)
COST = pd.DataFrame(
    {"LeNet": [44.0, 0.5, 0.2, 0.010], "PE-4": [66.0, 0.7, 0.36, 0.023]},
    index=[
        "Parameters (thousand)",
        "MFLOPs per image",
        "Seconds to predict 1,000 images",
        "Seconds per training step of 128",
    ],
)
GROW = (
    "    total = 0\n"
    "    for i, (w, b) in enumerate(zip(weights, biases)):\n"
    "        first, last = i == 0, i == len(weights) - 1\n"
    "        total += ({w}) * w + ({b}) * b\n"
    "    return total"
)
RIGHT = {
    "w": "alpha if first or last else alpha**2 / num_members",
    "b": "num_members if last else alpha",
}
HIDDEN = "alpha**2 / num_members"


def count(**changed: str) -> str:
    return COUNT + GROW.format(**(RIGHT | changed))


def search(step: str) -> str:
    return (
        ALPHA + f"    step = {step}\n    alpha = step\n"
        "    while any(alpha * c % num_members for c in channels):\n"
        "        alpha += step\n"
        "    return alpha"
    )


PLANTED = {
    "ex6_1": Planted(
        wrong=[
            ("num_parameters = 32 * 12 * 25 + 32", "without groups"),
            ("num_parameters = 32 * 3 * 25", "has a bias"),
            ("num_parameters = 8 * 3 * 25 + 8", "one of the four groups"),
            ("num_parameters = 8 * 3 * 25", "weights of one of the four"),
            ("num_parameters = 32 * 3 + 32", "for each pair"),
        ],
        right=["num_parameters = 32 * 3 * 25 + 32"],
    ),
    "ex6_2": Planted(
        wrong=[
            ("member = 300 // 128", "counted from 1"),
            ("member = 300 % 4 + 1", "took turns"),
            ("member = 4", "look for less"),
        ],
        right=["member = 3.0"],
    ),
    "ex6_3": Planted(
        wrong=[
            (ALPHA + "    return num_members / 2", "LeNet's rule"),
            (ALPHA + "    return num_members / min(channels)", "narrowest layer"),
            (ALPHA + "    return num_members / channels[0]", "first layer"),
            (search("1"), "smallest *whole*"),
            (search("0.5"), "one half"),
            (ALPHA + "    return num_members", "always builds"),
            (ALPHA + "    return np.gcd.reduce(channels) / num_members", "reciprocal"),
        ],
        right=[
            ALPHA + "    from fractions import Fraction\n    step = Fraction(1, 5040)\n"
            "    alpha = step\n"
            "    while any((alpha * c / num_members).denominator > 1 for c in channels):\n"
            "        alpha += step\n"
            "    return alpha",
            ALPHA + "    return num_members / np.gcd.reduce(channels)",
        ],
    ),
    "ex6_4": Planted(
        wrong=[
            (count(w="alpha if first or last else alpha**2"), "not divided by M"),
            (count(w="alpha if first or last else (alpha / num_members) ** 2"), "one member:"),
            (count(w="alpha"), "*both* sides"),
            (count(w=f"alpha if last else {HIDDEN}"), "first layer is treated"),
            (count(w=f"alpha if first else {HIDDEN}"), "last layer is treated"),
            (count(w=HIDDEN), "all layers are treated alike"),
            (count(w=HIDDEN, b=HIDDEN), "everything is multiplied"),
            (count(b="0"), "biases are missing"),
            (count(b="1"), "more of them"),
            (count(b="alpha"), "M times, not alpha"),
        ],
        right=[
            count(),
            COUNT + "    share = alpha / num_members\n"
            "    member = share**2 * weights[1:-1].sum() + share * (weights[0] + weights[-1])\n"
            "    return num_members * (member + share * biases[:-1].sum() + biases[-1])",
        ],
    ),
    "ex6_5": Planted(
        wrong=[
            ('choice = "a"', "no multiple of 4"),
            ('choice = "c"', "57,090"),
            ('choice = "d"', "no multiple of 8"),
            ("choice = 4", "choose one of"),
        ],
        right=['choice = "B"'],
    ),
    "ex6_6": Planted(
        wrong=[
            ('choice = "b"', "both* ends of the interval were below"),
            ('choice = "c"', "divided by 5"),
            ('choice = "PE-4"', "choose one of"),
        ],
        right=[
            'choice = "A"',
            'choice, five = "b", five.rename(columns={"LeNet": "PE-4", "PE-4": "LeNet"})',
            'choice, five = "c", five.assign(**{"PE-4": [0.024, 0.020, 0.021, 0.018, 0.027]})',
        ],
        given={"five": FIVE},
    ),
    "ex6_7": Planted(
        wrong=[
            ("factor = 2.3", "longer a *step*"),
            ("factor = 1.4", "operations, in LeNets"),
            ("factor = 1.4 / 2.3", "reciprocal"),
            ("factor = 1.8 / 1.4", "in prediction"),
            ("factor = 2.3 / 1.5", "*parameters*"),
            ("factor = 2.3 * 1.4", "multiplied"),
        ],
        right=["factor = 1.64"],
        given={"cost": COST},
    ),
}
