"""Answers to the exercises of chapter 11."""

from planted import Planted

BILL = "def bill(answers, truth, wrong, refer):\n"
WALK = "def cheapest_threshold(uncertainty, correct, cost_wrong, cost_refer):\n"
TRY = WALK + (
    "    best, least = None, np.inf\n"
    "    for t in {candidates}:\n"
    "        cost = sum(({wrong}) if {ask} else {refer}\n"
    "                   for u, c in zip(uncertainty, correct))\n"
    "        if cost < least:\n"
    "            best, least = t, cost\n"
    "    return best"
)
HONEST = {
    "candidates": "[-np.inf, *sorted(uncertainty)]",
    "wrong": "cost_wrong * (not c)",
    "ask": "u <= t",
    "refer": "cost_refer",
}


def search(**changes: str) -> str:
    return TRY.format(**HONEST | changes)


PLANTED = {
    "ex11_1": Planted(
        wrong=[
            (
                BILL + "    return wrong[answers[answers != truth]].sum()"
                " + refer * (answers == REFER).sum()",
                "`wrong[-1]` is the cost of the digit 9",
            ),
            (
                BILL + "    cost = np.where(answers == truth, 0, wrong[truth])\n"
                "    return np.where(answers == REFER, refer, cost).sum()",
                "by the truth",
            ),
            (
                BILL + "    m = (answers != REFER) & (answers != truth)\n"
                "    return wrong[answers[m]].sum()",
                "referred images are free",
            ),
            (
                BILL + "    cost = np.where(answers == REFER, refer, wrong[answers])\n"
                "    return np.where(answers == truth, 0, cost).sum()",
                "referred for free",
            ),
            (
                BILL + "    m = (answers != REFER) & (answers != truth)\n"
                "    return (wrong[answers[m]].sum() + refer * (answers == REFER).sum())"
                " / len(answers)",
                "mean for one image",
            ),
            (BILL + "    return None", "return"),
            (BILL + "    return 'much'", "str"),
            (BILL + "    return wrong", "shape"),
        ],
        right=[
            BILL + "    total = 0\n"
            "    for a, t in zip(answers, truth):\n"
            "        total += refer if a == REFER else 0 if a == t else wrong[a]\n"
            "    return total",
            BILL + "    cost = np.where(answers == truth, 0, wrong[answers])\n"
            "    return float(np.sum(np.where(answers == -1, refer, cost)))",
        ],
        given={"REFER": -1},
    ),
    "ex11_2": Planted(
        wrong=[
            (search(candidates="sorted(uncertainty)"), "answer nothing"),
            (WALK + "    return cost_refer / cost_wrong", "Chow's rule"),
            (search(refer="0"), "referring is free"),
            (search(wrong="0"), "mistakes are free"),
            (search(wrong="cost_wrong * c"), "swapped"),
            (search(ask="u < t"), "is right"),
            (WALK + "    return uncertainty", "shape"),
        ],
        right=[
            search(),
            "from course_utils.metrics import selective\n" + WALK + "    return "
            "selective.cost_curve(uncertainty, correct, cost_wrong, cost_refer).optimum.threshold",
        ],
    ),
    "ex11_3": Planted(
        wrong=[
            ("choice = 'a'", "few images make the interval"),
            ("choice = 'c'", "known at the opening"),
            ("choice = 'd'", "far beyond"),
            ("choice = 2", "choose one of"),
        ],
        right=["choice = ' B '"],
    ),
}
