"""Answers to the exercises of chapter 10."""

from planted import Planted

ENERGY = "def energy(logits):\n    z = logits.mean(axis=1)\n"
INK = "def bright_ink(images):\n"
EDGE = (
    "    edge = np.ones((28, 28), bool)\n    edge[1:-1, 1:-1] = False\n    edge = images[:, edge]\n"
)
WHERE = "    return np.where(bright[:, None, None], {yes}, {no})"

PLANTED = {
    "ex10_2": Planted(
        wrong=[
            (ENERGY + "    return np.log(np.exp(z).sum(axis=1))", "sign is missing"),
            (
                ENERGY + "    return -np.log(np.exp(logits).sum(axis=2)).mean(axis=1)",
                "members' energies",
            ),
            (ENERGY + "    return -np.log(np.exp(logits.sum(1)).sum(axis=1))", "adds up"),
            (ENERGY + "    return -z.max(axis=1)", "the second score"),
            (ENERGY + "    return -np.exp(z).sum(axis=1)", "logarithm of the sum"),
            (ENERGY + "    return -z.sum(axis=1)", "after the sum"),
            (ENERGY + "    return -np.log(np.exp(z).sum(axis=1))", "1000"),
            (ENERGY + "    return -np.log(np.exp(z).sum(axis=0))", "the shape is"),
            (ENERGY, "`None`"),
        ],
        right=[
            ENERGY + "    return -np.logaddexp.reduce(z, axis=1)",
            ENERGY + "    from scipy.special import logsumexp\n    return -logsumexp(z, axis=1)",
        ],
    ),
    "ex10_4": Planted(
        wrong=[
            (INK + "    return 255 - images", "inverts all"),
            (INK + "    return images", "nothing has changed"),
            (
                INK
                + EDGE
                + "    bright = np.median(edge, axis=1) > 127\n"
                + WHERE.format(yes="images", no="255 - images"),
                "wrong way round",
            ),
            (
                INK
                + "    bright = images.mean(axis=(1, 2)) > 127\n"
                + WHERE.format(yes="255 - images", no="images"),
                "thick digit",
            ),
            (
                INK
                + EDGE
                + "    bright = edge.max(axis=1) > 127\n"
                + WHERE.format(yes="255 - images", no="images"),
                "single bright pixel",
            ),
            (
                INK
                + EDGE
                + "    bright = np.median(edge, axis=1) > 127\n"
                + WHERE.format(yes="1 - images / 255", no="images / 255"),
                "divided by 255",
            ),
            (INK + EDGE, "`None`"),
            (INK + "    return images[:1]", "the shape is"),
        ],
        right=[
            INK
            + EDGE
            + "    bright = np.median(edge, axis=1) > 127\n"
            + WHERE.format(yes="255 - images", no="images"),
            INK + "    made = []\n    for x in images:\n"
            "        edge = [*x[0], *x[-1], *x[1:-1, 0], *x[1:-1, -1]]\n"
            "        made.append(255 - x if np.median(edge) > 127 else x)\n"
            "    return np.array(made)",
        ],
    ),
    "ex10_1": Planted(
        wrong=[
            ('choice = "a"', "who counts"),
            ('choice = "b"', "nobody knows"),
            ('choice = "c"', "*true* class"),
        ],
        right=['choice = "D"'],
    ),
    "ex10_3": Planted(
        wrong=[
            ('choice = "a"', "mistake of the metric"),
            ('choice = "b"', "no noise"),
            ('choice = "d"', "back in the trap"),
        ],
        right=['choice = "C"'],
    ),
}
