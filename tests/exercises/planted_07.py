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


def walk(key: str = "-confidence", coverage: str = "k / len(correct)", risk: str = "wrong / k"):
    return CURVE + WALK.format(key=key, coverage=coverage, risk=risk)


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


AREAS = """\
def two_areas(wrong):
    N = len(wrong)
    k = np.arange(1, N + 1)
    {before}
    coverage, risk = k / N, np.cumsum(wrong) / k
    aurc = {area}(risk{places}){width}
    augrc = {area}(np.cumsum(wrong) / N{places}){width}
    return {both}"""
BY_TRAPEZOIDS = {
    "before": "pass",
    "area": "np.trapezoid",
    "places": ", coverage",
    "width": " / (1 - 1 / N)",
    "both": "aurc, augrc",
}


def areas(**changes: str) -> str:
    return AREAS.format(**BY_TRAPEZOIDS | changes)


def share(body: str) -> str:
    return f"def share_to_refer(uncertainty, correct):\n    return {body}"


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
            (areas(both="augrc, aurc"), "first AURC, then AUGRC"),
            (areas(width=""), "not divided by the width"),
            (areas(area="np.mean", places="", width=""), "means of the heights"),
            (areas(before="wrong = wrong[::-1]"), "least certain answer comes first"),
            (areas(before="wrong = 1 - wrong"), "right answers"),
            (areas(both="aurc, aurc"), "two AURCs"),
            (areas(both="None"), "`None`"),
            (areas(both="aurc"), "shape"),
            (areas(both="'large'"), "a `str`"),
        ],
        right=[
            "def two_areas(wrong):\n"
            "    N, so_far, risk, slips = len(wrong), 0, [], []\n"
            "    for k, one in enumerate(wrong, start=1):\n"
            "        so_far += one\n"
            "        risk.append(so_far / k)\n"
            "        slips.append(so_far / N)\n"
            "    halves = lambda h: (sum(h) - (h[0] + h[-1]) / 2) / (N - 1)\n"
            "    return halves(risk), halves(slips)",
            "def two_areas(wrong):\n"
            "    from course_utils.metrics import selective\n"
            "    curve = selective.risk_coverage(np.arange(len(wrong)), wrong == 0)\n"
            "    return [curve.aurc, curve.augrc]",
        ],
    ),
    "ex7_4": Planted(
        wrong=[
            (share("[(uncertainty > u).mean() for u in uncertainty[~correct]]"), "means `>=`"),
            (share("[(uncertainty <= u).mean() for u in uncertainty[~correct]]"), "*certain*"),
            (share("[100 * (uncertainty >= u).mean() for u in uncertainty[~correct]]"), "percent"),
            (share("[(uncertainty >= u).sum() for u in uncertainty[~correct]]"), "numbers of"),
            (
                share("[(uncertainty[~correct] >= u).mean() for u in uncertainty[~correct]]"),
                "with each other only",
            ),
            (share("[(uncertainty >= u).mean() for u in uncertainty]"), "shape"),
            (share("None"), "`None`"),
        ],
        right=[
            share("(uncertainty >= uncertainty[~correct][:, None]).mean(axis=1)"),
            share(
                "1 - np.searchsorted(np.sort(uncertainty), uncertainty[~correct])"
                " / len(uncertainty)"
            ),
        ],
    ),
    "ex7_3": Planted(
        wrong=[
            ('choice = "a"', "other way round"),
            ('choice = "c"', "right for AUGRC"),
            ('choice = "d"', "right for AURC"),
        ],
        right=['choice = " B"'],
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
