"""Answers to the exercises of chapter 8."""

import numpy as np
from planted import Planted
from scipy.stats import beta

CHOOSE = (
    "def choose_and_report(val_uncertainty, val_correct, test_uncertainty, test_correct, budget):\n"
    "    u, c = {chosen_on}_uncertainty, {chosen_on}_correct\n"
    "    order = np.argsort(u)\n"
    "    risk = np.cumsum(~c[order]) / np.arange(1, len(c) + 1)\n"
    "    {choose}\n"
    "    u, c = {reported_on}_uncertainty, {reported_on}_correct\n"
    "    mask = u {sign} t\n"
    "    return t, mask.mean(), {risk}"
)
LAST = "t = u[order][np.flatnonzero(risk <= budget)[-1]{off}]"
HONEST = {
    "chosen_on": "val",
    "choose": LAST.format(off=""),
    "reported_on": "test",
    "sign": "<=",
    "risk": "1 - c[mask].mean()",
}


def choose(**changes: str) -> str:
    return CHOOSE.format(**HONEST | changes)


SEQUENCE = """\
def fixed_sequence_threshold(thresholds, wrong, answered, target, delta):
    bounds = {bounds}
    chosen = -np.inf
    for t, bound in zip(thresholds, bounds):
        {first}
        if bound > target:
            {stop}
        chosen = t
    return {end}"""
BOUNDS = "beta.ppf({level}, wrong + 1, answered - wrong)"
WALK = {"bounds": BOUNDS.format(level="1 - delta"), "first": "pass", "stop": "break"}


def sequence(end: str = "chosen", **changes: str) -> str:
    return SEQUENCE.format(**WALK | {"end": end} | changes)


CHEAPEST = """\
def cheapest_threshold(uncertainty, correct, cost_wrong, cost_refer):
    order = np.argsort(uncertainty)
    n, k = len(order), np.arange(1, len(order) + 1)
    cost = {cost}
    best = int(np.argmin(cost))
    return {end}"""
COST = "(cost_wrong * np.cumsum(~correct[order]) + cost_refer * (n - k)) / n"


def cheapest(cost: str = COST, end: str = "uncertainty[order][best], cost[best]") -> str:
    return CHEAPEST.format(cost=cost, end=end)


PLANTED = {
    "ex8_1": Planted(
        wrong=[
            (choose(chosen_on="test"), "chosen on the test images"),
            (choose(reported_on="val"), "flattered"),
            (choose(choose=LAST.format(off=" + 1")), "one image too far"),
            (choose(choose=LAST.format(off=" - 1")), "one image short"),
            (
                choose(choose="t = u[order][np.flatnonzero(risk > budget)[0] - 1]"),
                "first exceeds the budget",
            ),
            (choose(sign=">"), "*referred* images"),
            (choose(risk="(mask & ~c).mean()"), "not by all"),
        ],
        right=[
            "def choose_and_report(uncertainty, correct, u, c, budget):\n"
            "    from course_utils.metrics import selective\n"
            "    t = selective.risk_coverage(uncertainty, correct).threshold_for_risk(budget)\n"
            "    point = selective.risk_coverage(u, c).at_threshold(t)\n"
            "    return [t, point.coverage, point.risk]",
        ],
    ),
    "ex8_2": Planted(
        wrong=[
            (sequence(stop="continue"), "go on after a failure"),
            (sequence(first="chosen = t"), "one before it"),
            (sequence(bounds="wrong / answered"), "*bound*"),
            (
                sequence(bounds=BOUNDS.format(level="1 - delta / len(wrong)")),
                "Bonferroni",
            ),
            (sequence(bounds=BOUNDS.format(level="delta")), "*lower* bound"),
            (sequence(end="None"), "`None`"),
            (sequence(end="bounds <= target"), "shape"),
        ],
        right=[
            "def fixed_sequence_threshold(thresholds, wrong, answered, target, delta):\n"
            "    kept = beta.ppf(1 - delta, wrong + 1, answered - wrong) <= target\n"
            "    passed = np.cumprod(kept).sum()\n"
            "    return thresholds[passed - 1] if passed else -np.inf",
            sequence(end="np.array([chosen])"),
        ],
        given={"beta": beta, "np": np},
    ),
    "ex8_3": Planted(
        wrong=[
            ('choice = "a"', "under blur"),
            ('choice = "c"', "under rotation"),
            ('choice = "d"', "finds unusual"),
        ],
        right=['choice = " B"'],
    ),
    "ex8_4": Planted(
        wrong=[
            (cheapest(end="uncertainty[order][best], n * cost[best]"), "total"),
            (cheapest(end="uncertainty[order][best + 1], cost[best]"), "one image too far"),
            (
                cheapest("cost_wrong * np.cumsum(~correct[order]) / k + cost_refer * (1 - k / n)"),
                "coverage times risk",
            ),
            (cheapest("cost_wrong * np.cumsum(~correct[order]) / n"), "referring is free"),
            (
                cheapest("(cost_refer * np.cumsum(~correct[order]) + cost_wrong * (n - k)) / n"),
                "exchanged",
            ),
            (cheapest(end="cost[best], uncertainty[order][best]"), "first the threshold"),
            (cheapest(end="None"), "`None`"),
            (cheapest(end="cost[best]"), "shape"),
        ],
        right=[
            "def cheapest_threshold(uncertainty, correct, cost_wrong, cost_refer):\n"
            "    def cost(t):\n"
            "        wrong = ((uncertainty <= t) & ~correct).mean()\n"
            "        return cost_wrong * wrong + cost_refer * (uncertainty > t).mean()\n"
            "    best = min(uncertainty, key=cost)\n"
            "    return best, cost(best)",
            "def cheapest_threshold(uncertainty, correct, cost_wrong, cost_refer):\n"
            "    from course_utils.metrics import selective\n"
            "    curve = selective.cost_curve(uncertainty, correct, cost_wrong, cost_refer)\n"
            "    return curve.optimum.threshold, curve.optimum.cost",
        ],
    ),
}
