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

PLANTED = {
    "ex9_1": Planted(
        wrong=[
            ('choice = "a"', "can an answer change"),
            ('choice = "b"', "(1) must go"),
            ('choice = "d"', "hardly moves"),
        ],
        right=['choice = "C"'],
    ),
    "ex9_2": Planted(
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
    "ex9_3": Planted(
        wrong=[
            (THRESHOLD + RANKED.format(n="n", off=""), "plain quantile"),
            (THRESHOLD + "    return np.quantile(scores, 1 - alpha)", "NumPy's quantile"),
            (THRESHOLD + RANKED.format(n="(n + 1)", off=" + 1"), "one rank too far"),
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
