"""Answers to the exercises of chapter 8."""

from planted import Planted

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
            ("cost_per_digit = 10 * 16 / 800 + 200 / 1000", "multiply by the coverage"),
            ("cost_per_digit = 10 * 16 / 1000", "referrals are not free"),
            ("cost_per_digit = 10 * 16 + 200", "total"),
            ("cost_per_digit = (10 * 16 + 200) / 800", "divide by the answered"),
            ("cost_per_digit = (16 + 10 * 200) / 1000", "exchanged"),
            ("cost_per_digit = 0.2", "referrals alone"),
        ],
        right=["cost_per_digit = 10 * 0.8 * 0.02 + 0.2"],
    ),
}
