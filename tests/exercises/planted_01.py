"""Answers to the exercises of chapter 1."""

from planted import Planted
from sklearn.metrics import roc_auc_score

AUROC = "def auroc(digit_scores, clothes_scores):\n"
SHARED = "def num_shared(first, second):\n"

PLANTED = {
    "ex1_1": Planted(
        wrong=[
            (AUROC + "    return (clothes_scores[:, None] > digit_scores).mean()", "count nothing"),
            (
                AUROC + "    return (clothes_scores[:, None] >= digit_scores).mean()",
                "count as a success",
            ),
            (
                AUROC + "    pairs = [(d > c) + 0.5 * (d == c)\n"
                "             for d in digit_scores for c in clothes_scores]\n"
                "    return sum(pairs) / len(pairs)",
                "direction is reversed",
            ),
            (
                AUROC + "    higher = clothes_scores > digit_scores\n"
                "    return (higher + 0.5 * (clothes_scores == digit_scores)).mean()",
                "first digit meets only the first",
            ),
            (
                AUROC + "    return (clothes_scores > digit_scores.mean()).mean()",
                "the mean digit",
            ),
            (
                AUROC + "    higher = clothes_scores[:, None] > digit_scores\n"
                "    equal = clothes_scores[:, None] == digit_scores\n"
                "    return (higher + 0.5 * equal).sum() / len(digit_scores) ** 2",
                "How many pairs",
            ),
            (
                AUROC + "    digit_scores.sort()\n"
                "    return np.searchsorted(digit_scores, clothes_scores).mean()",
                "changes its input",
            ),
        ],
        right=[
            AUROC + "    labels = np.repeat([0, 1], [len(digit_scores), len(clothes_scores)])\n"
            "    return roc_auc_score(labels, np.concatenate([digit_scores, clothes_scores]))",
            AUROC + "    ordered = np.sort(digit_scores)\n"
            "    below = np.searchsorted(ordered, clothes_scores, side='left')\n"
            "    upto = np.searchsorted(ordered, clothes_scores, side='right')\n"
            "    return ((below + upto) / 2).mean() / len(ordered)",
        ],
        given={"roc_auc_score": roc_auc_score},
    ),
    "ex1_2": Planted(
        wrong=[
            ("num_windows = 8 * 8", "nine places"),
            ("num_windows = 9", "one direction"),
            ("num_windows = (36 - 28) * 2", "both"),
            ("num_windows = 5 ** 2", "to the right"),
            ("num_windows = 36 * 36", "must fit in"),
            ("num_windows = 100", "look for less"),
        ],
        right=["num_windows = 81.0"],
    ),
    "ex1_3": Planted(
        wrong=[
            (
                SHARED + "    return sum((a == b).all() for a, b in zip(first, second))",
                "same place",
            ),
            (
                SHARED + "    return np.isin(first.sum((1, 2)), second.sum((1, 2))).sum()",
                "sums",
            ),
            (
                SHARED + "    one = {a.tobytes() for a in first}\n"
                "    return len(one & {b.tobytes() for b in second})",
                "counts once",
            ),
            (
                SHARED + "    return sum(any((a == b).all() for a in first) for b in second)",
                "roles are exchanged",
            ),
            (SHARED + "    return sum(image in set(second) for image in first)", "TypeError"),
            (
                SHARED + "    return sum(all((a != b).any() for b in second) for a in first)",
                "*not* in the second",
            ),
        ],
        right=[
            SHARED + "    return sum(any((a == b).all() for b in second) for a in first)",
            SHARED + "    a, b = (x.reshape(len(x), -1) for x in (first, second))\n"
            "    return (a[:, None] == b).all(axis=2).any(axis=1).sum()",
        ],
    ),
    "ex1_4": Planted(
        wrong=[
            ("needed_digits = 0.25 / 0.001 ** 2", "worst case"),
            ("needed_digits = 1.96 ** 2 * 0.0099 / 0.001 ** 2", "1.96"),
            ("needed_digits = 0.01 * 0.99 / 0.001", "squared"),
            ("needed_digits = 1_000", "as the table"),
            ("needed_digits = 5_000", "look for more"),
        ],
        right=["needed_digits = 10_000", "needed_digits = 0.01 / 0.001**2"],
    ),
    "ex1_5": Planted(
        wrong=[
            ('choice = "a"', "flatters the winner"),
            ('choice = "b"', "much harder"),
            ('choice = "d"', "fitted to these digits"),
            ("choice = True", "choose one of"),
        ],
        right=['choice = " C "'],
    ),
}
