"""Answers to the exercises of chapter 9."""

from planted import Planted

POOL = "def pool_then_calibrate(probabilities, temperature):\n"
SOFTMAX = (
    "    def softmax(z):\n        e = np.exp(z)\n        return e / e.sum(-1, keepdims=True)\n"
)
THRESHOLD = "def conformal_threshold(scores, alpha):\n    n = len(scores)\n"
RANKED = (
    "    k = int(np.ceil({n} * (1 - alpha)))\n"
    "    return np.inf if k > n else sorted(scores)[k - 1{off}]"
)

TEMPERATURE = "def best_temperature(logits, labels, candidates):\n"
GROUPED = "def grouping_loss(num_images, share_right):\n"
BIN = (
    "    share = np.average(share_right, axis=1, weights=num_images, keepdims=True)\n"
    "    gap = share_right - share\n"
)
COVERAGE = "def coverage_by_class(sets, labels):\n"
COVERED = "    covered = sets[np.arange(len(labels)), labels]\n"


def temperature(
    power: str = "z / T",
    loss: str = "-np.log(p[np.arange(len(labels)), labels]).mean()",
    give: str = "candidates[np.argmin(losses)]",
) -> str:
    """Code of a fitted temperature with another scaling, loss or result."""
    return (
        f"{TEMPERATURE}    z, losses = logits, []\n    for T in candidates:\n"
        f"        e = np.exp({power})\n        p = e / e.sum(axis=1, keepdims=True)\n"
        f"        losses.append({loss})\n    return {give}"
    )


PLANTED = {
    "ex9_1": Planted(
        wrong=[
            (temperature("z * T"), "multiplies them"),
            (temperature(loss="np.log(p[np.arange(len(labels)), labels]).mean()"), "*highest* NLL"),
            (temperature(give="np.argmin(losses)"), "the place of"),
            (temperature(give="min(losses)"), "lowest NLL itself"),
            (temperature(loss="-np.log(p.max(axis=1)).mean()"), "smallest candidate"),
            (
                temperature(loss="-(z / T)[np.arange(len(labels)), labels].mean() ** 2 * 0 - T"),
                "largest candidate",
            ),
            (temperature(loss="(p.argmax(axis=1) != labels).mean()"), "first candidate"),
            (temperature(give="losses"), "the shape is"),
            (temperature(give="None"), "`None`"),
            (temperature(loss="-np.log(p[labels]).mean(axis=2)"), "AxisError"),
            ("best_temperature = 1.5", "function itself"),
        ],
        right=[
            temperature(),
            TEMPERATURE + "    def nll(T):\n        z = logits / T\n"
            "        true = np.take_along_axis(z, labels[:, None], axis=1)[:, 0]\n"
            "        return np.mean(np.logaddexp.reduce(z, axis=1) - true)\n"
            "    return min(candidates, key=nll)",
            TEMPERATURE + "    import torch\n    import torch.nn.functional as F\n"
            "    z, y = torch.tensor(logits), torch.tensor(labels)\n"
            "    losses = [F.cross_entropy(z / float(T), y) for T in candidates]\n"
            "    return candidates[int(torch.stack(losses).argmin())]",
        ],
    ),
    "ex9_4": Planted(
        wrong=[
            (
                GROUPED + "    gap = share_right - share_right.mean(axis=1, keepdims=True)\n"
                "    return np.average(gap**2, weights=num_images)",
                "unequal size",
            ),
            (GROUPED + BIN + "    return (gap**2).mean()", "cells of the table"),
            (
                GROUPED + "    c = np.average(share_right, weights=num_images)\n"
                "    return np.average((share_right - c) ** 2, weights=num_images)",
                "whole table",
            ),
            (
                GROUPED + "    c = np.average(share_right, axis=0, weights=num_images)\n"
                "    return np.average((share_right - c) ** 2, weights=num_images)",
                "bins of a group",
            ),
            (GROUPED + BIN + "    return np.average(abs(gap), weights=num_images)", "absolute"),
            (GROUPED + BIN + "    return np.average(gap, weights=num_images)", "cancel"),
            (GROUPED + BIN + "    return (num_images * gap**2).sum()", "their number"),
            (
                GROUPED + BIN + "    return np.average(gap**2, weights=num_images) ** 0.5",
                "square root",
            ),
            (GROUPED + BIN + "    return gap**2", "the shape is"),
            (GROUPED + BIN + "    print(gap)", "`None`"),
        ],
        right=[
            GROUPED + BIN + "    return np.average(gap**2, weights=num_images)",
            GROUPED + "    total = 0\n    for n, q in zip(num_images, share_right):\n"
            "        c = sum(n * q) / sum(n)\n        total += sum(n * (c - q) ** 2)\n"
            "    return total / num_images.sum()",
        ],
    ),
    "ex9_6": Planted(
        wrong=[
            (COVERAGE + "    return sets.mean(axis=0)", "*any* image"),
            (
                COVERAGE + COVERED + "    return np.bincount(labels, covered) / len(labels)",
                "all images",
            ),
            (
                COVERAGE
                + COVERED
                + "    return 1 - np.bincount(labels, covered) / np.bincount(labels)",
                "*miss*",
            ),
            (COVERAGE + COVERED + "    return np.bincount(labels, covered)", "numbers of images"),
            (
                COVERAGE + "    sizes = sets.sum(axis=1)\n"
                "    return np.bincount(labels, sizes) / np.bincount(labels)",
                "*size*",
            ),
            (
                COVERAGE
                + COVERED
                + "    return 100 * np.bincount(labels, covered) / np.bincount(labels)",
                "percent",
            ),
            (COVERAGE + COVERED + "    return covered.mean()", "the shape is"),
            (COVERAGE + COVERED, "`None`"),
            (COVERAGE + "    return sets[labels].mean(axis=3)", "AxisError"),
        ],
        right=[
            COVERAGE + COVERED + "    return np.bincount(labels, covered) / np.bincount(labels)",
            COVERAGE + "    return [sets[labels == c, c].mean() for c in range(sets.shape[1])]",
        ],
    ),
    "ex9_2": Planted(
        wrong=[
            ('choice = "a"', "can an answer change"),
            ('choice = "b"', "(1) must go"),
            ('choice = "d"', "hardly moves"),
        ],
        right=['choice = "C"'],
    ),
    "ex9_3": Planted(
        wrong=[
            (
                POOL + SOFTMAX + "    return softmax(np.log(probabilities) / temperature).mean(1)",
                "pools afterwards",
            ),
            (
                POOL + SOFTMAX + "    return softmax(probabilities.mean(1) / temperature)",
                "applied twice",
            ),
            (
                POOL + "    p = probabilities.mean(1) / temperature\n"
                "    return p / p.sum(1, keepdims=True)",
                "undoes itself",
            ),
            (
                POOL + "    p = probabilities.mean(1) ** temperature\n"
                "    return p / p.sum(1, keepdims=True)",
                "upside down",
            ),
            (
                POOL + "    return np.exp(np.log(probabilities.mean(1)) / temperature)",
                "do not add up to 1",
            ),
            (
                POOL + SOFTMAX + "    return softmax(np.log(probabilities).mean(1) / temperature)",
                "averages the logarithms",
            ),
        ],
        right=[
            POOL + SOFTMAX + "    return softmax(np.log(probabilities.mean(1)) / temperature)",
        ],
    ),
    "ex9_5": Planted(
        wrong=[
            (THRESHOLD + RANKED.format(n="n", off=""), "plain quantile"),
            (THRESHOLD + "    return np.quantile(scores, 1 - alpha)", "NumPy's quantile"),
            (
                THRESHOLD + "    k = int(np.ceil((n + 1) * (1 - alpha)))\n"
                '    return np.quantile(scores, k / n, method="higher") if k <= n else np.inf',
                "one rank off as well",
            ),
            (
                THRESHOLD + "    k = int(np.ceil((n + 1) * (1 - alpha)))\n"
                "    return np.sort(scores)[k - 1] if k <= n else None",
                "`None` is no threshold",
            ),
            (
                THRESHOLD + "    return np.sort(scores)[int(np.ceil((n + 1) * alpha)) - 1]",
                "the other end",
            ),
            (
                THRESHOLD + "    return scores[int(np.ceil((n + 1) * (1 - alpha))) - 1]",
                "sort them first",
            ),
            (
                THRESHOLD + "    return np.sort(scores)[int((n + 1) * (1 - alpha)) - 1]",
                "one rank short",
            ),
            (
                THRESHOLD + "    k = int(np.ceil((n + 1) * (1 - alpha)))\n"
                "    return np.sort(scores)[min(k, n) - 1]",
                "no thirteenth",
            ),
            (
                THRESHOLD + "    k = int((n + 1) * (1 - alpha)) + 1\n"
                "    return np.sort(scores)[k - 1] if k <= n else np.inf",
                "exactly 36",
            ),
            (
                THRESHOLD + "    k = int(np.ceil((n + 1) * (1 - alpha)))\n"
                "    return np.sort(scores)[k - 1] if k < n else np.inf",
                "nineteenth",
            ),
        ],
        right=[
            THRESHOLD + RANKED.format(n="(n + 1)", off=""),
            "def conformal_threshold(scores, alpha):\n"
            "    from course_utils.metrics import conformal\n"
            "    return conformal.quantile(scores, alpha)",
        ],
    ),
}
