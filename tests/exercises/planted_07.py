"""Answers to the exercises of chapter 7."""

import ipywidgets
import numpy as np
from planted import Planted

from course_utils.metrics.predictions import Predictions
from course_utils.widgets import risk_coverage_explorer

CURVE = "def risk_coverage_by_hand(confidence, correct):\n"
WALK = """\
    order = np.argsort({key})
    k = np.arange(1, len(correct) + 1)
    wrong = np.cumsum(1 - correct[order])
    return {coverage}, {risk}"""
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


def walk(key: str = "-confidence", coverage: str = "k / len(correct)", risk: str = "wrong / k"):
    return CURVE + WALK.format(key=key, coverage=coverage, risk=risk)


def choose(**changes: str) -> str:
    return CHOOSE.format(**HONEST | changes)


def packed() -> Predictions:
    """Four members, 200 digits; on some mistakes all agree."""
    generator = np.random.default_rng(4)
    labels = generator.integers(10, size=200)
    heard = np.where(generator.uniform(size=200) < 0.15, (labels + 1) % 10, labels)
    logits = generator.normal(0, 1, (200, 4, 10)).astype(np.float32)
    logits[np.arange(200), :, heard] += 3
    return Predictions(logits, labels)


PACKED = packed()
UNANIMOUS = (PACKED.member_predicted == PACKED.member_predicted[:, :1]).all(axis=1)

# Each answer has an explorer of its own: what is linked stays linked.
SLIDER = "explorer = make()\nslider = ipywidgets.FloatSlider({options})\n"
UNIT = SLIDER.format(options="value=explorer.threshold, max=1, step=0.001")
TIE = "ipywidgets.{how}(({one}), ({other}))"
OURS, THEIRS = 'slider, "value"', 'explorer, "threshold"'


def make() -> object:
    return risk_coverage_explorer({"PE-4": PACKED})


PLANTED = {
    "ex7_1": Planted(
        wrong=[
            (walk(key="confidence"), "least certain images are answered first"),
            (walk(coverage="1 - wrong / k"), "accuracy on the answered"),
            (walk(risk="wrong / len(correct)"), "generalised risk"),
            (walk(risk="1 - wrong / k"), "share of right answers"),
            (walk(coverage="wrong / k", risk="k / len(correct)"), "wrong order"),
            (walk(key="np.arange(len(correct))"), "in which they came"),
            (walk(coverage="1.0", risk="wrong[-1] / len(correct)"), "shape"),
        ],
        right=[
            CURVE + "    pairs = sorted(zip(confidence, correct), reverse=True)\n"
            "    wrong, coverage, risk = 0, [], []\n"
            "    for k, (_, right) in enumerate(pairs, start=1):\n"
            "        wrong += not right\n"
            "        coverage.append(k / len(pairs))\n"
            "        risk.append(wrong / k)\n"
            "    return coverage, risk",
        ],
    ),
    "ex7_2": Planted(
        wrong=[
            ('choice = "a"', "other way round"),
            ('choice = "c"', "right for AUGRC"),
            ('choice = "d"', "right for AURC"),
        ],
        right=['choice = " B"'],
    ),
    "ex7_3": Planted(
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
    "ex7_4": Planted(
        wrong=[
            ("cost_per_digit = 10 * 16 / 800 + 200 / 1000", "multiply by the coverage"),
            ("cost_per_digit = 10 * 16 / 1000", "referrals are not free"),
            ("cost_per_digit = 10 * 16 + 200", "total"),
            ("cost_per_digit = (10 * 16 + 200) / 800", "divide by the answered"),
            ("cost_per_digit = (16 + 10 * 200) / 1000", "exchanged"),
            ("cost_per_digit = 0.2", "referrals alone"),
        ],
        right=["cost_per_digit = 10 * 0.8 * 0.02 + 0.2"],
    ),
    "ex7_5": Planted(
        wrong=[
            ("percent = 100 * (~unanimous)[~packed.correct].mean()", "members split"),
            ("percent = unanimous[~packed.correct].mean()", "in percent"),
            ("percent = 100 * (unanimous & ~packed.correct).mean()", "all *digits*"),
            ("percent = 100 * unanimous.mean()", "most of these are right"),
            ("percent = 100 * (~packed.correct)[unanimous].mean()", "other way round"),
        ],
        right=["percent = 100 * unanimous[~packed.correct].mean()"],
        given={
            "packed": PACKED,
            "unanimous": UNANIMOUS,
            "groups": {"all agree, all wrong": UNANIMOUS & ~PACKED.correct},
        },
    ),
    "ex7_6": Planted(
        wrong=[
            ("slider = explorer.threshold", "not a slider"),
            (
                SLIDER.format(options="value=explorer.threshold")
                + TIE.format(how="link", one=OURS, other=THEIRS),
                "from 0 to 100",
            ),
            (UNIT, "do not move each other"),
            (UNIT + TIE.format(how="dlink", one=OURS, other=THEIRS), "the slider does not follow"),
            (UNIT + TIE.format(how="dlink", one=THEIRS, other=OURS), "the explorer does not"),
        ],
        right=[UNIT + TIE.format(how="link", one=THEIRS, other=OURS)],
        given={"explorer": make(), "make": make, "ipywidgets": ipywidgets},
    ),
}
